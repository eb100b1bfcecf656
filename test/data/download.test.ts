import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Download, download } from '../../src/data/download';
import { checkRoom } from '../../src/data/room';
import { ScnasError } from '../../src/engine/errors';
import { freshFolder } from './folder';
import { type Manners, noise, serve } from './server';

const SIZE = 300_000;
const { bytes, md5 } = noise(SIZE);
const other = noise(SIZE + 4).bytes.subarray(4);

const keptOf = (file: string) => () => statSync(`${file}.partial`, { throwIfNoEntry: false })?.size ?? 0;

/** Fetches the file from a server with these manners; pauses between tries are noted, not waited for. */
async function fetching(manners?: Manners, more: Partial<Download> = {}, folder = freshFolder()) {
  const file = path.join(folder, 'Task09_Tiny.tar');
  const { url, asked } = await serve(bytes, manners, keptOf(file));
  const waits: number[] = [];
  const wait = async (ms: number) => waits.push(ms);
  const job = { url, file, md5, wait, ...more };
  const go = () => download(job).then(() => '', String);
  return { job, asked, waits, folder, file, go, error: await go() };
}

const whole = ({ file, folder, error }: { file: string; folder: string; error: string }) => {
  expect(error).toBe('');
  expect(readFileSync(file).equals(bytes)).toBe(true);
  expect(readdirSync(folder)).toEqual([path.basename(file)]);
};
const oneLine = /^ScnasError: http:\S+: expected [^\n]+, found [^\n]+; [^\n]+$/;

describe('a download', () => {
  it('comes whole, and tells how far it is', async () => {
    const seen: [number, number | undefined][] = [];
    whole(await fetching(undefined, { onBytes: (done, all) => seen.push([done, all]) }));
    expect(seen[seen.length - 1]).toEqual([SIZE, SIZE]);
    expect(seen.every(([done], i) => i === 0 || done > seen[i - 1][0])).toBe(true);
  });

  it('goes on after each broken connection, from the byte that is missing', async () => {
    const said: string[] = [];
    const result = await fetching((n, _, __, send) => send(n < 4 ? { breakAfter: 50_000 } : {}), {
      onRetry: (line) => said.push(line),
    });
    whole(result);
    expect(result.asked).toEqual(['', ...[1, 2, 3, 4].map((n) => `bytes=${n * 50_000}-`)]);
    // Each try brought something, so none has to wait longer than the first.
    expect(result.waits).toEqual([1000, 1000, 1000, 1000]);
    expect(said[3]).toContain('after 200000 bytes; trying again');
  });

  it('goes on in another run, where the last one gave up', async () => {
    const folder = freshFolder();
    const file = path.join(folder, 'Task09_Tiny.tar');
    let broken = true;
    const manners: Manners = (_, request, __, send) =>
      send(broken ? { breakAfter: request.headers.range ? 0 : 70_000 } : {});
    const server = await serve(bytes, manners, keptOf(file));
    const job = { url: server.url, file, md5, wait: async () => undefined };
    const error = await download(job).then(() => '', String);
    expect(error).toMatch(oneLine);
    expect(error).toContain('after 70000 bytes, which are kept; run the same command again');
    expect(readFileSync(`${file}.partial`).equals(bytes.subarray(0, 70_000))).toBe(true);
    broken = false;
    await download(job);
    whole({ file, folder, error: '' });
    expect(server.asked[server.asked.length - 1]).toBe('bytes=70000-');
  });

  it('begins anew where the server knows no ranges', async () => {
    const result = await fetching((n, _, __, send) =>
      send(n < 2 ? { breakAfter: 50_000, ranges: false } : { ranges: false }),
    );
    whole(result);
    expect(result.asked).toHaveLength(3);
  });

  it('begins anew where the file has changed on the way', async () => {
    const result = await fetching((n, _, __, send) =>
      send(n === 0 ? { breakAfter: 9_000, bytes: other, tag: '"old"' } : {}),
    );
    whole(result);
    expect(result.asked).toEqual(['', 'bytes=9000-']);
  });

  it('begins anew where the server sends another part, or says that there is none', async () => {
    const part: Manners = (n, _, answer, send) => {
      if (n === 0) send({ breakAfter: 9_000 });
      else if (n === 1)
        answer.writeHead(206, { 'content-range': `bytes 5-${SIZE - 1}/${SIZE}` }).end(bytes.subarray(5));
      else send();
    };
    const result = await fetching(part);
    whole(result);
    expect(result.asked).toEqual(['', 'bytes=9000-', '']);
    const none: Manners = (n, _, answer, send) =>
      n === 0 ? send({ breakAfter: 9_000 }) : n === 1 ? answer.writeHead(416).end() : send();
    whole(await fetching(none));
  });

  it('takes no part of another address for its own', async () => {
    const folder = freshFolder();
    const file = path.join(folder, 'Task09_Tiny.tar');
    writeFileSync(`${file}.partial`, other.subarray(0, 1000));
    writeFileSync(
      `${file}.partial.json`,
      JSON.stringify({ url: 'http://elsewhere', version: '', size: SIZE }),
    );
    const result = await fetching(undefined, {}, folder);
    whole(result);
    expect(result.asked).toEqual(['']);
    writeFileSync(`${file}.partial`, other.subarray(0, 1000));
    writeFileSync(`${file}.partial.json`, '{"url"');
    whole(await fetching(undefined, {}, folder));
  });

  it('without a length comes whole', async () => {
    whole(await fetching((_, __, ___, send) => send({ length: null })));
  });

  it('waits longer each time while nothing comes, then ends in one line', async () => {
    const { error, waits, asked } = await fetching((_, __, answer) => void answer.writeHead(503).end());
    expect(error).toMatch(oneLine);
    expect(error).toContain('found status 503; run the same command again');
    expect(waits).toEqual([1000, 2000, 4000, 8000]);
    expect(asked).toHaveLength(5);
  });

  it('recovers from a busy server and follows to another address', async () => {
    whole(
      await fetching((n, _, answer, send) => {
        if (n === 0) answer.writeHead(429).end();
        else if (n === 1) answer.writeHead(302, { location: '/moved/Task09_Tiny.tar' }).end();
        else send();
      }),
    );
  });

  it.each([403, 404, 410])('status %i is not tried again', async (status) => {
    const { error, asked, folder } = await fetching(
      (_, __, answer) => void answer.writeHead(status).end('<html>'),
    );
    expect(error).toMatch(oneLine);
    expect(error).toContain(`found status ${status}; check network and proxy`);
    expect(asked).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('another MD5 is an error, and nothing is kept', async () => {
    const { error, folder } = await fetching((_, __, ___, send) => send({ bytes: other }));
    expect(error).toMatch(oneLine);
    expect(error).toContain(`expected a file with MD5 ${md5}`);
    expect(error).toContain('it was removed');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a length that is too large ends without the file', async () => {
    const { error, file } = await fetching((_, __, ___, send) =>
      send({ length: SIZE + 100, breakAfter: SIZE }),
    );
    expect(error).toMatch(oneLine);
    expect(existsSync(file)).toBe(false);
  });

  it('a length that no task has, or no disk holds, is refused before a byte is written', async () => {
    const { error, folder } = await fetching((_, __, ___, send) =>
      send({ length: 2 ** 40, breakAfter: 100 }),
    );
    expect(error).toContain('more than any task has');
    expect(readdirSync(folder)).toEqual([]);
    expect(() => checkRoom(folder, 2 ** 70)).toThrow(
      /expected 1\.18e\+12 GB of room, found \S+ GB; make room/,
    );
  });

  it('a server that falls silent counts as broken', async () => {
    const silent: Manners = (n, _, answer, send) => {
      if (n > 0) return send();
      answer.writeHead(200, { 'content-length': SIZE, etag: '"one"' }).write(bytes.subarray(0, 40_000));
    };
    const result = await fetching(silent, { stall: 300 });
    whole(result);
    expect(result.asked).toEqual(['', 'bytes=40000-']);
  });

  it('a server that is slow but never silent does not', async () => {
    const drip: Manners = (_, __, answer) => {
      answer.writeHead(200, { 'content-length': SIZE });
      const give = (from: number) => {
        answer.write(bytes.subarray(from, from + 50_000));
        if (from + 50_000 < SIZE) setTimeout(() => give(from + 50_000), 250);
        else answer.end();
      };
      give(0);
    };
    const result = await fetching(drip, { stall: 1000 });
    whole(result);
    expect(result.asked).toEqual(['']);
  });

  it('an answer that ends early without having said its length is gone on with', async () => {
    const result = await fetching((n, _, answer, send) => {
      if (n === 0) send({ breakAfter: 9_000 });
      else if (n > 1) send();
      else {
        answer.writeHead(206, {
          'content-range': `bytes 9000-${SIZE - 1}/${SIZE}`,
          'transfer-encoding': 'chunked',
        });
        answer.end(bytes.subarray(9_000, 20_000));
      }
    });
    whole(result);
    expect(result.asked).toEqual(['', 'bytes=9000-', 'bytes=20000-']);
  });

  it('an abort keeps what is there, and the next run goes on', async () => {
    const stop = new AbortController();
    const slow: Manners = (n, _, answer, send) => {
      if (n > 0) return send();
      answer.writeHead(200, { 'content-length': SIZE, etag: '"one"' }).write(bytes.subarray(0, 40_000));
    };
    const onBytes = (done: number) => done === 40_000 && stop.abort(new Error('stopped by hand'));
    const { job, error, folder, file, asked } = await fetching(slow, { signal: stop.signal, onBytes });
    expect(error).toContain('stopped by hand');
    expect(readFileSync(`${file}.partial`)).toHaveLength(40_000);
    await download({ ...job, signal: undefined });
    whole({ file, folder, error: '' });
    expect(asked).toEqual(['', 'bytes=40000-']);
  });

  it('without a network is one line at once', async () => {
    const file = path.join(freshFolder(), 'a.tar');
    for (const url of ['http://127.0.0.1:9/a.tar', 'http://no-such-host.invalid/a.tar', 'gopher://x/a.tar']) {
      const failed = download({ url, file, md5, wait: () => Promise.reject(new Error('waited')) });
      await expect(failed).rejects.toThrow(ScnasError);
      await expect(failed).rejects.toThrow(
        /expected the file from its server, found [^\n]+; check network and proxy/,
      );
    }
  });
});
