import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainGeometry, writeLabelMap, writeVolume } from '../../src/data/nifti';
import { niivuePage } from '../../src/notebook/niivue';
import { type Served, serveFolder } from '../../src/notebook/serve';
import { browser, browserThere, openBrowser } from './browser';

const root = mkdtempSync(path.join(os.tmpdir(), 'niivue-'));
const folder = path.join(root, 'view');
const shape = [16, 18, 20] as const;
const geometry = plainGeometry([1, 1, 1], 'test');
const image = path.join(root, 'a.nii.gz');
const label = path.join(root, 'b.nii');
let served: Served;

beforeAll(async () => {
  const n = shape[0] * shape[1] * shape[2];
  writeVolume(
    image,
    Int16Array.from({ length: n }, (_, i) => i % 500),
    shape,
    1,
    geometry,
  );
  writeLabelMap(
    label,
    Uint8Array.from({ length: n }, (_, i) => Number(i > n / 2)),
    shape,
    geometry,
  );
  niivuePage(folder, {
    image,
    labels: { truth: label },
    classes: ['background', 'a </script> b'],
    title: 'A & B',
  });
  writeFileSync(path.join(root, 'secret.txt'), 'secret');
  symlinkSync(path.join(root, 'secret.txt'), path.join(folder, 'link.txt'));
  served = await serveFolder(folder);
});
afterAll(() => {
  served.close();
  rmSync(root, { recursive: true });
});

/** A request as a program may send it: fetch would tidy the path. */
function ask(at: string, headers: Record<string, string> = {}, method = 'GET') {
  const { port } = new URL(served.url);
  return new Promise<{ status?: number; body: string; type?: string }>((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path: at, headers, method }, (response) => {
      let body = '';
      response.on('data', (piece) => {
        body += piece;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode, body, type: response.headers['content-type'] }),
      );
    });
    request.on('error', reject).end();
  });
}

describe('the page', () => {
  it('lies beside its script and its volumes, which keep their endings', () => {
    expect(readdirSync(folder).sort()).toEqual([
      'image.nii.gz',
      'index.html',
      'labels-0.nii',
      'link.txt',
      'niivue.js',
    ]);
  });

  it('names nothing outside the folder, and no name ends its script', async () => {
    const { body } = await ask('/');
    expect(body.match(/https?:\/\//g)).toEqual(['http://']); // the address that its message names
    expect(body.match(/<\/script>/g)).toHaveLength(2);
    expect(body).toContain('A &amp; B');
  });

  it('refuses what is no volume', () => {
    const wrong = (file: string) => () =>
      niivuePage(path.join(root, 'x'), { image: file, classes: ['background'] });
    expect(wrong(path.join(root, 'none.nii'))).toThrow(/found none; give the path of a volume/);
    expect(wrong(path.join(root, 'secret.txt'))).toThrow(/expected a .nii or .nii.gz file/);
  });
});

describe('the server', () => {
  it('gives the files of the folder, with their kinds', async () => {
    expect(await ask('/')).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' });
    expect(await ask('/image.nii.gz')).toMatchObject({ status: 200, type: 'application/octet-stream' });
    expect(await ask('/niivue.js', {}, 'HEAD')).toMatchObject({ status: 200, body: '' });
  });

  it.each([
    ['a folder above', '/../secret.txt', {}, 'GET'],
    ['the same, encoded', '/..%2fsecret.txt', {}, 'GET'],
    ['a link that leads out', '/link.txt', {}, 'GET'],
    ['what is not there', '/nothing', {}, 'GET'],
    ['a broken address', '/%zz', {}, 'GET'],
    ['another site’s name', '/', { host: 'evil.example' }, 'GET'],
    ['writing', '/index.html', {}, 'PUT'],
  ])('refuses %s', async (_, at, headers, method) => {
    expect(await ask(at, headers as Record<string, string>, method)).toMatchObject({
      status: 404,
      body: 'nothing here\n',
    });
  });

  it('has one address for a folder, until it is closed', async () => {
    expect((await serveFolder(folder)).url).toBe(served.url);
    const other = await serveFolder(root);
    expect(other.url).not.toBe(served.url);
    other.close();
    await expect(fetch(other.url)).rejects.toThrow();
  });
});

describe('in a browser', () => {
  browserThere();

  it.skipIf(!browser)('shows the image and the label map over it', { timeout: 120_000 }, async () => {
    const chrome = await openBrowser();
    try {
      const page = await chrome.newPage({ viewport: { width: 640, height: 480 } });
      const away: string[] = [];
      page.on('request', (request) => {
        if (!request.url().startsWith(served.url) && !request.url().startsWith('data:'))
          away.push(request.url());
      });
      await page.goto(served.url);
      await page.waitForSelector('body[data-ready]', { timeout: 60_000 });
      const volumes = () =>
        page.evaluate(
          'viewer.volumes.map((v) => [v.hdr.dims.slice(1, 4).join(), v.opacity])',
        ) as Promise<unknown>;
      expect(await volumes()).toEqual([
        ['16,18,20', 1],
        ['16,18,20', 0.6],
      ]);
      await page.locator('input[data-map="1"]').fill('0.2');
      expect(await volumes()).toEqual([
        ['16,18,20', 1],
        ['16,18,20', 0.2],
      ]);
      // Class 1 is orange (#E69F00): where nothing is drawn, no pixel is much redder than blue.
      const reddish = async () => {
        const at = `(() => { viewer.drawScene(); const { gl } = viewer; const p = new Uint8Array(4 * gl.drawingBufferWidth * gl.drawingBufferHeight);
          gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, p);
          let n = 0; for (let i = 0; i < p.length; i += 4) if (p[i] > p[i + 2] + 60 && p[i + 1] > p[i + 2] + 30) n++; return n; })()`;
        return (await page.evaluate(at)) as number;
      };
      await page.locator('input[data-map="1"]').fill('1');
      const shown = await reddish();
      await page.locator('input[data-map="1"]').fill('0');
      expect(await reddish()).toBeLessThan(shown / 20);
      expect(shown).toBeGreaterThan(1000);
      expect(away).toEqual([]);
    } finally {
      await chrome.close();
    }
  });
});
