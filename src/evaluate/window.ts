/** Where a sliding window stands, and how much its voxels count. Source: nnU-Net v1. */
import type { Shape3 } from '../engine/model';

/**
 * First voxels of the windows along one axis, half overlapping: n = ⌈(D−P)/(P/2)⌉ intervals, positions round(i·(D−P)/n), i = 0 … n.
 *
 * `size` D and `patch` P in voxels; one window at 0 where D ≤ P. Halves round down: nnU-Net's steps are a hair
 * shorter than (D−P)/n (it adds 1e-8 to n), and its centres are whole numbers for an even P.
 */
export function windowStarts(size: number, patch: number): number[] {
  const rest = size - patch;
  if (rest <= 0) return [0];
  const intervals = Math.ceil(rest / (patch / 2));
  return Array.from({ length: intervals + 1 }, (_, i) => Math.floor((i * rest) / intervals + 0.5 - 1e-6));
}

/**
 * Weights of a window's voxels, [x, y, z] in C order: a delta at P//2 blurred by a Gaussian with σ = P//8 along each axis, over its maximum, + 1e-8.
 *
 * The blur is scipy.ndimage.gaussian_filter's: kernel cut at round(4σ) and normalised, border 0.
 * Departs from nnU-Net: an axis shorter than 8 voxels has σ = 1, since P//8 is 0 there.
 */
export function gaussianWeights(patch: Shape3): Float32Array {
  const [wx, wy, wz] = patch.map(axisWeights);
  const out = new Float32Array(wx.length * wy.length * wz.length);
  let at = 0;
  for (const x of wx) for (const y of wy) for (const z of wz) out[at++] = x * y * z + 1e-8;
  return out;
}

/** The blurred delta along one axis, over its maximum: the kernel's normalisation falls out. */
function axisWeights(size: number): number[] {
  const sigma = Math.max(1, Math.floor(size / 8));
  const radius = Math.floor(4 * sigma + 0.5);
  const centre = Math.floor(size / 2);
  return Array.from({ length: size }, (_, i) => {
    const d = i - centre;
    return Math.abs(d) > radius ? 0 : Math.exp(-0.5 * (d / sigma) ** 2);
  });
}
