/**
 * A prepared case as one file that patches are read from: a header, then image, label and each class's voxels, raw. What is held in
 * memory for a case is the header alone, so that a training set may be larger than memory.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fail, ScnasError } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import type { Geometry } from './geometry';
import type { Crop, PreparedCase } from './preprocess';
import type { Spacing } from './resample';

/** Eight bytes that such a file begins with; the last one is the layout's version. */
const MAGIC = 'scnasC\n1';
/** Sections begin at multiples of this. */
const ALIGNMENT = 64;
/** No header is longer. */
const LONGEST_HEADER = 2 ** 20;

/** A prepared case whose voxels stay in its file. Plain data, so that it can be sent to a worker thread. */
export interface CachedCase {
  readonly id: string;
  readonly shape: Shape3;
  readonly channels: number;
  readonly labelled: boolean;
  /** Voxels of each class; 0 for the background. */
  readonly counts: readonly number[];
  readonly spacing: Spacing;
  readonly crop: Crop;
  readonly geometry: Geometry;
  /** What the file was made from: inputs and preprocessing. */
  readonly key: string;
  /** SHA-256 of all that follows the header. */
  readonly hash: string;
  readonly file: string;
  /** Where image, label and the first class's voxels begin, bytes. */
  readonly at: { readonly image: number; readonly label: number; readonly voxels: number };
}

/** What patches are drawn from: a case in memory, or one in its file. */
export type CaseSource = PreparedCase | CachedCase;

/** Part of a case in memory: `image` [x, y, z, c] and `label` [x, y, z] in C order, the first voxel at `origin` of the case. */
export interface Region {
  readonly origin: Shape3;
  readonly shape: Shape3;
  readonly channels: number;
  readonly image: Float32Array;
  readonly label?: Int8Array;
}

/** The file of a prepared case, in the pieces that it is written from. */
export function encodeCase(prepared: PreparedCase, key: string): readonly Uint8Array[] {
  const { id, shape, channels, image, label, classVoxels, spacing, crop, geometry } = prepared;
  const sections = [image, label ?? new Int8Array(0), ...classVoxels].map(padded);
  const hash = createHash('sha256');
  for (const section of sections) for (const piece of section) hash.update(piece);
  const facts = {
    id,
    shape,
    channels,
    labelled: label !== undefined,
    counts: classVoxels.map((voxels) => voxels.length),
    spacing,
    crop,
    geometry,
    key,
    hash: hash.digest('hex'),
  };
  const json = Buffer.from(JSON.stringify(facts));
  const head = Buffer.alloc(aligned(12 + json.length), ' ');
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(json.length, 8);
  json.copy(head, 12);
  return [head, ...sections.flat()];
}

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

function padded({ buffer, byteOffset, byteLength }: Float32Array | Int8Array | Uint32Array): Uint8Array[] {
  return [new Uint8Array(buffer, byteOffset, byteLength), new Uint8Array(aligned(byteLength) - byteLength)];
}

/**
 * Opens the file of a prepared case: reads its header and checks the file's length against it. The voxels are not read.
 *
 * Errors: a ScnasError that names the file where it is not such a file, or was cut.
 */
export function openCachedCase(file: string): CachedCase {
  const handle = openSync(file, 'r');
  try {
    const start = Buffer.alloc(12);
    readSync(handle, start, 0, 12, 0);
    const length = start.readUInt32LE(8);
    if (start.toString('latin1', 0, 8) !== MAGIC || length > LONGEST_HEADER) strange(file, 'another file');
    const json = Buffer.alloc(length);
    readSync(handle, json, 0, length, 12);
    const facts = JSON.parse(json.toString('utf8')) as Omit<CachedCase, 'file' | 'at'>;
    const voxels = facts.shape[0] * facts.shape[1] * facts.shape[2];
    const image = aligned(12 + length);
    const label = image + aligned(4 * voxels * facts.channels);
    const lists = label + aligned(facts.labelled ? voxels : 0);
    const end = facts.counts.reduce((at, count) => at + aligned(4 * count), lists);
    const { size } = fstatSync(handle);
    if (size !== end) strange(file, `${size} bytes instead of ${end}`);
    return { ...facts, file, at: { image, label, voxels: lists } };
  } catch (error) {
    if (error instanceof ScnasError) throw error;
    return strange(file, (error as Error).message);
  } finally {
    closeSync(handle);
  }
}

function strange(file: string, found: string): never {
  return fail({ where: file, expected: 'a prepared case', found, next: 'remove it, it is made anew' });
}

/** How many voxels each class has; 0 for the background. */
export function classCounts(source: CaseSource): readonly number[] {
  return 'file' in source ? source.counts : source.classVoxels.map((voxels) => voxels.length);
}

/** The flat index of a class's k-th voxel. */
export function classVoxel(source: CaseSource, label: number, k: number): number {
  if (!('file' in source)) return source.classVoxels[label][k];
  const before = source.counts.slice(0, label).reduce((at, count) => at + aligned(4 * count), 0);
  const bytes = Buffer.alloc(4);
  reading(source, (read) => read(bytes, source.at.voxels + before + 4 * k));
  return bytes.readUInt32LE(0);
}

/**
 * The part of a case between two corners, as far as the case reaches; along z always all of it, so that each plane is read in one piece.
 *
 * `low` and `high` [x, y, z], the voxel behind the last; both may lie outside. A case in memory is returned whole.
 * Errors: a ScnasError that names the file where it cannot be read.
 */
export function regionOf(source: CaseSource, low: Shape3, high: Shape3): Region {
  if (!('file' in source)) return { ...source, origin: [0, 0, 0] };
  const { shape, channels, labelled, at } = source;
  const [, Y, Z] = shape;
  const [x0, y0] = [0, 1].map((axis) => Math.min(shape[axis], Math.max(0, low[axis])));
  const [x1, y1] = [0, 1].map((axis) => Math.max([x0, y0][axis], Math.min(shape[axis], high[axis])));
  const plane = (y1 - y0) * Z;
  const image = new Float32Array((x1 - x0) * plane * channels);
  const label = labelled ? new Int8Array((x1 - x0) * plane) : undefined;
  reading(source, (read) => {
    for (let x = x0, i = 0; x < x1; x++, i++) {
      const first = (x * Y + y0) * Z;
      const values = 4 * channels * plane;
      read(new Uint8Array(image.buffer, i * values, values), at.image + 4 * channels * first);
      if (label) read(new Uint8Array(label.buffer, i * plane, plane), at.label + first);
    }
  });
  return { origin: [x0, y0, 0], shape: [x1 - x0, y1 - y0, Z], channels, image, label };
}

/** Opens a case's file, reads pieces of it to the full, closes it. */
function reading({ file }: CachedCase, work: (read: (into: Uint8Array, at: number) => void) => void): void {
  let handle: number | undefined;
  try {
    const open = openSync(file, 'r');
    handle = open;
    work((into, at) => {
      for (let done = 0; done < into.length; ) {
        const got = readSync(open, into, done, into.length - done, at + done);
        if (got === 0) throw new Error('too few bytes');
        done += got;
      }
    });
  } catch (error) {
    const found = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    fail({
      where: file,
      expected: 'the prepared case that the run began with',
      found,
      next: 'go on with --resume, which prepares it anew',
    });
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
