/** A folder as a web site on this machine alone, for pages that load files beside them. */
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** A folder that is being served. */
export interface Served {
  readonly url: string;
  close(): void;
}

const open = new Map<string, Promise<Served>>();

/**
 * Serves a folder at 127.0.0.1, on a port that is free, until the process ends or `close` is called; it keeps no process alive.
 *
 * @param folder only files in it are served, read only; asked for again, the same address is given
 */
export function serveFolder(folder: string): Promise<Served> {
  const root = fs.realpathSync(folder);
  const known = open.get(root);
  if (known) return known;
  const served = begin(root);
  open.set(root, served);
  served.catch(() => open.delete(root));
  return served;
}

function begin(root: string): Promise<Served> {
  const server = http.createServer((request, response) => answer(root, request, response));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.unref();
      const { port } = server.address() as AddressInfo;
      const close = () => {
        open.delete(root);
        server.close();
        server.closeAllConnections();
      };
      resolve({ url: `http://127.0.0.1:${port}/`, close });
    });
  });
}

function answer(root: string, { method, url, headers }: http.IncomingMessage, response: http.ServerResponse) {
  // Another site's page must not read volumes through a name that it points at this machine.
  const local = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '');
  const file = local && (method === 'GET' || method === 'HEAD') ? fileOf(root, url ?? '/') : undefined;
  if (!file) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here\n');
    return;
  }
  response.writeHead(200, {
    'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'content-length': fs.statSync(file).size,
    'cache-control': 'no-store',
  });
  if (method === 'HEAD') response.end();
  else
    fs.createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

/** The file that is meant, or nothing where it is none or outside the folder, links followed. */
function fileOf(root: string, url: string): string | undefined {
  try {
    const { pathname } = new URL(url, 'http://127.0.0.1');
    const asked = decodeURIComponent(pathname === '/' ? '/index.html' : pathname);
    const file = fs.realpathSync(path.join(root, asked));
    return file.startsWith(root + path.sep) && fs.statSync(file).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}
