/** The bytes of volumes on disk: a look at the start, then exactly as many as the header promises, or an error. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { fail } from '../engine/errors';
import { DEFLATE_LIMIT, inflateAll, inflateStart, isGzip, PACKED_START } from './gunzip';

/** A file that was looked at: its first bytes, inflated where it is packed. */
export interface Part {
  readonly file: string;
  /** Bytes on disk. */
  readonly size: number;
  readonly packed: boolean;
  readonly start: Buffer;
}

/** Looks at a file; only a regular one, since a pipe would block and a device has no end. */
export function openPart(file: string): Part {
  const size = sizeOf(file);
  const first = readRange(file, 0, Math.min(size, PACKED_START));
  const packed = isGzip(first);
  return { file, size, packed, start: packed ? inflateStart(first, file) : first };
}

/**
 * The `length` bytes from `offset` on that a header promises, which must be the rest of the file.
 *
 * Memory: `length` bytes, and the packed file's own. `what` says in words what they are.
 * Errors: a ScnasError where the file, or what it inflates to, is shorter or longer.
 */
export function readRest({ file, size, packed }: Part, offset: number, length: number, what: string): Buffer {
  const expected = offset + length;
  const wrong = (found: string) =>
    fail({
      where: file,
      expected: `${expected} bytes for ${what}`,
      found,
      next: 'fetch the file again or repair its header',
    });
  if (!packed) return size === expected ? readRange(file, offset, length) : wrong(`a file of ${size} bytes`);
  if (expected > size * DEFLATE_LIMIT) wrong(`a packed file of ${size} bytes, which cannot hold them`);
  // What cannot be shrunk grows by less than this, in any sensible number of members.
  if (size > expected * 1.1 + 2 ** 20) wrong(`a packed file of ${size} bytes, which holds more`);
  const content = inflateAll(readRange(file, 0, size), file, expected);
  return content.length === expected ? content.subarray(offset) : wrong(`${content.length} bytes`);
}

/** The other file of a .hdr/.img pair, packed or not; undefined for any other name. */
export function partner(file: string, ending: 'hdr' | 'img'): string | undefined {
  const base = /^(.*)\.(hdr|img)(\.gz)?$/s.exec(file)?.[1];
  if (base === undefined) return undefined;
  const names = [`${base}.${ending}`, `${base}.${ending}.gz`];
  return names.find((name) => existsSync(name)) ?? names[0];
}

function sizeOf(file: string): number {
  try {
    const stat = statSync(file);
    if (stat.isFile()) return stat.size;
    return unreadable(file, stat.isDirectory() ? 'a folder' : 'something that is no regular file');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return unreadable(file, code === 'ENOENT' ? 'no such file' : `an error on reading (${code})`);
  }
}

function readRange(file: string, from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  try {
    const handle = openSync(file, 'r');
    try {
      for (let done = 0; done < length; ) {
        const n = readSync(handle, bytes, done, Math.min(length - done, 2 ** 30), from + done);
        if (n === 0) return unreadable(file, 'a file that became shorter while it was read');
        done += n;
      }
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return unreadable(file, `an error on reading (${code})`);
  }
  return bytes;
}

function unreadable(file: string, found: string): never {
  return fail({
    where: file,
    expected: 'a NIfTI file',
    found,
    next: 'check the path, or dataset.json if it names this file',
  });
}
