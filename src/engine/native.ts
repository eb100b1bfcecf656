/** The kernels of native/, C++ for this machine's CPU: the same results as `portable`, several times faster. */
import type { Kernels } from './kernels';
import { conv3d, convUnit, factorizedReduce, reduceUnit, separable, separableUnit } from './native-conv';
import { chain } from './native-dag';
import { addon } from './native-op';
import { instanceNorm, leakyRelu, weightedSum } from './native-pointwise';
import { pool, poolUnit, upsample } from './native-space';
import { adam, jaccardSums, outUnit } from './native-training';
import { gate, upUnit } from './native-up';
import { stridedConv3d } from './portable-conv';
import { crossEntropy } from './portable-training';

/** {@link Kernels} of our own ops; undefined where they are not built, or where there is a GPU. */
export const native: Kernels | undefined = addon && {
  name: 'native',
  conv3d,
  separable,
  pool,
  instanceNorm,
  leakyRelu,
  upsample,
  factorizedReduce,
  convUnit,
  separableUnit,
  reduceUnit,
  poolUnit,
  weightedSum,
  chain,
  stridedConv3d,
  upUnit,
  gate,
  outUnit,
  jaccardSums,
  crossEntropy,
  adam,
};

/** The native kernels' number of threads: `SCNAS_THREADS`, else every core. With `count`, sets it. 0: not built. */
export function nativeThreads(count?: number): number {
  return addon ? addon.threads(count) : 0;
}
