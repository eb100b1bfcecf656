/** Makes a small task folder of one case, with whatever a test wants to be wrong in it, and leads it through the whole way. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadCase, openDataset, type RawCase } from '../../src/data/msd';
import { type Geometry, plainGeometry, readNifti, writeLabelMap, writeVolume } from '../../src/data/nifti';
import { type Batch, drawBatch } from '../../src/data/patches';
import { native, type PreparedCase, prepareCase } from '../../src/data/preprocess';
import { key } from '../../src/engine/keys';
import type { Network, Shape3, Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { scoreCase } from '../../src/evaluate/dice';
import { predictLabels } from '../../src/evaluate/predict';

export const fixtures = path.join(__dirname, '..', 'fixtures', 'data');
export const SHAPE: Shape3 = [6, 7, 8];
export const PATCH: Shape3 = [16, 16, 16];
export const COUNT = SHAPE[0] * SHAPE[1] * SHAPE[2];

export type Json = Record<string, unknown>;
/** What is wrong: the bytes of the two files, their names, dataset.json, and anything else in the folder. */
export interface Wrong {
  readonly image?: Buffer;
  readonly label?: Buffer;
  readonly imageName?: string;
  readonly json?: (json: Json) => unknown;
  readonly files?: (folder: string) => void;
}

/** A volume of 16-bit numbers −20, −19, …, never 0, as the bytes of a file that is not packed, changed by `change`. */
export function volume(
  change: (bytes: Buffer) => void = () => undefined,
  shape = SHAPE,
  channels = 1,
): Buffer {
  const values = Int16Array.from({ length: shape[0] * shape[1] * shape[2] * channels }, (_, i) =>
    i < 20 ? i - 20 : i - 19,
  );
  return bytesOf(values, shape, channels, change);
}

/** The bytes of a file with these values. */
export function bytesOf(
  values: Uint8Array | Int16Array | Float32Array,
  shape: Shape3 = SHAPE,
  channels = 1,
  change: (bytes: Buffer) => void = () => undefined,
  geometry: Geometry = plainGeometry([1, 1.5, 2]),
): Buffer {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'scnas-test-'));
  const file = path.join(folder, 'v.nii');
  writeVolume(file, values, shape, channels, geometry);
  const bytes = readFileSync(file);
  rmSync(folder, { recursive: true });
  change(bytes);
  return bytes;
}

/** A fixture that nibabel wrote. */
export function fixture(name: string): Buffer {
  return readFileSync(path.join(fixtures, name));
}

/** The folder of a task of one case. A label that is not given has classes 0, 1, 2 in turn and lies where the image lies. */
export function taskOf(
  root: string,
  { image = volume(), label, imageName = 'a.nii.gz', json = (j) => j, files }: Wrong,
): string {
  const folder = path.join(root, 'Task09 Tïny');
  const imageFile = path.join(folder, 'imagesTr', imageName);
  const labelName = imageName.replace(/\.(hdr|img)(\.gz)?$/, '.nii.gz');
  const labelFile = path.join(folder, 'labelsTr', labelName);
  for (const file of [imageFile, labelFile]) mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(imageFile, image);
  files?.(folder);
  if (label) writeFileSync(labelFile, label);
  else writeOwnLabel(imageFile, labelFile);
  const changed = json({
    modality: { '0': 'MRI' },
    labels: { '0': 'background', '1': 'one', '2': 'two' },
    training: [{ image: `./imagesTr/${imageName}`, label: `./labelsTr/${labelName}` }],
  });
  if (changed !== undefined)
    writeFileSync(
      path.join(folder, 'dataset.json'),
      typeof changed === 'string' ? changed : JSON.stringify(changed),
    );
  return folder;
}

function writeOwnLabel(imageFile: string, labelFile: string): void {
  const plain = path.join(path.dirname(labelFile), 'own.nii.gz');
  let [shape, geometry]: [Shape3, Geometry] = [SHAPE, plainGeometry([1, 1.5, 2])];
  try {
    ({ shape, geometry } = readNifti(imageFile));
  } catch {
    // The image is what is wrong: its label will not be read.
  }
  writeLabelMap(
    plain,
    Uint8Array.from({ length: shape[0] * shape[1] * shape[2] }, (_, i) => i % 3),
    shape,
    geometry,
  );
  copyFileSync(plain, labelFile);
}

/** Everything that the way from disk to a score gives. */
export interface Reached {
  readonly folder: string;
  readonly raw: RawCase;
  readonly prepared: PreparedCase;
  readonly batch: Batch;
  readonly predicted: Uint8Array;
  readonly dice: readonly number[];
}

/** Says class 2 where the first channel is above its mean, class 0 elsewhere. */
const aboveMean = (inputs: number): Network => ({
  name: 'above the mean',
  inputs,
  classes: 3,
  parameters: [],
  cost: () => [],
  forward: (_, x) =>
    tf.tidy(() => {
      const first = tf.slice(x, [0, 0, 0, 0, 0], [-1, -1, -1, -1, 1]);
      return tf.concat([tf.neg(first), tf.sub(tf.neg(tf.abs(first)), 1), first], 4) as Tensor5D;
    }),
});

/** Onto grids finer and coarser than any: each is as large as it must be, or refused. */
function resample(raw: RawCase, classes: number): void {
  for (const spacing of [
    [0.7, 0.7, 0.7],
    [900, 0.9, 0.9],
    [1e5, 1e5, 1e5],
  ] as const) {
    const { shape, image, label } = prepareCase(raw, classes, { ...native, spacing });
    const voxels = shape[0] * shape[1] * shape[2];
    if (Math.min(...shape) < 1 || image.length !== voxels * raw.channels || (label ?? image).length < voxels)
      throw new Error(`resampled to ${shape.join(' × ')} with ${image.length} values`);
  }
}

/** Listing, reading, preparing, drawing patches, predicting, scoring: each as the commands do it. */
export function goThrough(folder: string): Reached {
  const dataset = openDataset(folder);
  const raw = loadCase(dataset, dataset.cases[0].id);
  const prepared = prepareCase(raw, dataset.classes.length);
  resample(raw, dataset.classes.length);
  const batch = drawBatch([prepared], { batch: 3, patch: PATCH, foreground: 0.33, mirror: true }, key(1));
  const predicted = predictLabels(aboveMean(raw.channels), {}, prepared, { patch: PATCH, flips: false });
  const { dice } = scoreCase(
    raw.id,
    predicted,
    raw.label ?? new Uint8Array(predicted.length),
    dataset.classes.length,
  );
  return { folder, raw, prepared, batch, predicted, dice };
}
