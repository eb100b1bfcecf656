/** Where the voxels of an augmented patch come from: elastic offsets, then rotation, then scale, about the patch's centre. */
import { fold, type Key, uniform } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import { type Compiled, compiled } from './compiled';

/** A drawn deformation; what is left out is not done. */
export interface Deformation {
  /** Offsets α · G_σ ∗ noise, both in voxels. */
  readonly elastic?: { readonly alpha: number; readonly sigma: number };
  /** Radians about the first, second and third axis; about the first alone in a plane. */
  readonly angles?: readonly [number, number, number];
  /** Above 1 a larger part of the volume is seen, smaller. */
  readonly scale?: number;
}

/**
 * The place in the enlarged patch of each voxel of the patch: c = s · R(g + e) about the centres of both.
 *
 * g: the voxel in the patch, from its centre; e: its elastic offset, drawn by the key; (g + e) is a row that is multiplied by
 * R = R_x R_y R_z; s: the scale. `flips`: the patch is mirrored afterwards along these axes.
 * Returns [x, y, z, 3] in voxels of the enlarged patch. A side of 1 stays in its plane.
 * Source: batchgenerators' `augment_spatial` without random crop, as nnU-Net v1 calls it.
 */
export function places(
  patch: Shape3,
  enlarged: Shape3,
  { elastic, angles = [0, 0, 0], scale = 1 }: Deformation,
  flips: readonly boolean[],
  k: Key,
): Float32Array {
  const [X, Y, Z] = patch;
  const offsets = patch.map((n, axis) =>
    elastic && n > 1 ? elasticOffsets(patch, elastic, fold(k, 'elastic', axis)) : undefined,
  );
  const [ex, ey, ez] = offsets;
  const r = rotation(angles, X === 1).map((value) => value * scale);
  const [cx, cy, cz] = patch.map((n) => (n - 1) / 2);
  const [tx, ty, tz] = enlarged.map((n) => (n - 1) / 2);
  const out = new Float32Array(3 * X * Y * Z);
  const [sx, sy, sz] = flips.map((flip) => (flip ? -1 : 1));
  const first = (axis: number) => (flips[axis] ? patch[axis] - 1 : 0);
  let at = 0;
  for (let i = 0, x = first(0); i < X; i++, x += sx)
    for (let j = 0, y = first(1); j < Y; j++, y += sy)
      for (let l = 0, z = first(2); l < Z; l++, z += sz, at += 3) {
        const v = (x * Y + y) * Z + z;
        const a = x - cx + (ex ? ex[v] : 0);
        const b = y - cy + (ey ? ey[v] : 0);
        const c = z - cz + (ez ? ez[v] : 0);
        out[at] = tx + a * r[0] + b * r[3] + c * r[6];
        out[at + 1] = ty + a * r[1] + b * r[4] + c * r[7];
        out[at + 2] = tz + a * r[2] + b * r[5] + c * r[8];
      }
  return out;
}

/** R_x R_y R_z, row after row; in a plane the rotation of the second and third axis by the first angle. */
function rotation([a, b, c]: readonly [number, number, number], plane: boolean): number[] {
  const [ca, sa, cb, sb, cc, sc] = [a, b, c].flatMap((angle) => [Math.cos(angle), Math.sin(angle)]);
  if (plane) return [1, 0, 0, 0, ca, -sa, 0, sa, ca];
  return [
    cb * cc,
    -cb * sc,
    sb,
    sa * sb * cc + ca * sc,
    ca * cc - sa * sb * sc,
    -sa * cb,
    sa * sc - ca * sb * cc,
    ca * sb * sc + sa * cc,
    ca * cb,
  ];
}

/** One component of the offsets: α times white noise U(−1, 1) blurred by a Gaussian, 0 outside the patch. */
function elasticOffsets(
  patch: Shape3,
  { alpha, sigma }: { alpha: number; sigma: number },
  k: Key,
): Float64Array {
  const noise = uniform(k, patch[0] * patch[1] * patch[2]);
  for (let i = 0; i < noise.length; i++) noise[i] = alpha * (2 * noise[i] - 1);
  return blur(noise, patch, sigma);
}

/**
 * Blurs [x, y, z] in C order along each axis longer than one voxel: scipy.ndimage.gaussian_filter(sigma, mode='constant', truncate=4).
 *
 * `sigma` in voxels; `by` the compiled loops, if any. Values beyond the border count as 0.
 */
export function blur(values: Float64Array, shape: Shape3, sigma: number, by = compiled): Float64Array {
  const radius = Math.floor(4 * sigma + 0.5);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, d) => Math.exp(-0.5 * (d / sigma) ** 2));
  const sum = kernel.reduce((a, b) => a + 2 * b, -1);
  for (let d = 0; d <= radius; d++) kernel[d] /= sum;
  // Each pass blurs the slowest axis and makes it the fastest, so three of them come back to [x, y, z].
  return shape.reduce((field, n) => blurFirst(field, n, kernel, by), values);
}

/**
 * [n, rest] → [rest, n], blurred along n.
 *
 * The kernel is even, so the even and the odd part about the middle are blurred apart, each with half of the rows: half the work.
 */
function blurFirst(field: Float64Array, n: number, kernel: Float64Array, by: Compiled | null): Float64Array {
  if (n === 1) return field;
  const out = new Float64Array(field.length);
  if (by) {
    by.blurFirst(field, n, kernel, out);
    return out;
  }
  const rest = field.length / n;
  const half = Math.ceil(n / 2);
  // Up to a multiple of four, with zeros: what `product` takes at a time.
  const rows = 4 * Math.ceil(half / 4);
  const even = new Float64Array(rows * rest);
  const odd = new Float64Array(rows * rest);
  for (let j = 0; j < half; j++) {
    const [a, b] = [j * rest, (n - 1 - j) * rest];
    // The middle row of an odd number is its own mirror image: half of it counts twice.
    const share = a === b ? 0.25 : 0.5;
    for (let r = 0; r < rest; r++) {
      even[a + r] = share * (field[a + r] + field[b + r]);
      odd[a + r] = 0.5 * (field[a + r] - field[b + r]);
    }
  }
  const weight = (d: number) => (d < kernel.length ? kernel[d] : 0);
  const weights = (sign: 1 | -1) =>
    Float64Array.from({ length: rows * rows }, (_, at) => {
      const [i, j] = [Math.floor(at / rows), at % rows];
      return i < half && j < half ? weight(Math.abs(i - j)) + sign * weight(n - 1 - j - i) : 0;
    });
  const sums = product(weights(1), even, rows, rest);
  const differences = product(weights(-1), odd, rows, rest);
  // A few columns at a time: their part of the result stays in the cache.
  for (let low = 0; low < rest; low += 16)
    for (let i = 0; i < half; i++)
      for (let r = low, high = Math.min(rest, low + 16); r < high; r++) {
        const [s, d] = [sums[i * rest + r], differences[i * rest + r]];
        out[r * n + i] = s + d;
        out[r * n + n - 1 - i] = s - d;
      }
  return out;
}

/** w [n, n] times `rows` [n, rest], n a multiple of four: two rows of the product by four of the factor at a time, which the processor holds at once. */
function product(w: Float64Array, rows: Float64Array, n: number, rest: number): Float64Array {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < n; i += 2)
    for (let j = 0; j < n; j += 4) {
      const [p, q] = [i * n + j, (i + 1) * n + j];
      const [a0, a1, a2, a3] = [w[p], w[p + 1], w[p + 2], w[p + 3]];
      const [b0, b1, b2, b3] = [w[q], w[q + 1], w[q + 2], w[q + 3]];
      for (let r = i * rest, k = j * rest, end = r + rest; r < end; r++, k++) {
        const x0 = rows[k];
        const x1 = rows[k + rest];
        const x2 = rows[k + 2 * rest];
        const x3 = rows[k + 3 * rest];
        out[r] += a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
        out[r + rest] += b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3;
      }
    }
  return out;
}
