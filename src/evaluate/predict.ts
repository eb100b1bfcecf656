/** A network over a whole volume: half-overlapping windows, Gaussian weights, the mean over the flips. */
import type { PreparedCase } from '../data/preprocess';
import { resampleImage } from '../data/resample';
import { fail } from '../engine/errors';
import type { Network, Shape3, Tensor5D, Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { gaussianWeights, windowStarts } from './window';

export interface PredictOptions {
  readonly patch: Shape3;
  /** Average the softmax over the 8 mirrored versions of each window. */
  readonly flips: boolean;
  /** Called after each window with the number done and the number of all. */
  readonly onTile?: (done: number, all: number) => void;
}

/** About this many voxels go through the network at once: flips share a pass in small patches, and take turns in large ones. */
const VOXELS_A_PASS = 2 ** 18;

/**
 * Class probabilities of a volume: softmax of each window, averaged over its flips, then the Gaussian-weighted mean over windows.
 *
 * `image` [x, y, z, c] in C order, normalised; returns [x, y, z, classes]. A volume smaller than the patch is padded with 0 on both sides.
 * Memory: (classes + 1) floats a voxel of the volume, and one pass of the network over a patch. Leaves no tensor behind.
 * Errors: a ScnasError where the channels or the length of `image` do not fit. Source: nnU-Net v1's `predict_3D`.
 */
export function predictProbabilities(
  network: Network,
  theta: Theta,
  image: Float32Array,
  shape: Shape3,
  channels: number,
  { patch, flips, onTile }: PredictOptions,
): Float32Array {
  if (channels !== network.inputs || image.length !== shape[0] * shape[1] * shape[2] * channels) {
    fail({
      where: `prediction with ${network.name}`,
      expected: `${network.inputs} channels and ${shape.join(' × ')} voxels of them`,
      found: `${channels} channels and ${image.length} values`,
      next: 'give the network the modalities that it was trained on',
    });
  }
  const { classes } = network;
  const weights = gaussianWeights(patch);
  const sums = new Float32Array((image.length / channels) * classes);
  const total = new Float32Array(image.length / channels);
  const origins = windowOrigins(shape, patch);
  for (const [done, origin] of origins.entries()) {
    const tile = cutTile(image, shape, channels, origin, patch);
    const softmax = tileProbabilities(network, theta, tile, [...patch, channels], flips);
    addTile(softmax, weights, sums, total, shape, classes, origin, patch);
    onTile?.(done + 1, origins.length);
  }
  for (let i = 0; i < sums.length; i++) sums[i] /= total[Math.floor(i / classes)];
  return sums;
}

/** The least corner of each window, in voxels of the volume; negative where the volume is smaller than the patch. */
function windowOrigins(shape: Shape3, patch: Shape3): Shape3[] {
  const [xs, ys, zs] = shape.map((size, axis) => {
    const before = Math.floor(Math.max(0, patch[axis] - size) / 2);
    return windowStarts(size, patch[axis]).map((start) => start - before);
  });
  return xs.flatMap((x) => ys.flatMap((y) => zs.map((z): Shape3 => [x, y, z])));
}

/** Mean softmax [x, y, z, classes] of one window over its flips. */
function tileProbabilities(
  network: Network,
  theta: Theta,
  tile: Float32Array,
  shape: readonly number[],
  flips: boolean,
): Float32Array {
  const flipped = flips ? [[], [1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]] : [[]];
  const together = Math.max(
    1,
    Math.min(flipped.length, Math.floor(VOXELS_A_PASS / (shape[0] * shape[1] * shape[2]))),
  );
  const mean = new Float32Array((tile.length / shape[3]) * network.classes);
  for (let first = 0; first < flipped.length; first += together) {
    const axes = flipped.slice(first, first + together);
    const sum = tf.tidy(() => {
      const x = tf.tensor5d(tile, [1, shape[0], shape[1], shape[2], shape[3]]);
      const logits = network.forward(theta, tf.concat(axes.map((a) => mirror(x, a))) as Tensor5D);
      const parts = tf.split(tf.softmax(logits) as Tensor5D, axes.length) as Tensor5D[];
      return tf.addN(parts.map((part, i) => mirror(part, axes[i])));
    });
    const values = sum.dataSync();
    sum.dispose();
    for (let i = 0; i < mean.length; i++) mean[i] += values[i] / flipped.length;
  }
  return mean;
}

function mirror(x: Tensor5D, axes: readonly number[]): Tensor5D {
  return axes.length === 0 ? x : tf.reverse(x, [...axes]);
}

function cutTile(
  image: Float32Array,
  shape: Shape3,
  channels: number,
  origin: Shape3,
  patch: Shape3,
): Float32Array {
  const out = new Float32Array(patch[0] * patch[1] * patch[2] * channels);
  eachLine(shape, origin, patch, (from, to, length) => {
    out.set(image.subarray(from * channels, (from + length) * channels), to * channels);
  });
  return out;
}

function addTile(
  softmax: Float32Array,
  weights: Float32Array,
  sums: Float32Array,
  total: Float32Array,
  shape: Shape3,
  classes: number,
  origin: Shape3,
  patch: Shape3,
): void {
  eachLine(shape, origin, patch, (from, to, length) => {
    for (let i = 0; i < length; i++) {
      const weight = weights[to + i];
      total[from + i] += weight;
      for (let c = 0; c < classes; c++)
        sums[(from + i) * classes + c] += weight * softmax[(to + i) * classes + c];
    }
  });
}

/** Each run along z that a window shares with the volume: its first voxel in the volume, in the window, and its length. */
function eachLine(
  [X, Y, Z]: Shape3,
  [x0, y0, z0]: Shape3,
  [pX, pY, pZ]: Shape3,
  visit: (from: number, to: number, length: number) => void,
): void {
  const low = Math.max(0, z0);
  const length = Math.min(Z, z0 + pZ) - low;
  for (let x = Math.max(0, x0); x < Math.min(X, x0 + pX); x++)
    for (let y = Math.max(0, y0); y < Math.min(Y, y0 + pY); y++)
      visit((x * Y + y) * Z + low, ((x - x0) * pY + y - y0) * pZ + low - z0, length);
}

/** The most probable class of each voxel: softmax on the grid that the volume has on disk (order 3, as the data came), argmax, put back into the volume as it is on disk; 0 outside the cropped box. */
export function predictLabels(
  network: Network,
  theta: Theta,
  prepared: PreparedCase,
  options: PredictOptions,
): Uint8Array {
  const { image, shape, channels } = prepared;
  const probabilities = predictProbabilities(network, theta, image, shape, channels, options);
  const { box, coarse } = prepared.crop;
  const onDisk = resampleImage(probabilities, shape, network.classes, box, coarse);
  return uncrop(mostProbable(onDisk, network.classes), { shape: box, crop: prepared.crop });
}

/** argmax over the last axis; the first of equals. */
export function mostProbable(probabilities: Float32Array, classes: number): Uint8Array {
  const out = new Uint8Array(probabilities.length / classes);
  for (let i = 0; i < out.length; i++) {
    let best = 0;
    for (let c = 1; c < classes; c++)
      if (probabilities[i * classes + c] > probabilities[i * classes + best]) best = c;
    out[i] = best;
  }
  return out;
}

/** Labels of the cropped box, in the shape of the volume on disk. */
export function uncrop(
  labels: Uint8Array,
  { shape, crop }: Pick<PreparedCase, 'shape' | 'crop'>,
): Uint8Array {
  const [, Y, Z] = crop.shape;
  const out = new Uint8Array(crop.shape[0] * Y * Z);
  const [x0, y0, z0] = crop.origin;
  for (let x = 0, from = 0; x < shape[0]; x++)
    for (let y = 0; y < shape[1]; y++, from += shape[2])
      out.set(labels.subarray(from, from + shape[2]), ((x0 + x) * Y + y0 + y) * Z + z0);
  return out;
}
