/** One try at a download: asks for what is missing, writes what comes. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { fail } from '../engine/errors';
import { checkRoom, makeFolder, noRoom } from './room';

export interface Part {
  readonly url: string;
  /** FILE.partial, beside which FILE.partial.json says what it is the beginning of. */
  readonly file: string;
  readonly signal?: AbortSignal;
  /** Bytes that are here, of all if the server says how many. */
  readonly onBytes?: (done: number, all: number | undefined) => void;
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly stall: number;
}

/** Something that another try may mend. */
export class Broken extends Error {}

/** What a .partial file is the beginning of. */
interface Origin {
  readonly url: string;
  /** The server's mark of this version: a strong ETag or a date; empty where it gives none. */
  readonly version: string;
  readonly size: number | null;
}

/** No task is near this large: 64 GiB. */
const LARGEST = 2 ** 36;

export const ELSEWHERE =
  'check network and proxy, or fetch the .tar by other means and give it with --from FILE (environment.md, "Data from the mirror")';

/** How many bytes of the file are here; a beginning of something else counts as none. */
export function bytesHere({ file, url }: Pick<Part, 'file' | 'url'>): number {
  if (originOf(file)?.url !== url) return 0;
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Forgets what is here. */
export function forget(file: string): void {
  for (const name of [file, `${file}.json`]) rmSync(name, { force: true });
}

/**
 * Asks for the bytes that are not here yet and appends them; all of them anew where the server knows no ranges or has another version.
 *
 * Errors: {@link Broken} for what another try may mend; a ScnasError for an answer that is not the file and for a full disk; fetch's own
 * where there is no way to the server.
 */
export async function fetchRest({ url, file, signal, onBytes, stall }: Part): Promise<void> {
  const have = bytesHere({ file, url });
  const origin = have > 0 ? originOf(file) : undefined;
  if (origin && have === origin.size) return;
  const stop = new AbortController();
  const forward = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', forward);
  let timer: NodeJS.Timeout | undefined;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stop.abort(new Broken(`no byte for ${stall / 1000} s`)), stall);
  };
  let out: FileHandle | undefined;
  try {
    alive();
    const answer = await fetch(url, { signal: stop.signal, headers: requestHeaders(have, origin) });
    const { from, all } = place(answer, url, have, origin);
    if (from === null) {
      forget(file);
      throw new Broken('another part than the one asked for');
    }
    if ((all ?? 0) > LARGEST) throw new Broken(`${all} bytes, more than any task has`);
    const folder = path.dirname(path.resolve(file));
    makeFolder(folder);
    checkRoom(folder, (all ?? from) - from);
    out = await open(file, from > 0 ? 'r+' : 'w');
    if (from === 0)
      writeFileSync(`${file}.json`, JSON.stringify({ url, version: versionOf(answer), size: all ?? null }));
    let done = from;
    for await (const piece of answer.body ?? []) {
      alive();
      if (done + piece.length > (all ?? LARGEST)) throw new Broken('more bytes than the server announced');
      for (let written = 0; written < piece.length; )
        written += (await out.write(piece, written, piece.length - written, done + written)).bytesWritten;
      done += piece.length;
      onBytes?.(done, all);
    }
    if (all !== undefined && done !== all) throw new Broken(`the end after ${done} of ${all} bytes`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') noRoom(file, undefined, 'none left');
    throw stop.signal.reason instanceof Broken ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
    stop.abort();
    signal?.removeEventListener('abort', forward);
    await out?.close();
  }
}

function requestHeaders(have: number, origin: Origin | undefined): Record<string, string> {
  // A server that packs on the way would change the bytes and their number.
  const plain = { 'accept-encoding': 'identity' };
  if (!origin) return plain;
  return { ...plain, range: `bytes=${have}-`, ...(origin.version ? { 'if-range': origin.version } : {}) };
}

/** Where the answer's bytes belong (null: nowhere, begin anew), and how many the whole file has. */
function place(
  answer: Response,
  url: string,
  have: number,
  origin: Origin | undefined,
): { from: number | null; all?: number } {
  const { status, headers } = answer;
  if (status === 200) {
    const length = headers.get('content-length');
    return { from: 0, ...(length && /^\d+$/.test(length) ? { all: Number(length) } : {}) };
  }
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers.get('content-range') ?? '');
    const all = Number(range?.[2]);
    const fits = range && Number(range[1]) === have && (origin?.size ?? all) === all;
    return fits ? { from: have, all } : { from: null };
  }
  if (status === 416) return { from: null };
  if (status >= 500 || status === 429 || status === 408) throw new Broken(`status ${status}`);
  return fail({
    where: url,
    expected: 'the file from its server',
    found: `status ${status}`,
    next: ELSEWHERE,
  });
}

function versionOf({ headers }: Response): string {
  const tag = headers.get('etag') ?? '';
  return tag !== '' && !tag.startsWith('W/') ? tag : (headers.get('last-modified') ?? '');
}

function originOf(file: string): Origin | undefined {
  try {
    return JSON.parse(readFileSync(`${file}.json`, 'utf8')) as Origin;
  } catch {
    return undefined;
  }
}
