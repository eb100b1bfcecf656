/** Files that are either there in full or not at all: written beside, flushed, renamed. */
import fs from 'node:fs';
import path from 'node:path';
import { threadId } from 'node:worker_threads';
import { cannotWrite, makeFolder } from '../data/room';
import { fail } from '../engine/errors';

/** Where what can be made again is kept: `SCNAS_CACHE`, else cache/ in the repository. */
export function cacheFolder(): string {
  return process.env.SCNAS_CACHE || path.join(__dirname, '..', '..', 'cache');
}

/** Writes `contents`, or one piece after the other, to `file` so that a reader, or a run killed at any moment, sees the old file or the new one. */
export function writeWhole(file: string, contents: string | Uint8Array | readonly Uint8Array[]): void {
  const partial = `${file}.partial-${process.pid}-${threadId}`;
  makeFolder(path.dirname(file));
  try {
    const handle = fs.openSync(partial, 'w');
    try {
      const pieces =
        typeof contents === 'string'
          ? [Buffer.from(contents)]
          : contents instanceof Uint8Array
            ? [contents]
            : contents;
      for (const bytes of pieces)
        for (let done = 0; done < bytes.length; )
          done += fs.writeSync(handle, bytes, done, Math.min(bytes.length - done, 2 ** 30));
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(partial, file);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    cannotWrite(file, error);
  }
  flushFolder(path.dirname(file));
}

/** Writes a value as indented JSON, whole or not at all. */
export function writeJson(file: string, value: unknown): void {
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Reads JSON; a missing or broken file is one clear error. */
export function readJson(file: string, next: string): unknown {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    return fail({
      where: file,
      expected: 'a readable file',
      found: (error as NodeJS.ErrnoException).code ?? 'none',
      next,
    });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail({ where: file, expected: 'JSON', found: (error as Error).message, next });
  }
}

/** Makes a rename survive a power cut, where the file system lets a folder be flushed. */
function flushFolder(folder: string): void {
  try {
    const handle = fs.openSync(folder, 'r');
    fs.fsyncSync(handle);
    fs.closeSync(handle);
  } catch {
    // Windows cannot flush a folder; the rename itself is still atomic.
  }
}
