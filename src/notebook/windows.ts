/** A sliding window taken apart: what each window predicts, stitched with any weights, and where the seams are. */
import type { PreparedCase } from '../data/preprocess';
import type { Network, Shape3, Theta } from '../engine/model';
import { windowOrigins, windowProbabilities } from '../evaluate/predict';

/** What one window says: the probability that a voxel is foreground, [x · y · z] of the patch. */
export interface WindowPrediction {
  /** Its least corner, voxels of the volume; negative where the volume is smaller than the patch. */
  readonly origin: Shape3;
  readonly foreground: Float32Array;
}

/** Windows put together, [x · y · z] of the volume. */
export interface Stitched {
  /** Weighted mean over the windows: p(x) = Σ w p / Σ w. */
  readonly probability: Float32Array;
  /** Weighted standard deviation between the windows; 0 where there is one alone. */
  readonly spread: Float32Array;
}

/**
 * The foreground's probability in each window that {@link segment} would use, one by one.
 *
 * @param prepared a case in memory
 * @param patch sides of a window, voxels
 * @param flips whether each is the mean over its 8 mirrored versions
 */
export function windowPredictions(
  network: Network,
  theta: Theta,
  prepared: PreparedCase,
  patch: Shape3,
  flips = false,
): WindowPrediction[] {
  const { classes } = network;
  return windowOrigins(prepared.shape, patch).map((origin) => {
    const softmax = windowProbabilities(network, theta, prepared, origin, patch, flips);
    const voxels = { length: softmax.length / classes };
    return { origin, foreground: Float32Array.from(voxels, (_, i) => 1 - softmax[i * classes]) };
  });
}

/**
 * The windows put together with these weights.
 *
 * @param windows of one volume
 * @param shape of the volume, voxels
 * @param patch sides of a window, voxels
 * @param weights of a window's voxels, [x · y · z]; `gaussianWeights(patch)` is what {@link segment} takes; all one unless told
 */
export function stitch(
  windows: readonly WindowPrediction[],
  shape: Shape3,
  patch: Shape3,
  weights?: ArrayLike<number>,
): Stitched {
  const voxels = shape[0] * shape[1] * shape[2];
  const [total, first, second] = [0, 0, 0].map(() => new Float64Array(voxels));
  for (const { origin, foreground } of windows) {
    foreground.forEach((p, i) => {
      const at = placeOf(i, origin, patch, shape);
      if (at < 0) return;
      const w = weights ? weights[i] : 1;
      total[at] += w;
      first[at] += w * p;
      second[at] += w * p * p;
    });
  }
  const probability = Float32Array.from(first, (sum, i) => sum / total[i]);
  const spread = Float32Array.from(second, (sum, i) =>
    Math.sqrt(Math.max(0, sum / total[i] - (first[i] / total[i]) ** 2)),
  );
  return { probability, spread };
}

/** The voxel of the volume at place `i` of a window; −1 outside. */
function placeOf(i: number, origin: Shape3, patch: Shape3, shape: Shape3): number {
  const x = origin[0] + Math.floor(i / (patch[1] * patch[2]));
  const y = origin[1] + (Math.floor(i / patch[2]) % patch[1]);
  const z = origin[2] + (i % patch[2]);
  const inside = x >= 0 && x < shape[0] && y >= 0 && y < shape[1] && z >= 0 && z < shape[2];
  return inside ? (x * shape[1] + y) * shape[2] + z : -1;
}

/**
 * The jump that changing windows makes between each voxel and its neighbours, apart from what the picture makes: with the share of the say
 * a_k = w_k / Σ w, and p̄_k the mean of window k's two predictions (or the one that it has),
 *
 * $$p(x + 1) - p(x) = \sum_k \bar a_k \, \Delta p_k + \sum_k \Delta a_k \, \bar p_k$$
 *
 * and the second sum is the seam. Returns its size, [x · y · z]: along one axis, or the root of the squares over all three; 0 in the last plane.
 *
 * @param windows of one volume
 * @param shape of the volume, voxels
 * @param patch sides of a window, voxels
 * @param weights as {@link stitch} takes them
 * @param axis 0, 1 or 2; all three unless told
 */
export function seams(
  windows: readonly WindowPrediction[],
  shape: Shape3,
  patch: Shape3,
  weights?: ArrayLike<number>,
  axis?: 0 | 1 | 2,
): Float32Array {
  const voxels = shape[0] * shape[1] * shape[2];
  const total = new Float64Array(voxels);
  const each = (visit: (at: number, i: number, window: WindowPrediction) => void) => {
    for (const window of windows)
      for (let i = 0; i < window.foreground.length; i++) {
        const at = placeOf(i, window.origin, patch, shape);
        if (at >= 0) visit(at, i, window);
      }
  };
  const weight = (i: number) => (weights ? weights[i] : 1);
  each((at, i) => {
    total[at] += weight(i);
  });
  const squares = new Float64Array(voxels);
  for (const along of axis === undefined ? [0, 1, 2] : [axis]) {
    const [step, inner] = [shape, patch].map((sides) => [sides[1] * sides[2], sides[2], 1][along]);
    const jump = new Float64Array(voxels);
    each((at, i, { origin, foreground }) => {
      const plane = Math.floor(i / inner) % patch[along];
      const place = origin[along] + plane;
      const say = weight(i) / total[at];
      // From this voxel to the next, and, where the window begins, from the one before to this.
      if (place + 1 < shape[along]) {
        const inside = plane + 1 < patch[along];
        const next = inside ? weight(i + inner) / total[at + step] : 0;
        const p = inside ? (foreground[i] + foreground[i + inner]) / 2 : foreground[i];
        jump[at] += (next - say) * p;
      }
      if (plane === 0 && place > 0) jump[at - step] += say * foreground[i];
    });
    for (let at = 0; at < voxels; at++) squares[at] += jump[at] ** 2;
  }
  return Float32Array.from(squares, Math.sqrt);
}

/**
 * Means of a map over the planes across an axis.
 *
 * @param map [x · y · z]
 * @param shape its sides
 * @param axis 0, 1 or 2
 */
export function planeMeans(map: ArrayLike<number>, shape: Shape3, axis: 0 | 1 | 2): number[] {
  const stride = [shape[1] * shape[2], shape[2], 1][axis];
  const sums = new Array<number>(shape[axis]).fill(0);
  for (let i = 0; i < map.length; i++) sums[Math.floor(i / stride) % shape[axis]] += map[i];
  return sums.map((sum) => (sum * shape[axis]) / map.length);
}
