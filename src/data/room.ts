/** Places to write to: folders, and whether their disk has room, asked before anything is written. */
import { accessSync, constants, existsSync, mkdirSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';

/** What a file system's refusals mean. */
const refusals: Readonly<Record<string, string>> = {
  EACCES: 'no permission to write',
  EPERM: 'no permission to write',
  EROFS: 'a disk that is read only',
  ENOSPC: 'no room left',
  EDQUOT: 'no room left',
  ENOENT: 'no such folder',
  ENOTDIR: 'a file where a folder should be',
  EISDIR: 'a folder',
  ENAMETOOLONG: 'a name that is too long',
};

/** The error of a place that cannot be written to; errors that are not the file system's are thrown as they are. */
export function cannotWrite(place: string, error: unknown): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  const found = refusals[code] ?? code;
  return fail({
    where: place,
    expected: 'a place that can be written to',
    found,
    next: 'choose another, or make room there',
  });
}

/**
 * Makes a folder to write to, and those above it, where they are not there.
 *
 * Errors: a ScnasError where that is not possible. Node's own recursive way does not end where a file system refuses with ENOENT, as /proc does.
 */
export function makeFolder(folder: string): void {
  const absent: string[] = [];
  for (let at = path.resolve(folder); !existsSync(at); at = path.dirname(at)) absent.unshift(at);
  for (const each of absent)
    try {
      mkdirSync(each);
    } catch (error) {
      // Another program may have made it meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') cannotWrite(folder, error);
    }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) cannotWrite(folder, { code: 'ENOTDIR' });
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    cannotWrite(folder, error);
  }
}

/** Refuses work that needs more bytes than the disk of an existing folder has. */
export function checkRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bytes > bavail * bsize) noRoom(folder, bytes, `${gigabytes(bavail * bsize)} GB`);
}

/** The error of a disk that is too small. */
export function noRoom(folder: string, bytes: number | undefined, found: string): never {
  return fail({
    where: folder,
    expected: bytes === undefined ? 'room on the disk' : `${gigabytes(bytes)} GB of room`,
    found,
    next: 'make room, or choose another --out',
  });
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toPrecision(3);
}
