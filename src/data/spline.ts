/** Cubic B-splines on a grid: values → coefficients (a recursive filter), and their value at any place inside. */
import type { Shape3 } from '../engine/model';
import { type Compiled, compiled } from './compiled';

/** The pole of the cubic B-spline's inverse filter. */
const POLE = Math.sqrt(3) - 2;
/** POLE^14 is 1e-8: farther voxels do not count. */
const HORIZON = 14;

/**
 * Coefficients with a rim: [x, y, z, k] in C order; one before and two behind along each axis, the last of which always has weight 0. A first
 * axis of one voxel has none: the slices of a plane.
 */
export interface Spline {
  readonly shape: Shape3;
  readonly channels: number;
  readonly coefficients: Float32Array;
}

/** The sides with their rims. */
const rimmed = ([x, y, z]: Shape3): Shape3 => [x === 1 ? 1 : x + 3, y + 3, z + 3];

/**
 * The cubic spline through the values, mirrored at its borders: scipy.ndimage.spline_filter(order=3, mode='mirror').
 *
 * `values` [x, y, z, k] in C order; along an axis of one voxel it is constant.
 */
export function spline(values: Float32Array, shape: Shape3, channels: number, by = compiled): Spline {
  const [X, Y, Z] = shape;
  const [rX, rY, rZ] = rimmed(shape);
  const out = new Float32Array(rX * rY * rZ * channels);
  const before = Number(X > 1);
  for (let x = 0; x < X; x++)
    for (let y = 0; y < Y; y++) {
      const from = (x * Y + y) * Z * channels;
      out.set(values.subarray(from, from + Z * channels), (((x + before) * rY + y + 1) * rZ + 1) * channels);
    }
  if (X > 1) filterAxis(out, 1, X, rY * rZ * channels, by);
  filterAxis(out, rX, Y, rZ * channels, by);
  filterAxis(out, rX * rY, Z, channels, by);
  return { shape, channels, coefficients: out };
}

/** Filters in place along an axis of n voxels (and its rim), each of `row` neighbouring values, `outer` times. */
function filterAxis(v: Float32Array, outer: number, n: number, row: number, by: Compiled | null): void {
  const filter = row < 8 ? filterLines : filterRows;
  if (n > 1) by?.filter(v, outer, n, row, POLE);
  for (let o = 0; o < outer; o++) {
    const start = (o * (n + 3) + 1) * row;
    const end = start + n * row;
    if (n > 1 && !by) filter(v, start, n, row);
    v.copyWithin(start - row, n > 1 ? start + row : start, n > 1 ? start + 2 * row : end);
    v.copyWithin(end, n > 1 ? end - 2 * row : start, end - (n > 1 ? row : 0));
  }
}

/** The voxel that mirroring shows at i ≥ 0. */
function mirrored(i: number, n: number): number {
  const at = i % (2 * n - 2);
  return at < n ? at : 2 * n - 2 - at;
}

/** What the backward pass begins with, of the last two values of the forward pass. */
const LAST = POLE / (POLE * POLE - 1);

/** Row after row, which reads memory in its order. */
function filterRows(v: Float32Array, start: number, n: number, row: number): void {
  const end = start + n * row;
  const first = new Float64Array(row);
  for (let i = HORIZON; i >= 0; i--) {
    const from = start + mirrored(i, n) * row;
    for (let r = 0; r < row; r++) first[r] = v[from + r] + POLE * first[r];
  }
  for (let r = 0; r < row; r++) v[start + r] = 6 * first[r];
  for (let at = start + row; at < end; at++) v[at] = 6 * v[at] + POLE * v[at - row];
  for (let at = end - row; at < end; at++) v[at] = LAST * (v[at] + POLE * v[at - row]);
  for (let at = end - row - 1; at >= start; at--) v[at] = POLE * (v[at + row] - v[at]);
}

/** Line after line, each with the value before at hand: where rows are short, waiting for it to be stored would take most of the time. */
function filterLines(v: Float32Array, start: number, n: number, row: number): void {
  for (let line = start; line < start + row; line++) {
    const end = line + (n - 1) * row;
    let c = 0;
    for (let i = HORIZON; i >= 0; i--) c = v[line + mirrored(i, n) * row] + POLE * c;
    c *= 6;
    let before = c;
    v[line] = c;
    for (let at = line + row; at <= end; at += row) {
      before = c;
      c = 6 * v[at] + POLE * c;
      v[at] = c;
    }
    c = LAST * (c + POLE * before);
    v[end] = c;
    for (let at = end - row; at >= line; at -= row) {
      c = POLE * (c - v[at]);
      v[at] = c;
    }
  }
}

/**
 * The spline at each place; 0 where a place is outside the grid.
 *
 * `places` [n, 3] in voxels of the grid; returns [n, k].
 * scipy.ndimage.map_coordinates(order=3, mode='constant', cval=0) within float32.
 */
export function sample(
  { shape, channels, coefficients: c }: Spline,
  places: Float32Array,
  by = compiled,
): Float32Array {
  const n = places.length / 3;
  const out = new Float32Array(n * channels);
  if (by) {
    by.sample(c, ...shape, channels, places, out);
    return out;
  }
  const [lastX, lastY, lastZ] = shape.map((side) => side - 1);
  const [, rY, rZ] = rimmed(shape);
  const [one, two, three] = [channels, 2 * channels, 3 * channels];
  const rowY = rZ * channels;
  const rowX = rY * rowY;
  const slices = shape[0] === 1 ? 1 : 4;
  for (let i = 0; i < n; i++) {
    const x = places[3 * i];
    const y = places[3 * i + 1];
    const z = places[3 * i + 2];
    if (!(x >= 0 && x <= lastX && y >= 0 && y <= lastY && z >= 0 && z <= lastZ)) continue;
    const fX = x | 0;
    const fY = y | 0;
    const fZ = z | 0;
    // The four basis functions that reach each place, in variables: arrays of them would double the time.
    const x0 = slices === 1 ? 1 : before(x - fX);
    const x1 = near(x - fX);
    const x3 = before(1 - x + fX);
    const x2 = 1 - x0 - x1 - x3;
    const y0 = before(y - fY);
    const y1 = near(y - fY);
    const y3 = before(1 - y + fY);
    const y2 = 1 - y0 - y1 - y3;
    const z0 = before(z - fZ);
    const z1 = near(z - fZ);
    const z3 = before(1 - z + fZ);
    const z2 = 1 - z0 - z1 - z3;
    const corner = fX * rowX + fY * rowY + fZ * channels;
    for (let k = 0; k < channels; k++) {
      let sum = 0;
      for (let a = 0, p = corner + k; a < slices; a++, p += rowX) {
        const q = p + rowY;
        const r = q + rowY;
        const s = r + rowY;
        sum +=
          (a === 0 ? x0 : a === 1 ? x1 : a === 2 ? x2 : x3) *
          (z0 * (y0 * c[p] + y1 * c[q] + y2 * c[r] + y3 * c[s]) +
            z1 * (y0 * c[p + one] + y1 * c[q + one] + y2 * c[r + one] + y3 * c[s + one]) +
            z2 * (y0 * c[p + two] + y1 * c[q + two] + y2 * c[r + two] + y3 * c[s + two]) +
            z3 * (y0 * c[p + three] + y1 * c[q + three] + y2 * c[r + three] + y3 * c[s + three]));
      }
      out[i * channels + k] = sum;
    }
  }
  return out;
}

/** The basis function of the voxel before the nearest two, a place t behind the first of them: (1 − t)³ / 6. */
function before(t: number): number {
  const s = 1 - t;
  return (s * s * s) / 6;
}

/** The basis function of the voxel that a place lies t behind. */
function near(t: number): number {
  return 2 / 3 - t * t * (1 - t / 2);
}
