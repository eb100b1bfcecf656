/** Unpacks a task's tar: beside its place and then renamed, so that it is there in full or not at all. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { fail, ScnasError } from '../engine/errors';
import { makeFolder } from './room';
import { listTar, type TarEntry } from './tar';

const PIECE = 2 ** 20;

/**
 * Unpacks the folder `name` of a tar into the folder `out` and returns where it is.
 *
 * Every entry is checked first (see {@link listTar}) and must lie in `name`; macOS's ._ files are left out. A file that is in the tar
 * twice is an error. `onBytes` is told how many of all bytes are written. An abort leaves nothing behind.
 */
export async function unpackTask(
  tar: string,
  name: string,
  out: string,
  { onBytes, signal }: { onBytes?: (done: number, all: number) => void; signal?: AbortSignal } = {},
): Promise<string> {
  const target = path.join(out, name);
  if (existsSync(target))
    fail({
      where: target,
      expected: 'no such folder yet',
      found: 'one',
      next: 'remove it, or choose another --out',
    });
  const entries = listTar(tar).filter(
    (entry) => !entry.name.split('/').some((part) => part.startsWith('._')),
  );
  const stray = entries.find((entry) => entry.name !== '' && entry.name.split('/')[0] !== name);
  if (stray)
    fail({
      where: tar,
      expected: `everything in it below ${name}/`,
      found: stray.name,
      next: 'give the tar of that task',
    });
  const all = entries.reduce((sum, entry) => sum + entry.size, 0);
  makeFolder(out);
  const beside = mkdtempSync(path.join(out, `.${name}-`));
  const handle = openSync(tar, 'r');
  try {
    let done = 0;
    for (const entry of entries) {
      signal?.throwIfAborted();
      put(handle, entry, beside, tar);
      done += entry.size;
      onBytes?.(done, all);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!existsSync(path.join(beside, name)))
      fail({ where: tar, expected: `a folder ${name}`, found: 'none', next: 'give the tar of that task' });
    renameSync(path.join(beside, name), target);
    return target;
  } finally {
    closeSync(handle);
    rmSync(beside, { recursive: true, force: true });
  }
}

function put(handle: number, { name, kind, size, offset }: TarEntry, folder: string, tar: string): void {
  const file = path.join(folder, name);
  try {
    mkdirSync(kind === 'folder' ? file : path.dirname(file), { recursive: true });
    if (kind === 'file') copy(handle, offset, size, file, tar);
  } catch (error) {
    if (error instanceof ScnasError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const twice = code === 'EEXIST' || code === 'ENOTDIR';
    fail({
      where: `${tar}, ${name}`,
      expected: twice ? 'each name once' : 'room for it',
      found: twice ? 'a second entry in its place' : (code ?? String(error)),
      next: twice ? 'fetch the file again from where you trust it' : `make room in ${path.dirname(folder)}`,
    });
  }
}

/** `wx`: a file that is there is never written over. */
function copy(from: number, offset: number, size: number, file: string, tar: string): void {
  const to = openSync(file, 'wx');
  try {
    const bytes = Buffer.allocUnsafe(Math.min(PIECE, size));
    for (let done = 0; done < size; ) {
      const n = readSync(from, bytes, 0, Math.min(PIECE, size - done), offset + done);
      if (n === 0)
        fail({ where: tar, expected: `${size} bytes of ${file}`, found: `${done}`, next: 'fetch it again' });
      for (let written = 0; written < n; ) written += writeSync(to, bytes, written, n - written);
      done += n;
    }
  } finally {
    closeSync(to);
  }
}
