/** Volumes and label maps on another grid, as nnU-Net v1 puts them there: order 3 for data, order 1 a class for labels, a coarse axis apart. */
import type { Shape3 } from '../engine/model';
import { roundHalfEven } from './round';
import { position, splineAxis } from './spline-axis';

/** mm along each axis. */
export type Spacing = readonly [number, number, number];

/** Above this ratio of the largest to the smallest spacing a coarse axis is resampled apart. */
const ANISOTROPY = 3;

/** The shape on a grid of spacing `target`: round(spacing / target · shape), at least one voxel; halves go to the even number, as in numpy. */
export function resampledShape(shape: Shape3, spacing: Spacing, target: Spacing): Shape3 {
  const side = (axis: 0 | 1 | 2) => Math.max(1, roundHalfEven((spacing[axis] / target[axis]) * shape[axis]));
  return [side(0), side(1), side(2)];
}

/**
 * The axis that is resampled apart, or nothing.
 *
 * Rule: where max/min of the volume's spacing exceeds 3, its coarsest axis; else the same of the target's; nothing where two axes are equally coarse.
 * @param spacing of the volume, [3], mm
 * @param target of the new grid, [3], mm
 * Source: nnU-Net v1, `resample_patient`.
 */
export function coarseAxis(spacing: Spacing, target: Spacing): 0 | 1 | 2 | undefined {
  const judged = [spacing, target].find((s) => Math.max(...s) / Math.min(...s) > ANISOTROPY);
  if (!judged) return undefined;
  const coarsest = Math.max(...judged);
  const axes = ([0, 1, 2] as const).filter((axis) => judged[axis] === coarsest);
  return axes.length === 1 ? axes[0] : undefined;
}

/**
 * An image on a grid of `to` voxels over the same extent, by cubic splines, clipped to the range of its input.
 *
 * Rule: skimage.transform.resize(order=3, mode='edge', anti_aliasing=False) for each channel; with a coarse axis for each slice across it,
 * then the nearest slice along it.
 * @param image [x, y, z, c] in C order
 * @param shape its voxels
 * @param channels c
 * @param to the new shape
 * @param coarse the axis that is resampled apart, from {@link coarseAxis}
 * @returns [x', y', z', c]; the input itself where the shape stays
 * Source: nnU-Net v1, `resample_data_or_seg`.
 */
export function resampleImage(
  image: Float32Array,
  shape: Shape3,
  channels: number,
  to: Shape3,
  coarse?: 0 | 1 | 2,
): Float32Array {
  // Shrinking axes first: less to compute and to hold.
  const axes = ([0, 1, 2] as const)
    .filter((axis) => axis !== coarse && to[axis] !== shape[axis])
    .sort((a, b) => to[a] / shape[a] - to[b] / shape[b]);
  let values = image;
  const now: [number, number, number] = [shape[0], shape[1], shape[2]];
  for (const axis of axes) {
    const outer = now.slice(0, axis).reduce((a, b) => a * b, 1);
    const inner = now.slice(axis + 1).reduce((a, b) => a * b, channels);
    values = splineAxis(values, outer, now[axis], inner, to[axis]);
    now[axis] = to[axis];
  }
  if (axes.length > 0) clip(values, now, image, shape, channels, coarse);
  return coarse === undefined || now[coarse] === to[coarse]
    ? values
    : pickSlices(values, now, channels, coarse, to);
}

/** Clips each channel, or each slice across the coarse axis and channel, to the range that it had. */
function clip(
  values: Float32Array,
  shape: Shape3,
  source: Float32Array,
  sourceShape: Shape3,
  channels: number,
  coarse: 0 | 1 | 2 | undefined,
): void {
  const groups = (coarse === undefined ? 1 : shape[coarse]) * channels;
  const low = new Float32Array(groups).fill(Number.POSITIVE_INFINITY);
  const high = new Float32Array(groups).fill(Number.NEGATIVE_INFINITY);
  eachLine(sourceShape, channels, coarse, (from, to, group) => {
    for (let i = from; i < to; i++) {
      const g = group(i - from);
      if (source[i] < low[g]) low[g] = source[i];
      if (source[i] > high[g]) high[g] = source[i];
    }
  });
  eachLine(shape, channels, coarse, (from, to, group) => {
    for (let i = from; i < to; i++) {
      const g = group(i - from);
      if (values[i] < low[g]) values[i] = low[g];
      else if (values[i] > high[g]) values[i] = high[g];
    }
  });
}

/** Each line along z: where it lies, and the group (slice and channel) of its i-th value. */
function eachLine(
  [X, Y, Z]: Shape3,
  channels: number,
  coarse: 0 | 1 | 2 | undefined,
  visit: (from: number, to: number, group: (i: number) => number) => void,
): void {
  const length = Z * channels;
  for (let x = 0, from = 0; x < X; x++)
    for (let y = 0; y < Y; y++, from += length) {
      const first = channels * (coarse === 0 ? x : coarse === 1 ? y : 0);
      visit(from, from + length, coarse === 2 ? (i) => i : (i) => first + (i % channels));
    }
}

/** Order 0 along one axis: for each new slice the one whose centre is nearest, the later of two equally near. */
function pickSlices(
  values: Float32Array,
  shape: Shape3,
  channels: number,
  axis: 0 | 1 | 2,
  to: Shape3,
): Float32Array {
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, channels);
  const [n, m] = [shape[axis], to[axis]];
  const picked = nearest(n, m);
  const out = new Float32Array(outer * m * inner);
  for (let o = 0; o < outer; o++)
    for (let k = 0; k < m; k++) {
      const from = (o * n + picked[k]) * inner;
      out.set(values.subarray(from, from + inner), (o * m + k) * inner);
    }
  return out;
}

function nearest(n: number, m: number): Int32Array {
  return Int32Array.from({ length: m }, (_, k) =>
    Math.min(n - 1, Math.max(0, Math.floor(position(k, n, m) + 0.5))),
  );
}

/** The two neighbours of each new voxel along an axis, and the second one's weight. */
interface Linear {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly weight: Float64Array;
}

function linear(n: number, m: number): Linear {
  const at = Array.from({ length: m }, (_, k) => Math.min(n - 1, Math.max(0, position(k, n, m))));
  return {
    low: Int32Array.from(at, Math.floor),
    high: Int32Array.from(at, (x) => Math.min(n - 1, Math.floor(x) + 1)),
    weight: Float64Array.from(at, (x) => x - Math.floor(x)),
  };
}

/**
 * A label map on a grid of `to` voxels over the same extent.
 *
 * Rule: each class's indicator by trilinear interpolation (order 1, edge mode); the greatest class that reaches ½ wins, 0 where none does.
 * Along a coarse axis the nearest slice.
 * @param label classes, −1 among them, [x, y, z] in C order
 * @param shape its voxels
 * @param to the new shape
 * @param coarse the axis that is resampled apart
 * @returns [x', y', z']; the input itself where the shape stays
 * Source: nnU-Net v1 and batchgenerators' `resize_segmentation`.
 */
export function resampleLabel(label: Int8Array, shape: Shape3, to: Shape3, coarse?: 0 | 1 | 2): Int8Array {
  if (shape.every((n, axis) => n === to[axis])) return label;
  const [, Y, Z] = shape;
  const [ax, ay, az] = shape.map((n, axis): Linear => {
    if (axis !== coarse) return linear(n, to[axis]);
    const picked = nearest(n, to[axis]);
    return { low: picked, high: picked, weight: new Float64Array(to[axis]) };
  });
  const out = new Int8Array(to[0] * to[1] * to[2]);
  const votes = new Float64Array(256);
  const corners = new Int32Array(8);
  let at = 0;
  for (let i = 0; i < to[0]; i++)
    for (let j = 0; j < to[1]; j++) {
      const ll = (ax.low[i] * Y + ay.low[j]) * Z;
      const lh = (ax.low[i] * Y + ay.high[j]) * Z;
      const hl = (ax.high[i] * Y + ay.low[j]) * Z;
      const hh = (ax.high[i] * Y + ay.high[j]) * Z;
      for (let k = 0; k < to[2]; k++, at++) {
        const low = az.low[k];
        const high = az.high[k];
        const first = label[ll + low];
        corners[0] = first;
        corners[1] = label[ll + high];
        corners[2] = label[lh + low];
        corners[3] = label[lh + high];
        corners[4] = label[hl + low];
        corners[5] = label[hl + high];
        corners[6] = label[hh + low];
        corners[7] = label[hh + high];
        let uniform = true;
        for (let c = 1; c < 8; c++) if (corners[c] !== first) uniform = false;
        out[at] = uniform ? first : elect(corners, votes, ax.weight[i], ay.weight[j], az.weight[k]);
      }
    }
  return out;
}

/** The greatest class whose corners weigh ½ or more, else 0. `votes` is zero before and after. */
function elect(corners: Int32Array, votes: Float64Array, wx: number, wy: number, wz: number): number {
  for (let c = 0; c < 8; c++) {
    const weight = (c & 4 ? wx : 1 - wx) * (c & 2 ? wy : 1 - wy) * (c & 1 ? wz : 1 - wz);
    votes[corners[c] + 128] += weight;
  }
  let winner = -129;
  for (let c = 0; c < 8; c++) if (corners[c] > winner && votes[corners[c] + 128] >= 0.5) winner = corners[c];
  for (let c = 0; c < 8; c++) votes[corners[c] + 128] = 0;
  return winner === -129 ? 0 : winner;
}
