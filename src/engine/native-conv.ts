/** Convolutions on the native kernels, plain and as units: LeakyReLU → convolution → InstanceNorm in one op. */
import type { Affine, Stepping } from './kernels';
import { EPSILON, type Tensor5D } from './model';
import { orNothing, record, run, runMany, shared } from './native-op';
import { affineGradients, affineInputs } from './native-pointwise';
import type { tf } from './tf';

/** The three kinds of native/ops_convolutions.cc; each has an op of this name, and `Unit`, `Input` and `Filter` after it. */
type Kind = 'ScnasConv3d' | 'ScnasSeparable' | 'ScnasReduce';

type Weights = readonly tf.Tensor[];
type Ints = Readonly<Record<string, number>>;

/**
 * The gradients to x and to each of the weights, from the one that reaches the convolution's result.
 *
 * One op makes those of all the weights, if any is wanted; an α step wants none.
 */
function gradients(
  kind: Kind,
  [x, ...weights]: readonly tf.Tensor[],
  dy: tf.Tensor,
  ints: Ints,
  wanted: readonly boolean[],
) {
  const inputs = [x, dy, ...weights];
  const any = weights.some((_, i) => wanted[1 + i]);
  const made = any ? runMany(`${kind}Filter`, inputs, weights.length, { ints }) : [];
  return [() => run(`${kind}Input`, inputs, { ints }), ...weights.map((_, i) => () => made[i])];
}

function plain(kind: Kind, x: Tensor5D, weights: Weights, step: Stepping): Tensor5D {
  const ints = { N: weights.length, stride: step.stride, dilation: step.dilation, activate: 0 };
  const inputs = [x, ...weights];
  return record({
    inputs,
    forward: () => ({ y: run(kind, inputs, { ints }), saved: inputs }),
    gradient: (dy, saved, wanted) => gradients(kind, saved, dy, ints, wanted),
  });
}

function unit(kind: Kind, x: Tensor5D, weights: Weights, step: Stepping, affine?: Affine): Tensor5D {
  const ints = { N: weights.length, stride: step.stride, dilation: step.dilation, activate: 1 };
  const gamma = orNothing(affine?.gamma);
  return record({
    inputs: [x, ...weights, ...affineInputs(affine)],
    forward: () => {
      const inputs = [x, gamma, orNothing(affine?.beta), ...weights];
      const [y, kept, stats] = runMany(`${kind}Unit`, inputs, 3, { ints, floats: { epsilon: EPSILON } });
      return { y, saved: [affine ? kept : y, stats, gamma, x, ...weights] as const };
    },
    gradient: (dy, [kept, stats, gamma, ...inputs], wanted) => {
      const [dConv, sums] = runMany('ScnasInstanceNormGradient', [dy, kept, stats, gamma], 2).map(shared);
      return [...gradients(kind, inputs, dConv, ints, wanted), ...affineGradients(sums, affine)];
    },
  });
}

const half: Stepping = { stride: 2, dilation: 1 };

/** See {@link Kernels.conv3d}. */
export const conv3d = (x: Tensor5D, w: tf.Tensor5D, step: Stepping) => plain('ScnasConv3d', x, [w], step);

/** See {@link Kernels.separable}. */
export const separable = (x: Tensor5D, depthwise: tf.Tensor4D, pointwise: tf.Tensor2D, step: Stepping) =>
  plain('ScnasSeparable', x, [depthwise, pointwise], step);

/** See {@link Kernels.factorizedReduce}. */
export const factorizedReduce = (x: Tensor5D, even: tf.Tensor2D, odd: tf.Tensor2D) =>
  plain('ScnasReduce', x, [even, odd], half);

/** See {@link Kernels.convUnit}. */
export const convUnit = (x: Tensor5D, w: tf.Tensor5D, step: Stepping, affine?: Affine) =>
  unit('ScnasConv3d', x, [w], step, affine);

/** See {@link Kernels.separableUnit}. */
export const separableUnit = (
  x: Tensor5D,
  depthwise: tf.Tensor4D,
  pointwise: tf.Tensor2D,
  step: Stepping,
  affine?: Affine,
) => unit('ScnasSeparable', x, [depthwise, pointwise], step, affine);

/** See {@link Kernels.reduceUnit}. */
export const reduceUnit = (x: Tensor5D, even: tf.Tensor2D, odd: tf.Tensor2D, affine?: Affine) =>
  unit('ScnasReduce', x, [even, odd], half, affine);
