/**
 * Resampling along one axis of an array: cubic B-splines as scipy.ndimage computes them, the edge voxel repeated beyond the border.
 * A volume is resampled axis by axis, since the spline in three dimensions is the product of three in one.
 */

/** Voxels of repeated edge on each side before the prefilter, as scipy pads; the spline's memory of them is below 1e-6. */
const PAD = 12;
/** The pole of the cubic B-spline's inverse filter, and the filter's gain. */
const POLE = Math.sqrt(3) - 2;
const GAIN = 6;
/** Lines filtered side by side: neighbours in memory, so that a pass along a slow axis reads whole cache lines. */
const LANES = 32;

/** Where output voxel k of `to` lies among `from` input voxels: (k + ½)·from/to − ½, in voxels; both grids cover the same extent. */
export function position(k: number, from: number, to: number): number {
  return (k + 0.5) * (from / to) - 0.5;
}

/**
 * Resamples axis `n` of `values` [outer, n, inner] to `m` voxels by cubic spline interpolation; returns [outer, m, inner].
 *
 * Computed in float64, stored as float32; not clipped. Source: scipy.ndimage.zoom(order=3, mode='nearest', grid_mode=True).
 */
export function splineAxis(
  values: Float32Array,
  outer: number,
  n: number,
  inner: number,
  m: number,
): Float32Array {
  const out = new Float32Array(outer * m * inner);
  const { start, weights } = cubicTaps(n, m);
  const lines = outer * inner;
  const buffer = new Float64Array((n + 2 * PAD) * LANES);
  const read = new Float64Array(LANES);
  const write = new Float64Array(LANES);
  for (let line = 0; line < lines; line += LANES) {
    const lanes = Math.min(LANES, lines - line);
    for (let b = 0; b < lanes; b++) {
      const o = Math.floor((line + b) / inner);
      const i = line + b - o * inner;
      read[b] = o * n * inner + i;
      write[b] = o * m * inner + i;
    }
    for (let k = 0; k < n + 2 * PAD; k++) {
      const step = Math.min(n - 1, Math.max(0, k - PAD)) * inner;
      for (let b = 0; b < lanes; b++) buffer[k * LANES + b] = GAIN * values[read[b] + step];
    }
    prefilter(buffer, n + 2 * PAD, lanes);
    for (let k = 0; k < m; k++) {
      const at = (start[k] + PAD) * LANES;
      const w0 = weights[4 * k];
      const w1 = weights[4 * k + 1];
      const w2 = weights[4 * k + 2];
      const w3 = weights[4 * k + 3];
      const step = k * inner;
      for (let b = 0; b < lanes; b++)
        out[write[b] + step] =
          w0 * buffer[at + b] +
          w1 * buffer[at + LANES + b] +
          w2 * buffer[at + 2 * LANES + b] +
          w3 * buffer[at + 3 * LANES + b];
    }
  }
  return out;
}

/** Samples to B-spline coefficients, in place: a causal and an anticausal pass over each lane; both ends lie in a constant stretch. */
function prefilter(c: Float64Array, n: number, lanes: number): void {
  for (let b = 0; b < lanes; b++) c[b] /= 1 - POLE;
  for (let k = LANES; k < n * LANES; k += LANES)
    for (let b = k; b < k + lanes; b++) c[b] += POLE * c[b - LANES];
  const end = (n - 1) * LANES;
  for (let b = end; b < end + lanes; b++) c[b] *= POLE / (POLE - 1);
  for (let k = end - LANES; k >= 0; k -= LANES)
    for (let b = k; b < k + lanes; b++) c[b] = POLE * (c[b + LANES] - c[b]);
}

/** For each output voxel the first of its four coefficients (from −2 to n − 2) and the B-spline's four weights. */
function cubicTaps(n: number, m: number): { start: Int32Array; weights: Float64Array } {
  const start = new Int32Array(m);
  const weights = new Float64Array(4 * m);
  for (let k = 0; k < m; k++) {
    const x = position(k, n, m);
    start[k] = Math.floor(x) - 1;
    const t = x - Math.floor(x);
    const s = 1 - t;
    const w = [(s * s * s) / 6, (t * t * (t - 2) * 3 + 4) / 6, (s * s * (s - 2) * 3 + 4) / 6];
    weights.set([...w, 1 - w[0] - w[1] - w[2]], 4 * k);
  }
  return { start, weights };
}
