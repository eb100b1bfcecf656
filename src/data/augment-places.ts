/** Where the voxels of an augmented patch come from: elastic offsets, then rotation, then scale, about the patch's centre. */
import { fold, type Key, uniform } from '../engine/keys';
import type { Shape3 } from '../engine/model';

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
 * `sigma` in voxels. Values beyond the border count as 0.
 */
export function blur(values: Float64Array, shape: Shape3, sigma: number): Float64Array {
  const radius = Math.floor(4 * sigma + 0.5);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, d) => Math.exp(-0.5 * (d / sigma) ** 2));
  const sum = kernel.reduce((a, b) => a + 2 * b, -1);
  for (let d = 0; d <= radius; d++) kernel[d] /= sum;
  // Each pass blurs the slowest axis and makes it the fastest, so three of them come back to [x, y, z].
  return shape.reduce((field, n) => blurFirst(field, n, kernel), values);
}

/**
 * [n, rest] → [rest, n], blurred along n.
 *
 * The kernel is even, so the even and the odd part about the middle are blurred apart, each with half of the rows: half the work.
 */
function blurFirst(field: Float64Array, n: number, kernel: Float64Array): Float64Array {
  if (n === 1) return field;
  const rest = field.length / n;
  const half = Math.ceil(n / 2);
  const even = new Float64Array(half * rest);
  const odd = new Float64Array(half * rest);
  for (let j = 0; j < half; j++) {
    const [a, b] = [j * rest, (n - 1 - j) * rest];
    // The middle row of an odd number is its own mirror image: half of it counts twice.
    const share = a === b ? 0.25 : 0.5;
    for (let r = 0; r < rest; r++) {
      even[a + r] = share * (field[a + r] + field[b + r]);
      odd[a + r] = 0.5 * (field[a + r] - field[b + r]);
    }
  }
  const out = new Float64Array(field.length);
  const sums = new Float64Array(rest);
  const differences = new Float64Array(rest);
  const weight = (d: number) => (d < kernel.length ? kernel[d] : 0);
  for (let i = 0; i < half; i++) {
    const near = Float64Array.from({ length: half }, (_, j) => weight(Math.abs(i - j)));
    const far = Float64Array.from({ length: half }, (_, j) => weight(n - 1 - j - i));
    weightedRows(
      even,
      near.map((w, j) => w + far[j]),
      sums,
    );
    weightedRows(
      odd,
      near.map((w, j) => w - far[j]),
      differences,
    );
    for (let r = 0; r < rest; r++) {
      out[r * n + i] = sums[r] + differences[r];
      out[r * n + n - 1 - i] = sums[r] - differences[r];
    }
  }
  return out;
}

/** Σ_j w_j · row j of `rows` [j, rest], into `out` [rest]. */
function weightedRows(rows: Float64Array, w: Float64Array, out: Float64Array): void {
  const rest = out.length;
  out.fill(0);
  let j = 0;
  for (; j + 3 < w.length; j += 4) {
    const [w0, w1, w2, w3] = [w[j], w[j + 1], w[j + 2], w[j + 3]];
    const a = j * rest;
    for (let r = 0; r < rest; r++)
      out[r] +=
        w0 * rows[a + r] +
        w1 * rows[a + rest + r] +
        w2 * rows[a + 2 * rest + r] +
        w3 * rows[a + 3 * rest + r];
  }
  for (; j < w.length; j++) for (let r = 0; r < rest; r++) out[r] += w[j] * rows[j * rest + r];
}
