/** Cubic B-splines on a grid: values → coefficients (a recursive filter), and their value at any place inside. */
import type { Shape3 } from '../engine/model';

/** The pole of the cubic B-spline's inverse filter. */
const POLE = Math.sqrt(3) - 2;
/** POLE^14 is 1e-8: farther voxels do not count. */
const HORIZON = 14;

/** Coefficients with a rim: [x, y, z, k] in C order; one before and two behind along each axis longer than one voxel, the last of which always has weight 0. */
export interface Spline {
  readonly shape: Shape3;
  readonly channels: number;
  readonly coefficients: Float32Array;
}

/** How much longer an axis is with its rim. */
const rimmed = (n: number) => (n === 1 ? 1 : n + 3);

/**
 * The cubic spline through the values, mirrored at its borders: scipy.ndimage.spline_filter(order=3, mode='mirror').
 *
 * `values` [x, y, z, k] in C order; an axis of one voxel is left as it is.
 */
export function spline(values: Float32Array, shape: Shape3, channels: number): Spline {
  const [X, Y, Z] = shape;
  const [rX, rY, rZ] = shape.map(rimmed);
  const out = new Float32Array(rX * rY * rZ * channels);
  const [oX, oY, oZ] = shape.map((n) => Number(n > 1));
  for (let x = 0; x < X; x++)
    for (let y = 0; y < Y; y++) {
      const from = (x * Y + y) * Z * channels;
      out.set(values.subarray(from, from + Z * channels), (((x + oX) * rY + y + oY) * rZ + oZ) * channels);
    }
  filterAxis(out, 1, X, rY * rZ * channels);
  filterAxis(out, rX, Y, rZ * channels);
  filterAxis(out, rX * rY, Z, channels);
  return { shape, channels, coefficients: out };
}

/** Filters in place along an axis of n voxels (and its rim), each of `row` neighbouring values, `outer` times. */
function filterAxis(v: Float32Array, outer: number, n: number, row: number): void {
  if (n === 1) return;
  const mirrored = (i: number) => {
    const at = i % (2 * n - 2);
    return at < n ? at : 2 * n - 2 - at;
  };
  const first = new Float64Array(row);
  for (let o = 0; o < outer; o++) {
    const start = (o * (n + 3) + 1) * row;
    const end = start + n * row;
    first.fill(0);
    for (let i = HORIZON; i >= 0; i--) {
      const from = start + mirrored(i) * row;
      for (let r = 0; r < row; r++) first[r] = v[from + r] + POLE * first[r];
    }
    for (let r = 0; r < row; r++) v[start + r] = 6 * first[r];
    for (let at = start + row; at < end; at++) v[at] = 6 * v[at] + POLE * v[at - row];
    for (let at = end - row; at < end; at++)
      v[at] = (POLE / (POLE * POLE - 1)) * (v[at] + POLE * v[at - row]);
    for (let at = end - row - 1; at >= start; at--) v[at] = POLE * (v[at + row] - v[at]);
    v.copyWithin(start - row, start + row, start + 2 * row);
    v.copyWithin(end, end - 2 * row, end - row);
  }
}

/**
 * The spline at each place; 0 where a place is outside the grid.
 *
 * `places` [n, 3] in voxels of the grid; returns [n, k].
 * scipy.ndimage.map_coordinates(order=3, mode='constant', cval=0) within float32.
 */
export function sample({ shape, channels, coefficients: c }: Spline, places: Float32Array): Float32Array {
  const n = places.length / 3;
  const out = new Float32Array(n * channels);
  const [lastX, lastY, lastZ] = shape.map((side) => side - 1);
  const rowZ = channels;
  const rowY = rimmed(shape[2]) * rowZ;
  const rowX = rimmed(shape[1]) * rowY;
  const [nX, nY, nZ] = shape.map((side) => (side === 1 ? 1 : 4));
  const wX = new Float64Array(4);
  const wY = new Float64Array(4);
  const wZ = new Float64Array(4);
  const whole = nX + nY + nZ === 12 && channels === 1;
  for (let i = 0; i < n; i++) {
    const x = places[3 * i];
    const y = places[3 * i + 1];
    const z = places[3 * i + 2];
    if (!(x >= 0 && x <= lastX && y >= 0 && y <= lastY && z >= 0 && z <= lastZ)) continue;
    const fX = Math.floor(x);
    const fY = Math.floor(y);
    const fZ = Math.floor(z);
    weights(wX, x - fX, nX);
    weights(wY, y - fY, nY);
    weights(wZ, z - fZ, nZ);
    const corner = fX * rowX + fY * rowY + fZ * rowZ;
    if (whole) {
      const [z0, z1, z2, z3] = [wZ[0], wZ[1], wZ[2], wZ[3]];
      let sum = 0;
      for (let a = 0, at = corner; a < 4; a++, at += rowX) {
        const b = at + rowY;
        const d = b + rowY;
        const e = d + rowY;
        sum +=
          wX[a] *
          (wY[0] * (z0 * c[at] + z1 * c[at + 1] + z2 * c[at + 2] + z3 * c[at + 3]) +
            wY[1] * (z0 * c[b] + z1 * c[b + 1] + z2 * c[b + 2] + z3 * c[b + 3]) +
            wY[2] * (z0 * c[d] + z1 * c[d + 1] + z2 * c[d + 2] + z3 * c[d + 3]) +
            wY[3] * (z0 * c[e] + z1 * c[e + 1] + z2 * c[e + 2] + z3 * c[e + 3]));
      }
      out[i] = sum;
    } else {
      for (let k = 0; k < channels; k++) {
        let sum = 0;
        for (let a = 0; a < nX; a++)
          for (let b = 0; b < nY; b++) {
            let at = corner + a * rowX + b * rowY + k;
            let line = 0;
            for (let d = 0; d < nZ; d++, at += rowZ) line += wZ[d] * c[at];
            sum += wX[a] * wY[b] * line;
          }
        out[i * channels + k] = sum;
      }
    }
  }
  return out;
}

/** The four basis functions that reach a place t behind a voxel. */
function weights(w: Float64Array, t: number, taps: number): void {
  if (taps === 1) {
    w[0] = 1;
    return;
  }
  const s = 1 - t;
  w[0] = (s * s * s) / 6;
  w[1] = 2 / 3 - t * t * (1 - t / 2);
  w[3] = (t * t * t) / 6;
  w[2] = 1 - w[0] - w[1] - w[3];
}
