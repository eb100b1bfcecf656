/**
 * Prepared cases on disk. The name of a case's file holds a hash of what it was made from: the bytes of image and label and the preprocessing;
 * so what is there fits, and what does not fit is made beside it.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type CachedCase, encodeCase, openCachedCase } from '../data/cached-case';
import type { CaseLook } from '../data/look';
import { type Dataset, type DatasetCase, loadCase } from '../data/msd';
import { partner } from '../data/nifti-file';
import { PREPROCESS_VERSION, type Preprocessing, prepareCase } from '../data/preprocess';
import { makeFolder } from '../data/room';
import { fail, ScnasError } from '../engine/errors';
import { markUsed } from './cache-files';
import { cacheFolder, writeWhole } from './files';
import { hashOf } from './hash';

/** Where the prepared cases of a task are kept. */
export function preparedFolder(task: string): string {
  return path.join(cacheFolder(), 'prepared', task);
}

/** SHA-256 of a case's files: image, label, and the second file of a .hdr/.img pair. Read in pieces. */
export function hashInputs({ image, label }: DatasetCase): string {
  const files = [image, label].flatMap((file) => {
    if (file === undefined) return [];
    const other = partner(file, /\.hdr(\.gz)?$/.test(file) ? 'img' : 'hdr');
    return other !== undefined && fs.existsSync(other) ? [file, other] : [file];
  });
  return hashOf(files.map(hashFile));
}

function hashFile(file: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(2 ** 20);
  try {
    const handle = fs.openSync(file, 'r');
    try {
      for (let got = 1; got > 0; ) {
        got = fs.readSync(handle, piece, 0, piece.length, null);
        hash.update(piece.subarray(0, got));
      }
    } finally {
      fs.closeSync(handle);
    }
  } catch (error) {
    fail({
      where: file,
      expected: 'a readable file',
      found: (error as NodeJS.ErrnoException).code ?? 'none',
      next: 'check the path',
    });
  }
  return hash.digest('hex');
}

/**
 * The prepared case, from the cache where it is there, else made and written. A file of that name that is cut or strange is made anew.
 *
 * `folder` gets the file. Errors: a ScnasError for a volume that cannot be read or prepared, or a disk without space.
 */
export function cachedCase(dataset: Dataset, id: string, how: Preprocessing, folder: string): CachedCase {
  const entry = dataset.cases.find((candidate) => candidate.id === id) ?? { id, image: '' };
  const classes = dataset.classes.length;
  const inputs = hashInputs(entry);
  const key = hashOf({ version: PREPROCESS_VERSION, endianness: os.endianness(), inputs, classes, how });
  const file = path.join(folder, `${id.slice(0, LONGEST_NAME)}-${key}.case`);
  const there = reusable(file, key);
  if (there) {
    markUsed(file);
    return there;
  }
  const prepared = prepareCase(loadCase(dataset, id), classes, how);
  const pieces = encodeCase(prepared, key);
  makeFolder(folder);
  checkSpace(
    folder,
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
  writeWhole(file, pieces);
  return openCachedCase(file);
}

function reusable(file: string, key: string): CachedCase | undefined {
  if (!fs.existsSync(file)) return undefined;
  try {
    const found = openCachedCase(file);
    return found.key === key ? found : undefined;
  } catch (error) {
    if (error instanceof ScnasError) return undefined;
    throw error;
  }
}

function checkSpace(folder: string, needed: number): void {
  const { bavail, bsize } = fs.statfsSync(folder);
  if (bavail * bsize > needed + 2 ** 20) return;
  fail({
    where: folder,
    expected: `${Math.ceil(needed / 2 ** 20)} MiB of free space for a prepared case`,
    found: `${Math.floor((bavail * bsize) / 2 ** 20)} MiB`,
    next: 'make room, or set SCNAS_CACHE to another disk',
  });
}

/** Letters of a case's id in the name of its file: with three bytes each they leave room for the key. */
const LONGEST_NAME = 40;

/** Raised whenever a look at the same case finds other facts than before. */
const LOOK_VERSION = 1;

/** The look at a case that was kept for the same files, else a new one; only a look without problems is kept. */
export function cachedLook(dataset: Dataset, id: string, folder: string, look: () => CaseLook): CaseLook {
  const entry = dataset.cases.find((candidate) => candidate.id === id);
  if (!entry) return look();
  const { modalities, classes } = dataset;
  const readable = [entry.image, entry.label].every((name) => name === undefined || isReadable(name));
  if (!readable) return look();
  const key = hashOf({ version: LOOK_VERSION, inputs: hashInputs(entry), modalities, classes });
  const file = path.join(folder, `${id.slice(0, LONGEST_NAME)}-${key}.json`);
  if (fs.existsSync(file)) {
    try {
      const kept = JSON.parse(fs.readFileSync(file, 'utf8')) as CaseLook;
      markUsed(file);
      return kept;
    } catch {
      // Cut by another program: looked at anew.
    }
  }
  const found = look();
  if (found.problems.length > 0) return found;
  writeWhole(file, JSON.stringify(found));
  return found;
}

function isReadable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
