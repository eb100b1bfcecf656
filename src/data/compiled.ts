/** The loops that take most of the time of drawing a batch, compiled for this machine: the same bits as the TypeScript beside which they stand. */
import { existsSync } from 'node:fs';
import path from 'node:path';

/** native/data/augment.cc. */
export interface Compiled {
  /** Blurs [n, rest] along n, into `out` [rest, n]; `kernel` from its middle on. */
  blurFirst(field: Float64Array, n: number, kernel: Float64Array, out: Float64Array): void;
  /** Makes values to spline coefficients in place, along an axis of `n` voxels and its rim, each of `row` values, `outer` times. */
  filter(values: Float32Array, outer: number, n: number, row: number, pole: number): void;
  /** The spline with coefficients of x × y × z voxels and their rims at `places` [n, 3], into `out` [n, channels]. */
  sample(
    coefficients: Float32Array,
    x: number,
    y: number,
    z: number,
    channels: number,
    places: Float32Array,
    out: Float32Array,
  ): void;
}

/** Null where set-up has not built it, and with SCNAS_KERNELS=portable. */
export const compiled = load();

function load(): Compiled | null {
  const file = path.join(__dirname, '..', '..', 'build', 'native', 'augment.node');
  return process.env.SCNAS_KERNELS === 'portable' || !existsSync(file) ? null : require(file);
}
