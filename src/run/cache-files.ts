/** What lies in the cache, and its removal: prepared cases and looks, which are made again where they are missed. */
import fs from 'node:fs';
import path from 'node:path';
import { cacheFolder } from './files';

/** A file of the cache. */
export interface CacheFile {
  readonly task: string;
  readonly file: string;
  readonly bytes: number;
  /** When it was last made or reused, milliseconds since 1970. */
  readonly used: number;
}

/** Names that the cache gives: a case and its key, or such a file cut off in writing. Nothing else is ever removed. */
const OURS = {
  prepared: /-[0-9a-f]{16}\.case(\.partial-\d+-\d+)?$/,
  looks: /-[0-9a-f]{16}\.json(\.partial-\d+-\d+)?$/,
};

/** Every file of the cache, task by task. */
export function cacheFiles(): CacheFile[] {
  return Object.entries(OURS).flatMap(([kind, name]) => {
    const root = path.join(cacheFolder(), kind);
    if (!fs.existsSync(root)) return [];
    return fs.readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((entry): CacheFile[] => {
      if (!entry.isFile() || !name.test(entry.name)) return [];
      const file = path.join(entry.parentPath, entry.name);
      const { size: bytes, mtimeMs, atimeMs } = fs.statSync(file);
      const used = Math.max(mtimeMs, atimeMs);
      return [{ task: path.relative(root, entry.parentPath), file, bytes, used }];
    });
  });
}

/** Marks a file as used now, where it may be. */
export function markUsed(file: string): void {
  try {
    fs.utimesSync(file, new Date(), fs.statSync(file).mtime);
  } catch {
    // A cache that may only be read is none the worse for it.
  }
}

/** Removes these files, and folders that they leave empty; returns their bytes. */
export function removeFiles(files: readonly CacheFile[]): number {
  for (const { file } of files) fs.rmSync(file, { force: true });
  for (const folder of new Set(files.map(({ file }) => path.dirname(file))))
    if (fs.existsSync(folder) && fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
