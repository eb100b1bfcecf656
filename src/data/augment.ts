/** nnU-Net v1's augmentation of a patch: elastic deformation, rotation, scale, gamma. Each a pure function of (case, place, key). */
import { fold, type Key, uniform } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import { type Deformation, places } from './augment-places';
import type { Region } from './cached-case';
import { sampleLabels } from './labels-at';
import { sample, spline } from './spline';

/** Probabilities and ranges. Source: nnU-Net v1's `default_3D_augmentation_params`, and what it takes from its 2D ones in a plane. */
export const augmentRanges = {
  elastic: { p: 0.2, alpha: [0, 900], alphaInPlane: [0, 200], sigma: [9, 13] },
  rotation: { p: 0.2, angle: Math.PI / 12, angleInPlane: Math.PI },
  scale: { p: 0.2, range: [0.85, 1.25] },
  gamma: { p: 0.3, range: [0.7, 1.5] },
} as const;

/** What is done to one sample. */
export interface Augmentation {
  /** Undefined: the patch is cut as it is. */
  readonly deformation?: Deformation;
  /** The exponent of each channel; undefined: none. */
  readonly gamma?: readonly number[];
}

/**
 * The axis that nothing is rotated or bent out of, where one side of the patch is more than three times as long as another: its shortest.
 *
 * Source: nnU-Net v1's "dummy 2D" augmentation.
 */
export function coarsePatchAxis(patch: Shape3): 0 | 1 | 2 | undefined {
  const least = Math.min(...patch);
  if (Math.max(...patch) / least <= 3) return undefined;
  return patch.indexOf(least) as 0 | 1 | 2;
}

/**
 * Draws what is done to a sample: elastic p 0.2, α U(0, 900), in a plane U(0, 200), σ U(9, 13); rotation p 0.2, each axis U(−15°, 15°), in a plane
 * U(−180°, 180°); scale p 0.2, U(0.85, 1) or U(1, 1.25); gamma p 0.3 for all channels together, each with its own U(0.7, 1) or U(1, 1.5).
 */
export function drawAugmentation(patch: Shape3, channels: number, k: Key): Augmentation {
  const plane = coarsePatchAxis(patch) !== undefined;
  const u = uniform(fold(k, 'deformation'), 10);
  const { elastic, rotation, scale, gamma } = augmentRanges;
  const between = ([low, high]: readonly [number, number], at: number) => low + at * (high - low);
  const angle = (at: number) => (2 * at - 1) * (plane ? rotation.angleInPlane : rotation.angle);
  const bends = u[0] < elastic.p && {
    elastic: {
      alpha: between(plane ? elastic.alphaInPlane : elastic.alpha, u[1]),
      sigma: between(elastic.sigma, u[2]),
    },
  };
  const turns = u[3] < rotation.p && {
    angles: [angle(u[4]), plane ? 0 : angle(u[5]), plane ? 0 : angle(u[6])] as const,
  };
  const zooms = u[7] < scale.p && { scale: aboutOne(scale.range, u[8], u[9]) };
  const deformation = { ...(bends || {}), ...(turns || {}), ...(zooms || {}) };
  const g = uniform(fold(k, 'gamma'), 1 + 2 * channels);
  const exponents = Array.from({ length: channels }, (_, c) =>
    aboutOne(gamma.range, g[1 + 2 * c], g[2 + 2 * c]),
  );
  return {
    ...(Object.keys(deformation).length > 0 ? { deformation } : {}),
    ...(g[0] < gamma.p ? { gamma: exponents } : {}),
  };
}

/** Below or above 1 with probability ½ each, then uniform there. */
function aboutOne([low, high]: readonly [number, number], side: number, at: number): number {
  return side < 0.5 ? low + at * (1 - low) : 1 + at * (high - 1);
}

/**
 * The patch that is cut before a deformation, so that its corners have something to show: the largest side under each rotation alone, over the
 * smallest scale, rounded down. Source: nnU-Net v1's `get_patch_size`; all rotations together may still reach beyond it.
 */
export function enlargedPatch(patch: Shape3): Shape3 {
  const coarse = coarsePatchAxis(patch);
  const smallest = augmentRanges.scale.range[0];
  if (coarse !== undefined) {
    const plane = Math.floor(Math.max(...patch) / smallest);
    return patch.map((n, axis) => (axis === coarse ? n : plane)) as unknown as Shape3;
  }
  const [x, y, z] = patch;
  const c = Math.cos(augmentRanges.rotation.angle);
  const s = Math.sin(augmentRanges.rotation.angle);
  const reach = [
    Math.max(x, Math.abs(x * c - z * s), x * c + y * s),
    Math.max(y, y * c + z * s, Math.abs(y * c - x * s)),
    Math.max(z, Math.abs(z * c - y * s), x * s + z * c),
  ];
  return reach.map((n) => Math.floor(n / smallest)) as unknown as Shape3;
}

/** A patch: `image` [x, y, z, c], `label` [x, y, z] with −1 where nothing is known, both in C order. */
export interface Patch {
  readonly image: Float32Array;
  readonly label: Int8Array;
}

/**
 * The patch at `origin`, deformed about its centre and mirrored along the axes of `flips`: cubic splines for the image (0 outside the
 * enlarged patch), linear votes for the label (−1 outside).
 */
export function deformedPatch(
  prepared: Omit<Region, 'origin'>,
  origin: Shape3,
  patch: Shape3,
  deformation: Deformation,
  flips: readonly boolean[],
  k: Key,
): Patch {
  const { channels } = prepared;
  const coarse = coarsePatchAxis(patch);
  const large = enlargedPatch(patch);
  const corner = origin.map((at, axis) => at - Math.floor((large[axis] - patch[axis]) / 2));
  // In a plane, slices are channels: [1, u, v, slice · channel].
  const order = coarse === undefined ? [0, 1, 2] : [...[0, 1, 2].filter((axis) => axis !== coarse), coarse];
  const cut = cutOrdered(prepared, corner, large, order);
  const slices = coarse === undefined ? 1 : patch[coarse];
  const grid = (of: Shape3): Shape3 => (coarse === undefined ? of : [1, of[order[0]], of[order[1]]]);
  const inGrid = coarse === undefined ? flips : [false, flips[order[0]], flips[order[1]]];
  const at = places(grid(patch), grid(large), deformation, inGrid, k);
  const image = sample(spline(cut.image, grid(large), slices * channels), at);
  const label = sampleLabels(cut.label, grid(large), slices, at);
  if (coarse === undefined) return { image, label };
  return {
    image: toAxis(image, patch, coarse, channels, flips[coarse], Float32Array),
    label: toAxis(label, patch, coarse, 1, flips[coarse], Int8Array),
  };
}

/** A box of the case, its axes in the given order; 0 and −1 outside the case. */
function cutOrdered(
  { shape, channels, image, label }: Omit<Region, 'origin'>,
  corner: readonly number[],
  box: Shape3,
  order: readonly number[],
): Patch {
  const strides = [shape[1] * shape[2], shape[2], 1];
  const n = box[0] * box[1] * box[2];
  const out = { image: new Float32Array(n * channels), label: new Int8Array(n).fill(-1) };
  const [a, b, c] = order;
  let to = 0;
  for (let i = 0; i < box[a]; i++)
    for (let j = 0; j < box[b]; j++) {
      const x = corner[a] + i;
      const y = corner[b] + j;
      const low = Math.max(0, -corner[c]);
      const high = Math.min(box[c], shape[c] - corner[c]);
      if (x >= 0 && x < shape[a] && y >= 0 && y < shape[b]) {
        const line = x * strides[a] + y * strides[b] + corner[c] * strides[c];
        if (strides[c] === 1 && label && high > low) {
          out.label.set(label.subarray(line + low, line + high), to + low);
          out.image.set(
            image.subarray((line + low) * channels, (line + high) * channels),
            (to + low) * channels,
          );
        } else
          for (let l = low; l < high; l++) {
            const from = line + l * strides[c];
            out.label[to + l] = label?.[from] ?? 0;
            for (let ch = 0; ch < channels; ch++)
              out.image[(to + l) * channels + ch] = image[from * channels + ch];
          }
      }
      to += box[c];
    }
  return out;
}

/** [u, v, slice, k] → [x, y, z, k], the slices along their own axis again, turned round if `flip`. */
function toAxis<A extends Float32Array | Int8Array>(
  values: A,
  patch: Shape3,
  coarse: number,
  k: number,
  flip: boolean,
  Kind: { new (n: number): A },
): A {
  const out = new Kind(values.length);
  const strides = [patch[1] * patch[2], patch[2], 1];
  const [u, v] = [0, 1, 2].filter((axis) => axis !== coarse);
  let from = 0;
  for (let i = 0; i < patch[u]; i++)
    for (let j = 0; j < patch[v]; j++)
      for (let s = 0; s < patch[coarse]; s++, from += k) {
        const slice = flip ? patch[coarse] - 1 - s : s;
        const to = (i * strides[u] + j * strides[v] + slice * strides[coarse]) * k;
        for (let c = 0; c < k; c++) out[to + c] = values[from + c];
      }
  return out;
}

/**
 * Gamma in place: x ← ((x − min) / range)^γ · range + min, then moved and scaled to the mean and standard deviation it had, for each channel.
 *
 * `image` [voxels, c]; `gamma` holds γ of each channel. Source: batchgenerators' `augment_gamma`, per channel, statistics kept.
 */
export function applyGamma(image: Float32Array, gamma: readonly number[]): void {
  const channels = gamma.length;
  const n = image.length / channels;
  gamma.forEach((exponent, c) => {
    const before = statistics(image, c, channels);
    const range = before.max - before.min + 1e-7;
    // x^γ as e^(γ ln x), which takes half the time; 0 stays 0.
    for (let i = c; i < image.length; i += channels)
      image[i] = Math.exp(exponent * Math.log((image[i] - before.min) / range)) * range + before.min;
    const { mean, sd } = statistics(image, c, channels);
    const factor = before.sd / (sd + 1e-8);
    for (let i = c; i < n * channels; i += channels) image[i] = (image[i] - mean) * factor + before.mean;
  });
}

function statistics(image: Float32Array, channel: number, channels: number) {
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = channel; i < image.length; i += channels) {
    const v = image[i];
    sum += v;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  const mean = (sum * channels) / image.length;
  let squares = 0;
  for (let i = channel; i < image.length; i += channels) squares += (image[i] - mean) ** 2;
  return { mean, sd: Math.sqrt((squares * channels) / image.length), min, max };
}
