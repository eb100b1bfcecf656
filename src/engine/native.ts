/** The kernels of native/, C++ for this machine's CPU: the same results as `portable`, several times faster. */
import type { Kernels } from './kernels';
import { addon } from './native-op';
import { instanceNorm, leakyRelu, weightedSum } from './native-pointwise';
import { portable } from './portable';

/** {@link Kernels} of our own ops; undefined where they are not built, or where there is a GPU. */
export const native: Kernels | undefined = addon && {
  ...portable,
  name: 'native',
  instanceNorm,
  leakyRelu,
  weightedSum,
};

/** The native kernels' number of threads: `SCNAS_THREADS`, else every core. With `count`, sets it. */
export function nativeThreads(count?: number): number {
  return addon ? addon.threads(count) : 0;
}
