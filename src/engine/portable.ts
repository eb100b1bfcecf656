/**
 * The kernels from stock TensorFlow ops alone: the reference on the CPU, and meant for a GPU.
 *
 * Units free what they make on the way: a tensor that the backward pass needs is held by the tape, the rest goes at once.
 */
import type { Kernels } from './kernels';
import type { Tensor5D } from './model';
import { conv3d, factorizedReduce, separable, stridedConv3d, transposedConv3d } from './portable-conv';
import { addBias, gate, instanceNorm, leakyRelu, weightedSum } from './portable-pointwise';
import { pool, upsample } from './portable-space';
import { adam, crossEntropy, jaccardSums } from './portable-training';

/** `f` of a tensor that nobody else needs. */
function consume(x: Tensor5D, f: (x: Tensor5D) => Tensor5D): Tensor5D {
  const y = f(x);
  x.dispose();
  return y;
}

/** LeakyReLU → `op` → InstanceNorm. */
const unit = (x: Tensor5D, op: (x: Tensor5D) => Tensor5D, affine?: Parameters<Kernels['instanceNorm']>[1]) =>
  consume(consume(leakyRelu(x), op), (y) => instanceNorm(y, affine));

/** {@link Kernels} of stock TensorFlow ops. */
export const portable: Kernels = {
  name: 'portable',
  conv3d,
  separable,
  pool,
  instanceNorm,
  leakyRelu,
  upsample,
  factorizedReduce,
  convUnit: (x, w, step, affine) => unit(x, (a) => conv3d(a, w, step), affine),
  separableUnit: (x, depthwise, pointwise, step, affine) =>
    unit(x, (a) => separable(a, depthwise, pointwise, step), affine),
  reduceUnit: (x, even, odd, affine) => unit(x, (a) => factorizedReduce(a, even, odd), affine),
  poolUnit: (x, kind, stride, norm) =>
    norm ? consume(pool(x, kind, stride), (y) => instanceNorm(y)) : pool(x, kind, stride),
  weightedSum,
  stridedConv3d,
  upUnit: (x, w) => consume(leakyRelu(x), (a) => transposedConv3d(a, w)),
  gate,
  outUnit: (x, w, b) =>
    consume(
      consume(leakyRelu(x), (a) => conv3d(a, w, { stride: 1, dilation: 1 })),
      (y) => addBias(y, b),
    ),
  jaccardSums,
  crossEntropy,
  adam,
};
