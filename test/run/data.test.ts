/** `scnas data` from outside, against a server on this machine. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { decathlonTasks } from '../../src/data/decathlon';
import { writePhantom } from '../../src/data/phantom';
import { main } from '../../src/run/cli';
import { freshFolder } from '../data/folder';
import { type Manners, md5, serve } from '../data/server';
import { type Entry, tarOf } from '../data/tar-maker';

const TASK = 'Task04_Hippocampus';

/** Runs a command; what it printed and its exit code. */
async function scnas(...args: string[]) {
  let text = '';
  const write = (part: string | Uint8Array) => {
    text += String(part);
    return true;
  };
  const spies = [process.stdout, process.stderr].map((s) => vi.spyOn(s, 'write').mockImplementation(write));
  try {
    const code = await main(['node', 'scnas', 'data', ...args]);
    return { code, text };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
}

/** A tar of a phantom task, as the mirror would have it, and more entries. */
function taskTar(...more: Entry[]): Buffer {
  const root = freshFolder();
  const folder = writePhantom({ task: TASK, cases: 2, seed: 1, size: [16, 16, 16], out: root });
  const files = readdirSync(folder, { recursive: true }).map(String).sort();
  const entries = files.map((name): Entry => {
    const file = path.join(folder, name);
    return statSync(file).isDirectory()
      ? { name: `./${TASK}/${name}/`, type: '5' }
      : { name: `./${TASK}/${name}`, bytes: readFileSync(file) };
  });
  return tarOf([{ name: `./._${TASK}`, bytes: Buffer.from('mac') }, ...entries, ...more]);
}

async function mirror(tar: Buffer, manners?: Manners, out = '') {
  const kept = () => statSync(path.join(out, `${TASK}.tar.partial`), { throwIfNoEntry: false })?.size ?? 0;
  const server = await serve(tar, manners, kept);
  return { from: new URL('.', server.url).href, asked: server.asked, sum: md5(tar) };
}

describe('scnas data get', () => {
  it('fetches over a broken connection, checks, unpacks, and the task opens', async () => {
    const out = path.join(freshFolder(), 'new', 'data');
    const manners: Manners = (n, _, __, send) => send(n === 0 ? { breakAfter: 5000 } : {});
    const { from, sum, asked } = await mirror(taskTar(), manners, out);
    const { code, text } = await scnas('get', 'hippocampus', '--out', out, '--from', from, '--md5', sum);
    expect(text).toContain(`2 cases in ${path.join(out, TASK)}\nnext: scnas plan --data `);
    expect(text).toContain('after 5000 bytes; trying again');
    expect(text).toMatch(/Task04_Hippocampus, MB 1\/1 in/);
    expect(code).toBe(0);
    expect(asked).toEqual(['', 'bytes=5000-']);
    expect(readdirSync(out)).toEqual([TASK]);
    const again = await scnas('get', '4', '--out', out, '--from', from, '--md5', sum);
    expect(again.text).toContain('which was there already');
    expect(asked).toHaveLength(2);
    expect((await scnas('list', '--out', out)).text).toMatch(/^Task04_Hippocampus {4}here {2}[0-9a-f]{32}$/m);
  });

  it('holds the file against the published MD5', async () => {
    const { from } = await mirror(taskTar());
    const out = freshFolder();
    const { code, text } = await scnas('get', TASK, '--out', out, '--from', from);
    expect(code).toBe(1);
    expect(text).toContain('expected a file with MD5 9d24dba78a72977dbd1d2e110310f31b, found ');
    expect(readdirSync(out)).toEqual([]);
  });

  it('takes a tar that is here, and leaves it', async () => {
    const folder = freshFolder();
    const tar = path.join(folder, 'by hand.tar');
    const bytes = taskTar();
    writeFileSync(tar, bytes);
    const out = path.join(folder, 'out');
    const wrong = await scnas('get', TASK, '--out', out, '--from', tar);
    expect(wrong.text).toContain('give another --from, or its own sum with --md5');
    expect((await scnas('get', TASK, '--out', out, '--from', tar, '--md5', md5(bytes))).code).toBe(0);
    expect(existsSync(tar)).toBe(true);
    const none = await scnas('get', '2', '--out', out, '--from', path.join(folder, 'none.tar'));
    expect(none.text).toContain('none.tar: expected a .tar file, or an address');
  });

  it('goes on with unpacking where the tar is here from an earlier run; --keep keeps it', async () => {
    const bytes = taskTar();
    const { from, sum, asked } = await mirror(bytes);
    const out = freshFolder();
    writeFileSync(path.join(out, `${TASK}.tar`), bytes);
    expect((await scnas('get', TASK, '--out', out, '--from', from, '--md5', sum, '--keep')).code).toBe(0);
    expect(asked).toEqual([]);
    expect(readdirSync(out).sort()).toEqual([TASK, `${TASK}.tar`]);
  });

  it('a tar with a link in it leaves no folder, and says which entry', async () => {
    const { from, sum } = await mirror(taskTar({ name: `${TASK}/out`, type: '2', link: '/' }));
    const out = freshFolder();
    const { code, text } = await scnas('get', TASK, '--out', out, '--from', from, '--md5', sum);
    expect(code).toBe(1);
    expect(text).toContain(
      `"${TASK}/out": expected files and folders, found a symbolic link; nothing was unpacked`,
    );
    expect(existsSync(path.join(out, TASK))).toBe(false);
  });

  it('a folder that is there but not whole, one that cannot be made, and an unknown task are named', async () => {
    const out = freshFolder();
    mkdirSync(path.join(out, TASK));
    expect((await scnas('get', TASK, '--out', out)).text).toContain('no dataset.json');
    copyFileSync(__filename, path.join(out, 'file'));
    expect((await scnas('get', TASK, '--out', path.join(out, 'file', 'x'))).text).toContain(
      'found a file where a folder should be',
    );
    rmSync(path.join(out, TASK), { recursive: true });
    const { code, text } = await scnas('get', 'Task11_Moon', '--out', out);
    expect(code).toBe(1);
    expect(text).toContain('expected one of Task01_BrainTumour, Task02_Heart');
  });

  it('without a network is one line that says what to do', async () => {
    const { code, text } = await scnas('get', TASK, '--out', freshFolder(), '--from', 'http://127.0.0.1:9');
    expect(code).toBe(1);
    expect(text).toMatch(
      /^scnas: http:\/\/127\.0\.0\.1:9\/Task04_Hippocampus\.tar: expected the file from its server, found .+; .+\n$/,
    );
  });

  it('Ctrl-C keeps what was fetched and says how to go on', async () => {
    const out = freshFolder();
    const partial = path.join(out, `${TASK}.tar.partial`);
    const stopOnce = () => {
      if (statSync(partial, { throwIfNoEntry: false })?.size === 5000) process.emit('SIGINT');
      else setTimeout(stopOnce, 10);
    };
    const slow: Manners = (_, __, answer) => {
      answer.writeHead(200, { 'content-length': 1e6 }).write(Buffer.alloc(5000), stopOnce);
    };
    const { from } = await mirror(taskTar(), slow);
    const { code, text } = await scnas('get', TASK, '--out', out, '--from', from);
    expect(code).toBe(130);
    expect(text).toContain(`to go on: scnas data get ${TASK} --out ${out}`);
    expect(statSync(partial).size).toBe(5000);
  });
});

describe('help and list', () => {
  it.each([[], ['get'], ['list']])('of data %s has an example', async (...names) => {
    const { code, text } = await scnas(...names, '--help');
    expect(code).toBe(0);
    expect(text).toMatch(/Example:\n {2}scnas data /);
  });

  it('an unknown option is an error', async () => {
    expect((await scnas('get', TASK, '--form', 'x')).code).toBe(1);
  });

  it('lists ten tasks, each with a sum of its own', async () => {
    expect(
      (await scnas('list', '--out', freshFolder())).text.match(/^Task\d\d_\w+ +– +[0-9a-f]{32}$/gm),
    ).toHaveLength(10);
    expect(new Set(decathlonTasks.map((task) => task.md5)).size).toBe(10);
  });
});
