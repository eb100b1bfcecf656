/** Whether a disk has room, asked before anything is written. */
import { statfsSync } from 'node:fs';
import { fail } from '../engine/errors';

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
