/** Class probabilities slice by slice along one axis, on another grid: what is needed of a large volume at once stays small. */
import { position, splineAxis } from '../data/spline-axis';
import type { Shape3 } from '../engine/model';

export type Axis = 0 | 1 | 2;

/** The axis along which a shape is longest: its slices are smallest. */
export function longestAxis(shape: Shape3): Axis {
  return shape.indexOf(Math.max(...shape)) as Axis;
}

/** The two other axes, in order. */
export function planeOf(axis: Axis): readonly [Axis, Axis] {
  return axis === 0 ? [1, 2] : axis === 1 ? [0, 2] : [0, 1];
}

/**
 * Slices along `axis` of an array on the grid `from`, as slices of the grid `to` over the same extent.
 *
 * Each slice is [u, v, k], u and v the other axes in order. Along each axis cubic splines with the edge repeated, or the nearest voxel along `coarse`.
 * Holds about thirty slices of the new grid. The same as {@link resampleImage} of the whole, but for its clipping to the range of the input.
 */
export function* resampledSlices(
  slices: Iterable<Float32Array>,
  from: Shape3,
  to: Shape3,
  k: number,
  axis: Axis,
  coarse?: Axis,
): Generator<Float32Array> {
  const [u, v] = planeOf(axis);
  const taps = axisTaps(from[axis], to[axis], axis === coarse);
  const held = new Map<number, Float32Array>();
  let read = 0;
  let done = 0;
  const ready = () => done < to[axis] && taps[done].first + taps[done].weights.length <= read;
  for (const slice of slices) {
    const across = alongAxis(slice, 1, from[u], from[v] * k, to[u], u === coarse);
    held.set(read++, alongAxis(across, to[u], from[v], k, to[v], v === coarse));
    for (; ready(); done++) {
      yield combined(held, taps[done]);
      const next = Math.min(read, ...taps.slice(done + 1, done + 2).map(({ first }) => first));
      for (const index of held.keys()) if (index < next) held.delete(index);
    }
  }
}

function alongAxis(
  values: Float32Array,
  outer: number,
  n: number,
  inner: number,
  m: number,
  nearest: boolean,
): Float32Array {
  if (n === m) return values;
  if (!nearest) return splineAxis(values, outer, n, inner, m);
  const out = new Float32Array(outer * m * inner);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < m; i++) {
      const at = (o * n + nearestVoxel(i, n, m)) * inner;
      out.set(values.subarray(at, at + inner), (o * m + i) * inner);
    }
  return out;
}

function nearestVoxel(i: number, n: number, m: number): number {
  return Math.min(n - 1, Math.max(0, Math.floor(position(i, n, m) + 0.5)));
}

/** The weights of neighbouring voxels, the first of them at `first`. */
interface Taps {
  readonly first: number;
  readonly weights: Float64Array;
}

/** The pole of the cubic B-spline's inverse filter. */
const POLE = Math.sqrt(3) - 2;
/** POLE^12 is 1e-7. */
const REACH = 12;

/**
 * What each of m new voxels takes from n: the interpolating cubic spline as weights of the voxels themselves, Σ_i β³(x − i) h(i − j) for voxel j,
 * h(d) = −6z / (1 − z²) · z^|d|, z = √3 − 2; beyond the border the edge is repeated. Or the nearest voxel alone.
 *
 * Source: Unser 1999, "Splines: a perfect fit for signal and image processing", cut where h is 1e-7.
 */
export function axisTaps(n: number, m: number, nearest: boolean): Taps[] {
  return Array.from({ length: m }, (_, i) => {
    if (n === m) return { first: i, weights: Float64Array.of(1) };
    if (nearest) return { first: nearestVoxel(i, n, m), weights: Float64Array.of(1) };
    const x = position(i, n, m);
    const foot = Math.floor(x);
    const t = x - foot;
    const s = 1 - t;
    const basis = [
      (s * s * s) / 6,
      2 / 3 - t * t * (1 - t / 2),
      2 / 3 - s * s * (1 - s / 2),
      (t * t * t) / 6,
    ];
    const inside = (j: number) => Math.min(n - 1, Math.max(0, j));
    const first = inside(foot - 1 - REACH);
    const weights = new Float64Array(inside(foot + 2 + REACH) - first + 1);
    for (let j = foot - 1 - REACH; j <= foot + 2 + REACH; j++)
      for (let b = 0; b < 4; b++)
        weights[inside(j) - first] +=
          basis[b] * ((-6 * POLE) / (1 - POLE * POLE)) * POLE ** Math.abs(foot - 1 + b - j);
    const sum = weights.reduce((a, w) => a + w, 0);
    return { first, weights: weights.map((w) => w / sum) };
  });
}

function combined(held: ReadonlyMap<number, Float32Array>, { first, weights }: Taps): Float32Array {
  const slices = Array.from(weights, (_, i) => held.get(first + i) ?? new Float32Array(0));
  if (slices.length === 1) return slices[0];
  const out = new Float32Array(slices[0].length);
  let at = 0;
  for (; at + 3 < slices.length; at += 4) {
    const [a, b, c, d] = slices.slice(at, at + 4);
    const [wa, wb, wc, wd] = weights.slice(at, at + 4);
    for (let i = 0; i < out.length; i++) out[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i];
  }
  for (; at < slices.length; at++) {
    const [slice, w] = [slices[at], weights[at]];
    for (let i = 0; i < out.length; i++) out[i] += w * slice[i];
  }
  return out;
}
