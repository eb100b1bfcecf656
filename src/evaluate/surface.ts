/** Distances between the surfaces of two label maps, in mm. */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';

type Spacing = readonly [number, number, number];

/** The surface voxels of a label within a box, marked with 1, and their number. */
interface Surface {
  readonly surface: Uint8Array;
  readonly count: number;
}

/**
 * HD95: the 95th percentile of the distances from one surface to the other, in each direction; the larger of the two.
 *
 * A surface is the label's voxels with a face neighbour outside it (also beyond the volume's border); distances run between voxel centres.
 * NaN where the label is in neither map, ∞ where it is in one of them only.
 * @param prediction [x, y, z] in C order
 * @param truth [x, y, z] in C order
 * @param label the class
 * @param shape of both maps, voxels
 * @param spacing mm along each axis
 * Source: MONAI's `compute_hausdorff_distance(percentile=95)`; medpy's `hd95` takes the percentile over both directions together.
 */
export function hd95(
  prediction: ArrayLike<number>,
  truth: ArrayLike<number>,
  label: number,
  shape: Shape3,
  spacing: Spacing,
): number {
  const voxels = shape[0] * shape[1] * shape[2];
  if (prediction.length !== voxels || truth.length !== voxels)
    fail({
      where: 'HD95',
      expected: `two maps of ${shape.join(' × ')} voxels`,
      found: `${prediction.length} and ${truth.length} voxels`,
      next: 'compare in the shape of the volume on disk',
    });
  const box = unionBox(prediction, truth, label, shape);
  if (!box) return Number.NaN;
  const a = surfaceOf(prediction, label, shape, box);
  const b = surfaceOf(truth, label, shape, box);
  if (a.count === 0 || b.count === 0) return Number.POSITIVE_INFINITY;
  return Math.max(directed(a, b, box.shape, spacing), directed(b, a, box.shape, spacing));
}

function directed(from: Surface, to: Surface, shape: Shape3, spacing: Spacing): number {
  const squared = squaredDistances(to.surface, shape, spacing);
  const distances = new Float64Array(from.count);
  let n = 0;
  for (let i = 0; i < squared.length; i++) if (from.surface[i]) distances[n++] = Math.sqrt(squared[i]);
  return percentile(distances, 95);
}

/** numpy's percentile: linear between the sorted values' positions q/100 · (n − 1). NaN for no values. */
export function percentile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return Number.NaN;
  const at = (q / 100) * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

interface Box {
  readonly origin: Shape3;
  readonly shape: Shape3;
}

function unionBox(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  label: number,
  [X, Y, Z]: Shape3,
): Box | undefined {
  const low = [X, Y, Z];
  const high = [-1, -1, -1];
  for (let x = 0, i = 0; x < X; x++)
    for (let y = 0; y < Y; y++)
      for (let z = 0; z < Z; z++, i++) {
        if (a[i] !== label && b[i] !== label) continue;
        if (x < low[0]) low[0] = x;
        if (y < low[1]) low[1] = y;
        if (z < low[2]) low[2] = z;
        if (x > high[0]) high[0] = x;
        if (y > high[1]) high[1] = y;
        if (z > high[2]) high[2] = z;
      }
  if (high[0] < 0) return undefined;
  const side = (axis: number) => high[axis] - low[axis] + 1;
  return { origin: [low[0], low[1], low[2]], shape: [side(0), side(1), side(2)] };
}

function surfaceOf(map: ArrayLike<number>, label: number, [, Y, Z]: Shape3, { origin, shape }: Box): Surface {
  const [bX, bY, bZ] = shape;
  const inside = new Uint8Array(bX * bY * bZ);
  for (let x = 0, i = 0; x < bX; x++)
    for (let y = 0; y < bY; y++) {
      const from = ((x + origin[0]) * Y + y + origin[1]) * Z + origin[2];
      for (let z = 0; z < bZ; z++, i++) inside[i] = Number(map[from + z] === label);
    }
  const surface = new Uint8Array(inside.length);
  let count = 0;
  for (let x = 0, i = 0; x < bX; x++)
    for (let y = 0; y < bY; y++)
      for (let z = 0; z < bZ; z++, i++) {
        if (!inside[i]) continue;
        const within =
          x > 0 &&
          x < bX - 1 &&
          y > 0 &&
          y < bY - 1 &&
          z > 0 &&
          z < bZ - 1 &&
          inside[i - 1] &&
          inside[i + 1] &&
          inside[i - bZ] &&
          inside[i + bZ] &&
          inside[i - bY * bZ] &&
          inside[i + bY * bZ];
        if (within) continue;
        surface[i] = 1;
        count++;
      }
  return { surface, count };
}

/**
 * The squared distance in mm² from each voxel to the nearest voxel of the mask: scipy.ndimage.distance_transform_edt(~mask, sampling=spacing) ** 2.
 *
 * ∞ everywhere for an empty mask. One exact pass an axis: the lower envelope of parabolas (Felzenszwalb and Huttenlocher 2012).
 */
export function squaredDistances(mask: Uint8Array, shape: Shape3, spacing: Spacing): Float64Array {
  const out = Float64Array.from(mask, (v) => (v ? 0 : Number.POSITIVE_INFINITY));
  const longest = Math.max(...shape);
  const line = new Float64Array(longest);
  const feet = new Int32Array(longest);
  const from = new Float64Array(longest);
  const strides = [shape[1] * shape[2], shape[2], 1];
  for (const axis of [2, 1, 0] as const) {
    const n = shape[axis];
    const stride = strides[axis];
    for (let block = 0; block < out.length; block += n * stride)
      for (let start = block; start < block + stride; start++) {
        for (let i = 0; i < n; i++) line[i] = out[start + i * stride];
        lowerEnvelope(line, n, spacing[axis] ** 2, feet, from, out, start, stride);
      }
  }
  return out;
}

/** For each i the least f(q) + w·(i − q)² over q, written to out[start + i · stride]. */
function lowerEnvelope(
  f: Float64Array,
  n: number,
  w: number,
  feet: Int32Array,
  from: Float64Array,
  out: Float64Array,
  start: number,
  stride: number,
): void {
  let k = -1;
  for (let q = 0; q < n; q++) {
    if (f[q] === Number.POSITIVE_INFINITY) continue;
    let meet = Number.NEGATIVE_INFINITY;
    for (; k >= 0; k--) {
      const p = feet[k];
      meet = (f[q] - f[p]) / (2 * w * (q - p)) + (q + p) / 2;
      if (meet > from[k]) break;
      meet = Number.NEGATIVE_INFINITY;
    }
    k++;
    feet[k] = q;
    from[k] = meet;
  }
  if (k < 0) return;
  for (let i = 0, at = 0; i < n; i++) {
    while (at < k && from[at + 1] < i) at++;
    out[start + i * stride] = f[feet[at]] + w * (i - feet[at]) ** 2;
  }
}
