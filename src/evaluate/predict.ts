/** A network over a whole volume: half-overlapping windows, Gaussian weights, the mean over the flips. */
import type { PreparedCase } from '../data/preprocess';
import { fail } from '../engine/errors';
import type { Network, Shape3, Tensor5D, Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { type Axis, longestAxis, planeOf, resampledSlices } from './slices';
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
 * Memory: as many floats a voxel of the volume as there are classes, a slab of windows and one pass of the network over a patch. Leaves no
 * tensor behind. Errors: a ScnasError where the channels or the length of `image` do not fit. Source: nnU-Net v1's `predict_3D`.
 */
export function predictProbabilities(
  network: Network,
  theta: Theta,
  image: Float32Array,
  shape: Shape3,
  channels: number,
  options: PredictOptions,
): Float32Array {
  const out = new Float32Array(shape[0] * shape[1] * shape[2] * network.classes);
  let at = 0;
  for (const slice of probabilitySlices(network, theta, image, shape, channels, options, 0)) {
    out.set(slice, at);
    at += slice.length;
  }
  return out;
}

/**
 * The class probabilities of {@link predictProbabilities} slice by slice along an axis: [u, v, classes], u and v the other axes in order.
 *
 * Holds the slices that later windows still add to, a patch's side of them.
 */
export function* probabilitySlices(
  network: Network,
  theta: Theta,
  image: Float32Array,
  shape: Shape3,
  channels: number,
  { patch, flips, onTile }: PredictOptions,
  axis: Axis,
): Generator<Float32Array> {
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
  const origins = windowOrigins(shape, patch);
  const starts = Array.from(new Set(origins.map((origin) => origin[axis])));
  const held = new Map<number, Slice>();
  let done = 0;
  for (const [i, start] of starts.entries()) {
    for (const origin of origins.filter((o) => o[axis] === start)) {
      const volume = { image, shape, channels };
      const softmax = windowProbabilities(network, theta, volume, origin, patch, flips);
      addTile(softmax, weights, held, shape, classes, origin, patch, axis);
      onTile?.(++done, origins.length);
    }
    const first = Math.max(0, start);
    const end = starts[i + 1] ?? shape[axis];
    for (let at = first; at < end; at++) {
      const slice = held.get(at);
      held.delete(at);
      if (slice) yield weightedMean(slice, classes);
    }
  }
}

/** Sums of a slice over windows: of weighted softmax [u, v, class] and of weights [u, v]. */
interface Slice {
  readonly sums: Float32Array;
  readonly total: Float32Array;
}

function weightedMean({ sums, total }: Slice, classes: number): Float32Array {
  for (let i = 0, at = 0; i < total.length; i++) for (let c = 0; c < classes; c++, at++) sums[at] /= total[i];
  return sums;
}

/**
 * Class probabilities [x, y, z, classes] of one window, the mean over its flips; 0 stands where it reaches beyond the volume.
 *
 * @param volume `image` [x, y, z, c] in C order, normalised
 * @param origin the window's least corner, voxels of the volume
 * @param patch its sides, voxels
 */
export function windowProbabilities(
  network: Network,
  theta: Theta,
  { image, shape, channels }: Pick<PreparedCase, 'image' | 'shape' | 'channels'>,
  origin: Shape3,
  patch: Shape3,
  flips: boolean,
): Float32Array {
  const tile = cutTile(image, shape, channels, origin, patch);
  return tileProbabilities(network, theta, tile, [...patch, channels], flips);
}

/** The least corner of each window, in voxels of the volume; negative where the volume is smaller than the patch. */
export function windowOrigins(shape: Shape3, patch: Shape3): Shape3[] {
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

/** Adds a window's weighted softmax to the slices that it shares with the volume. */
function addTile(
  softmax: Float32Array,
  weights: Float32Array,
  held: Map<number, Slice>,
  shape: Shape3,
  classes: number,
  origin: Shape3,
  patch: Shape3,
  axis: Axis,
): void {
  const [u, v] = planeOf(axis);
  const strides = [patch[1] * patch[2], patch[2], 1];
  const low = [0, 1, 2].map((a) => Math.max(0, -origin[a]));
  const high = [0, 1, 2].map((a) => Math.min(patch[a], shape[a] - origin[a]));
  for (let s = low[axis]; s < high[axis]; s++) {
    const { sums, total } = sliceAt(held, origin[axis] + s, shape[u] * shape[v], classes);
    for (let i = low[u]; i < high[u]; i++) {
      let from = s * strides[axis] + i * strides[u] + low[v] * strides[v];
      let to = (origin[u] + i) * shape[v] + origin[v] + low[v];
      for (let j = low[v]; j < high[v]; j++, to++, from += strides[v]) {
        const weight = weights[from];
        total[to] += weight;
        for (let c = 0; c < classes; c++) sums[to * classes + c] += weight * softmax[from * classes + c];
      }
    }
  }
}

function sliceAt(held: Map<number, Slice>, at: number, voxels: number, classes: number): Slice {
  const there = held.get(at);
  if (there) return there;
  const fresh = { sums: new Float32Array(voxels * classes), total: new Float32Array(voxels) };
  held.set(at, fresh);
  return fresh;
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

/**
 * The most probable class of each voxel of the volume as it is on disk; 0 outside the cropped box.
 *
 * Softmax goes back to the grid on disk as the data came from it (order 3, a coarse axis apart), slice by slice along the longest axis, and each
 * slice becomes its argmax at once. Memory beside the image: a byte a voxel, a patch's side of slices on the network's grid and about thirty on
 * the grid on disk, each of (classes + 1) floats a voxel. Source: nnU-Net v1.
 */
export function predictLabels(
  network: Network,
  theta: Theta,
  prepared: PreparedCase,
  options: PredictOptions,
): Uint8Array {
  const { image, shape, channels, crop } = prepared;
  const { classes } = network;
  const axis = longestAxis(shape);
  const [u, v] = planeOf(axis);
  const slices = probabilitySlices(network, theta, image, shape, channels, options, axis);
  const labels = new Uint8Array(crop.shape[0] * crop.shape[1] * crop.shape[2]);
  const strides = [crop.shape[1] * crop.shape[2], crop.shape[2], 1];
  let at = crop.origin[axis];
  for (const slice of resampledSlices(slices, shape, crop.box, classes, axis, crop.coarse)) {
    const best = mostProbable(slice, classes);
    for (let i = 0, from = 0; i < crop.box[u]; i++) {
      let to = at * strides[axis] + (crop.origin[u] + i) * strides[u] + crop.origin[v] * strides[v];
      for (let j = 0; j < crop.box[v]; j++, to += strides[v]) labels[to] = best[from++];
    }
    at++;
  }
  return labels;
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
