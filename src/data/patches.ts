/** Batches of random patches by nnU-Net's rules, each a pure function of (cases, options, key). */
import { fail } from '../engine/errors';
import { fold, integers, type Key, uniform } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import { applyGamma, deformedPatch, drawAugmentation, enlargedPatch, type Patch } from './augment';
import { type CaseSource, classCounts, classVoxel, type Region, regionOf } from './cached-case';
import { roundHalfEven } from './round';

/** `image` [n, x, y, z, c] and `label` [n, x, y, z] in C order; `cases` names each sample's case. */
export interface Batch {
  readonly shape: readonly [number, number, number, number];
  readonly channels: number;
  readonly image: Float32Array;
  readonly label: Uint8Array;
  readonly cases: readonly string[];
}

export interface BatchOptions {
  /** Samples. */
  readonly batch: number;
  readonly patch: Shape3;
  /** The share of samples that are forced to hold foreground: 0.33 in nnU-Net. */
  readonly foreground: number;
  /** Flip each axis with probability ½. */
  readonly mirror: boolean;
  /** `nnunet`: elastic deformation, rotation, scale and gamma as nnU-Net v1 draws them. Default: none. */
  readonly augment?: Augment;
  /** After gamma, voxels outside the nonzero mask are 0 again: for cases that were normalised by the mask's statistics. */
  readonly zeroOutside?: boolean;
}

export const augments = ['none', 'nnunet'] as const;
/** What is done to patches besides mirroring. */
export type Augment = (typeof augments)[number];

/**
 * Draws a batch: cases uniformly with replacement; sample i is forced to hold foreground iff i ≥ round(batch·(1 − foreground)):
 * a class uniformly among the case's, one of its voxels at the centre, moved back where the patch would leave the volume.
 *
 * Where a volume is smaller than the patch, it is padded with 0 (the normalised mean) and background.
 * Sample i depends on (cases, options, key, i) alone. Errors: a ScnasError for no cases, no label, or unlike channels.
 * Source: nnU-Net v1's DataLoader3D.
 */
export function drawBatch(cases: readonly CaseSource[], options: BatchOptions, k: Key): Batch {
  const { batch, patch, foreground, mirror, augment = 'none', zeroOutside = false } = options;
  const [X, Y, Z] = patch;
  if (cases.length === 0)
    fail({ where: 'a batch', expected: 'at least one case', found: 'none', next: 'add cases' });
  const { channels } = cases[0];
  const image = new Float32Array(batch * X * Y * Z * channels);
  const label = new Uint8Array(batch * X * Y * Z);
  const forcedFrom = roundHalfEven(batch * (1 - foreground));
  const chosen = Array.from({ length: batch }, (_, i) => {
    const sampleKey = fold(k, i);
    const chosenCase = cases[integers(fold(sampleKey, 'case'), 1, cases.length)[0]];
    checkCase(chosenCase, channels);
    const origin =
      (i >= forcedFrom ? foregroundOrigin(chosenCase, patch, fold(sampleKey, 'foreground')) : undefined) ??
      randomOrigin(chosenCase.shape, patch, fold(sampleKey, 'origin'));
    const flips = Array.from(uniform(fold(sampleKey, 'mirror'), 3), (u) => mirror && u < 0.5);
    const out = {
      image: image.subarray(i * X * Y * Z * channels, (i + 1) * X * Y * Z * channels),
      label: label.subarray(i * X * Y * Z, (i + 1) * X * Y * Z),
    };
    const reach = augment === 'none' ? patch : enlargedPatch(patch);
    const corner = shifted(origin, (axis) => -Math.floor((reach[axis] - patch[axis]) / 2));
    const region = regionOf(
      chosenCase,
      corner,
      shifted(corner, (axis) => reach[axis]),
    );
    const place = { origin: shifted(origin, (axis) => -region.origin[axis]), patch, flips };
    if (augment === 'none') copyPatch(region, place, out);
    else augmentPatch(region, place, zeroOutside, fold(sampleKey, 'augment'), out);
    return chosenCase.id;
  });
  return { shape: [batch, X, Y, Z], channels, image, label, cases: chosen };
}

const shifted = ([x, y, z]: Shape3, by: (axis: number) => number): Shape3 => [
  x + by(0),
  y + by(1),
  z + by(2),
];

function checkCase(source: CaseSource, expected: number): void {
  const { id, channels } = source;
  if (!('file' in source ? source.labelled : source.label))
    fail({ where: id, expected: 'a label', found: 'none', next: 'train on labelled cases only' });
  if (channels !== expected) {
    fail({
      where: id,
      expected: `${expected} channels as in the first case`,
      found: String(channels),
      next: 'mix no tasks',
    });
  }
}

/** The least and greatest corner of a patch along one axis; a volume smaller than the patch is padded on both sides. */
export function originRange(size: number, patch: number): readonly [number, number] {
  const lacking = Math.max(0, patch - size);
  return [0 - Math.ceil(lacking / 2), size + Math.ceil(lacking / 2) - patch];
}

function randomOrigin(shape: Shape3, patch: Shape3, k: Key): Shape3 {
  const draws = uniform(k, 3);
  const at = (axis: 0 | 1 | 2) => {
    const [low, high] = originRange(shape[axis], patch[axis]);
    return low + Math.floor(draws[axis] * (high - low + 1));
  };
  return [at(0), at(1), at(2)];
}

function foregroundOrigin(source: CaseSource, patch: Shape3, k: Key): Shape3 | undefined {
  const { shape } = source;
  const counts = classCounts(source);
  const present = counts.flatMap((count, label) => (label > 0 && count > 0 ? [label] : []));
  if (present.length === 0) return undefined;
  const [whichClass, whichVoxel] = uniform(k, 2);
  const label = present[Math.floor(whichClass * present.length)];
  const flat = classVoxel(source, label, Math.floor(whichVoxel * counts[label]));
  const [, Y, Z] = shape;
  const voxel = [Math.floor(flat / (Y * Z)), Math.floor(flat / Z) % Y, flat % Z];
  const at = (axis: 0 | 1 | 2) => {
    const [low, high] = originRange(shape[axis], patch[axis]);
    return Math.min(high, Math.max(low, voxel[axis] - Math.floor(patch[axis] / 2)));
  };
  return [at(0), at(1), at(2)];
}

interface Place {
  readonly origin: Shape3;
  readonly patch: Shape3;
  readonly flips: readonly boolean[];
}

interface Out {
  readonly image: Float32Array;
  /** −1 is written as 0 into unsigned labels, as itself into signed ones. */
  readonly label: Uint8Array | Int8Array;
}

/** nnU-Net v1's augmentation of the patch, drawn by the key. */
function augmentPatch(region: Region, place: Place, zeroOutside: boolean, k: Key, out: Out): void {
  const { channels } = region;
  const { origin, patch, flips } = place;
  const { deformation, gamma } = drawAugmentation(patch, channels, k);
  const label = new Int8Array(out.label.length);
  if (deformation) {
    const deformed = deformedPatch(region, origin, patch, deformation, flips, k);
    out.image.set(deformed.image);
    label.set(deformed.label);
  } else {
    copyPatch(region, place, { image: out.image, label });
  }
  if (gamma) applyGamma(out.image, gamma);
  for (let i = 0; i < label.length; i++) {
    out.label[i] = Math.max(0, label[i]);
    if (zeroOutside && label[i] < 0) out.image.fill(0, i * channels, (i + 1) * channels);
  }
}

/** The patch at `origin` as it is, mirrored along the axes of `flips`; 0 and −1 outside the case. */
export function plainPatch(
  region: Omit<Region, 'origin'>,
  origin: Shape3,
  patch: Shape3,
  flips: readonly boolean[] = [false, false, false],
): Patch {
  const voxels = patch[0] * patch[1] * patch[2];
  const out = { image: new Float32Array(voxels * region.channels), label: new Int8Array(voxels) };
  copyPatch(region, { origin, patch, flips }, out);
  return out;
}

function copyPatch(
  { shape, channels, image, label }: Omit<Region, 'origin'>,
  { origin, patch, flips }: Place,
  out: Out,
): void {
  const least = out.label instanceof Int8Array ? -1 : 0;
  out.label.fill(least);
  const source = (axis: number, i: number) => origin[axis] + (flips[axis] ? patch[axis] - 1 - i : i);
  const outside = (axis: number, at: number) => at < 0 || at >= shape[axis];
  // Of each line of the patch the part that lies in the case, and one voxel further in the patch in the case.
  const inside = [0, patch[2] - 1].map((l) => Math.min(shape[2] - 1, Math.max(0, source(2, l))));
  const step = flips[2] ? -1 : 1;
  const first = (inside[0] - source(2, 0)) * step;
  const count = (inside[1] - inside[0]) * step + 1;
  for (let i = 0; i < patch[0]; i++) {
    const x = source(0, i);
    if (outside(0, x)) continue;
    for (let j = 0; j < patch[1]; j++) {
      const y = source(1, j);
      if (outside(1, y)) continue;
      let from = (x * shape[1] + y) * shape[2] + inside[0];
      let to = (i * patch[1] + j) * patch[2] + first;
      for (let l = 0; l < count; l++, from += step, to++) {
        const value = label === undefined ? 0 : label[from];
        out.label[to] = value < least ? least : value;
        if (channels === 1) out.image[to] = image[from];
        else for (let c = 0; c < channels; c++) out.image[to * channels + c] = image[from * channels + c];
      }
    }
  }
}
