/** A server on this machine that gives one file, well or badly. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** How a server treats its n-th request; `send` gives the file as a good one does. */
export type Manners = (n: number, request: IncomingMessage, answer: ServerResponse, send: Send) => void;
export type Send = (options?: {
  /** Breaks the connection after so many bytes of the answer. */
  readonly breakAfter?: number;
  readonly ranges?: boolean;
  readonly tag?: string;
  readonly bytes?: Buffer;
  readonly length?: number | null;
}) => void;

export interface TestServer {
  readonly url: string;
  /** The range of each request, '' for none. */
  readonly asked: readonly string[];
}

/** Serves `bytes` until the test ends. A connection that is to break does so once the client keeps what was sent: `kept` bytes. */
export async function serve(
  bytes: Buffer,
  manners: Manners = (_, __, ___, send) => send(),
  kept: () => number = () => Number.POSITIVE_INFINITY,
): Promise<TestServer> {
  const asked: string[] = [];
  const server = createServer((request, answer) => {
    asked.push(request.headers.range ?? '');
    manners(asked.length - 1, request, answer, (options) =>
      sendFile(bytes, request, answer, kept, options ?? {}),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/Task09_Tiny.tar`, asked };
}

function sendFile(
  original: Buffer,
  request: IncomingMessage,
  answer: ServerResponse,
  kept: () => number,
  { breakAfter, ranges = true, tag = '"one"', bytes = original, length }: Parameters<Send>[0] & object,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const same = request.headers['if-range'] === undefined || request.headers['if-range'] === tag;
  const part = ranges && same ? bytes.subarray(from) : bytes;
  if (ranges && same && request.headers.range !== undefined && from >= bytes.length) {
    answer.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const partial = part.length < bytes.length;
  if (tag !== '') answer.setHeader('etag', tag);
  if (length !== null) answer.setHeader('content-length', length ?? part.length);
  if (partial) answer.setHeader('content-range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`);
  answer.writeHead(partial ? 206 : 200);
  if (breakAfter === undefined) answer.end(part);
  else answer.write(part.subarray(0, breakAfter), () => breakWhen(() => kept() >= from + breakAfter, answer));
}

function breakWhen(ready: () => boolean, answer: ServerResponse, tries = 500): void {
  if (tries === 0 || ready()) setTimeout(() => answer.destroy(), 20);
  else setTimeout(() => breakWhen(ready, answer, tries - 1), 10);
}

/** Bytes that differ everywhere, and their MD5. */
export function noise(length: number): { bytes: Buffer; md5: string } {
  let state = 12345;
  const bytes = Buffer.from(
    Uint32Array.from({ length: Math.ceil(length / 4) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state;
    }).buffer,
  ).subarray(0, length);
  return { bytes, md5: md5(bytes) };
}

export function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}
