/**
 * Broken headers, gzip streams and dataset.json by the thousand: each is read, or refused in one line that names the file, in bounded time
 * and memory. What fails is printed with its seed and its smallest form; SCNAS_FUZZ_SEED and SCNAS_FUZZ_RUNS (a multiple of the cases) repeat
 * and widen it.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/msd';
import { readNifti, type Volume, writeLabelMap } from '../../src/data/nifti';
import { ScnasError } from '../../src/engine/errors';
import { largestAllocation } from './allocations';
import { fixture, volume } from './hostile';
import { nifti2 } from './hostile-bytes';

const times = Number(process.env.SCNAS_FUZZ_RUNS ?? 1);
const runs = (n: number) => ({ numRuns: n * times, seed: Number(process.env.SCNAS_FUZZ_SEED ?? 1) });
const folder = mkdtempSync(path.join(os.tmpdir(), 'scnas-fuzz-'));
const memoryBefore = process.resourceUsage().maxRSS;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A case may take this long; a hang would be far longer. */
const MOST_SECONDS = 5;

/** Reads the bytes as a file; what is read must be whole, what is refused must be refused in one line. */
function readBytes(bytes: Buffer, name: string): Volume | undefined {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  let result: Volume | ScnasError | undefined;
  const began = performance.now();
  const largest = largestAllocation(() => {
    result = attempt(() => readNifti(file));
  });
  expect((performance.now() - began) / 1000).toBeLessThan(MOST_SECONDS);
  // Deflate's limit, four bytes in memory for one on disk, and the piece in which zlib inflates a header.
  expect(largest).toBeLessThanOrEqual(4 * 1032 * bytes.length + 2 ** 16);
  if (result instanceof ScnasError) expect(result.message).toMatch(oneLine(file));
  return result instanceof ScnasError ? undefined : result;
}

function attempt<T>(run: () => T): T | ScnasError {
  try {
    return run();
  } catch (error) {
    if (error instanceof ScnasError) return error;
    throw error;
  }
}

const oneLine = (file: string) => new RegExp(`^${file}: expected .+, found .+; [^\n]+$`);

/** What holds of anything that was read: its sizes agree, its numbers are numbers, and its label map lies where it lies. */
function checkRead({ shape, channels, data, spacing, geometry }: Volume): void {
  const voxels = shape[0] * shape[1] * shape[2];
  expect(data.length).toBe(voxels * channels);
  expect(data.every(Number.isFinite)).toBe(true);
  expect(spacing.every((d) => d > 0 && d < Number.POSITIVE_INFINITY)).toBe(true);
  if (shape.some((n) => n > 32767)) return;
  const file = path.join(folder, 'label.nii');
  writeLabelMap(file, new Uint8Array(voxels), shape, geometry);
  const back = readNifti(file);
  expect(back.shape).toEqual(shape);
  for (const key of ['qformCode', 'sformCode', 'dimInfo', 'description', 'auxFile'] as const)
    expect(back.geometry[key]).toEqual(geometry[key]);
  for (const key of ['quaternion', 'offset', 'srow'] as const)
    expect(back.geometry[key]).toEqual(geometry[key].map(Math.fround));
}

/** A change to bytes, told so that a failure can be read. */
type Change =
  | { readonly put: 'i16' | 'i32' | 'i64' | 'f32' | 'f64'; readonly at: number; readonly value: number }
  | { readonly put: 'byte'; readonly at: number; readonly value: number }
  | { readonly put: 'cut' | 'grow' | 'repeat'; readonly at: number; readonly value: number };

function changed(original: Buffer, changes: readonly Change[], little: boolean): Buffer {
  let bytes = Buffer.from(original);
  for (const { put, at: position, value } of changes) {
    const at = bytes.length === 0 ? 0 : position % bytes.length;
    const fits = { i16: 2, i32: 4, i64: 8, f32: 4, f64: 8, byte: 1, cut: 0, grow: 0, repeat: 0 }[put];
    if (at + fits > bytes.length) continue;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (put === 'byte') bytes[at] = value & 0xff;
    else if (put === 'i16') view.setInt16(at, value, little);
    else if (put === 'i32') view.setInt32(at, value, little);
    else if (put === 'i64') view.setBigInt64(at, BigInt.asIntN(64, BigInt(Math.trunc(value))), little);
    else if (put === 'f32') view.setFloat32(at, value, little);
    else if (put === 'f64') view.setFloat64(at, value, little);
    else if (put === 'cut') bytes = bytes.subarray(0, at);
    else if (put === 'grow') bytes = Buffer.concat([bytes, Buffer.alloc(value & 0xfff, at)]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - (value & 0xff)))]);
  }
  return bytes;
}

const wholes = fc.oneof(
  fc.constantFrom(0, 1, -1, 2, 3, 4, 7, 8, 16, 128, 255, 348, 352, 540, 32767, -32768, 2 ** 31 - 1, 2 ** 40),
  fc.integer(),
);
const reals = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 348, 352, 353, 1e-45, 1e-6, 3.4e38, Number.NaN, 1 / 0, -1 / 0),
  fc.float(),
);
const field = (
  put: 'i16' | 'i32' | 'i64' | 'f32' | 'f64',
  offsets: readonly number[],
): fc.Arbitrary<Change> =>
  fc.record({
    put: fc.constant(put),
    at: fc.constantFrom(...offsets),
    value: put.startsWith('i') ? wholes : reals,
  });
const steps = (from: number, count: number, size: number) =>
  Array.from({ length: count }, (_, i) => from + size * i);
const anywhere: fc.Arbitrary<Change> = fc.record({
  put: fc.constantFrom('byte', 'cut', 'grow', 'repeat'),
  at: fc.nat(2 ** 12),
  value: fc.nat(2 ** 12),
});

/** The fields of each version, so that most cases get past the first check. */
const fields1 = fc.oneof(
  { weight: 3, arbitrary: field('i16', [...steps(40, 8, 2), 70, 72, 252, 254]) },
  { weight: 3, arbitrary: field('f32', [...steps(76, 8, 4), 108, 112, 116, ...steps(256, 18, 4)]) },
  { weight: 1, arbitrary: field('i32', [0, 120, 344]) },
  { weight: 1, arbitrary: anywhere },
);
const fields2 = fc.oneof(
  { weight: 3, arbitrary: field('i64', [...steps(16, 8, 8), 168]) },
  { weight: 3, arbitrary: field('f64', [...steps(104, 8, 8), 176, 184, ...steps(352, 18, 8)]) },
  { weight: 1, arbitrary: field('i16', [12, 14]) },
  { weight: 1, arbitrary: field('i32', [0, 4, 344, 348, 500]) },
  { weight: 1, arbitrary: anywhere },
);
const changes = (one: fc.Arbitrary<Change>) => fc.array(one, { maxLength: 6 });
const packing = fc.boolean();
const originals = [
  { name: 'NIfTI-1', bytes: volume(), little: true, fields: fields1 },
  { name: 'NIfTI-1, big-endian', bytes: unpacked('int16-big.nii.gz'), little: false, fields: fields1 },
  { name: 'NIfTI-2', bytes: nifti2(() => undefined), little: true, fields: fields2 },
  { name: 'NIfTI-2, big-endian', bytes: unpacked('nifti2-big.nii.gz'), little: false, fields: fields2 },
];

function unpacked(name: string): Buffer {
  return gunzipSync(fixture(name));
}

describe('2,000 cases', () => {
  it.each(originals)('300 headers of $name', ({ bytes, little, fields }) => {
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(changes(fields), packing, (list, pack) => {
        const broken = changed(bytes, list, little);
        const read = readBytes(pack ? gzipSync(broken) : broken, 'a.nii.gz');
        seen[read ? 'read' : 'refused']++;
        if (read) checkRead(read);
      }),
      runs(300),
    );
    // Neither all nor nothing gets through, so both ways are seen.
    expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(30);
  });

  it('600 gzip streams', () => {
    const streams = [gzipSync(volume()), gzipSync(volume(), { level: 0 }), gzipSync(Buffer.alloc(2 ** 20))];
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...streams), changes(anywhere), (stream, list) => {
        const read = readBytes(changed(stream, list, true), 'a.nii.gz');
        seen[read ? 'read' : 'refused']++;
        if (read) checkRead(read);
      }),
      runs(600),
    );
    expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(10);
  });

  it('200 of dataset.json', () => {
    const root = path.join(folder, 'Task09_Fuzz');
    mkdirSync(path.join(root, 'imagesTr'), { recursive: true });
    writeFileSync(path.join(root, 'imagesTr', 'a.nii.gz'), volume());
    const file = path.join(root, 'dataset.json');
    const name = fc.oneof(
      fc.constantFrom('imagesTr/a.nii.gz', '../a', '/a', '', '.', '__proto__'),
      fc.string(),
    );
    const entry = fc.oneof({ weight: 3, arbitrary: fc.record({ image: name }) }, fc.jsonValue());
    const numbered = fc.oneof(
      { weight: 3, arbitrary: fc.array(fc.string(), { maxLength: 4 }).map((names) => ({ ...names })) },
      fc.jsonValue(),
    );
    const json = fc.record(
      {
        modality: numbered,
        labels: fc.oneof({ weight: 2, arbitrary: fc.constant({ 0: 'b', 1: 'x' }) }, numbered),
        training: fc.oneof({ weight: 4, arbitrary: fc.array(entry, { maxLength: 3 }) }, fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(json, changes(anywhere), fc.boolean(), (value, list, whole) => {
        const text = Buffer.from(JSON.stringify(value));
        writeFileSync(file, whole ? text : changed(text, list, true));
        const result = attempt(() => openDataset(root));
        if (result instanceof ScnasError) expect(result.message).toMatch(oneLine(file));
        else expect(result.cases.every((c) => c.image.startsWith(root + path.sep))).toBe(true);
      }),
      runs(200),
    );
  });

  it('leave no file behind and took no more memory than the files are small', () => {
    expect(readdirSync(folder).sort()).toEqual(['Task09_Fuzz', 'a.nii.gz', 'label.nii']);
    expect((process.resourceUsage().maxRSS - memoryBefore) / 1024).toBeLessThan(512);
  });
});
