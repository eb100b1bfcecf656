/**
 * The kernels that the networks are made of, in two implementations: `portable` (stock TensorFlow) and `native` (ours, for the CPU).
 * This is the one place where one is chosen.
 */

import { fail } from './errors';
import type { Shape3, Tensor5D } from './model';
import { native } from './native';
import { portable } from './portable';
import type { tf } from './tf';
import type { KernelUnit, Stage } from './unit';

/** How a convolution steps: padding is `dilation·(k−1)/2` on both sides, so stride 1 keeps the shape and stride 2 halves it (⌈D/2⌉). */
export interface Stepping {
  readonly stride: 1 | 2;
  readonly dilation: number;
}

/** Scale γ and shift β of an InstanceNorm, [channels] each; absent: no affine part. */
export interface Affine {
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
}

/** One term of a weighted sum: `index` is the term's place in ẑ. */
export interface Term {
  readonly value: Tensor5D;
  readonly index: number;
}

/** Moments and values of the tensors of a step of Adam, in their order. */
export interface AdamMoments {
  readonly m: readonly tf.Tensor[];
  readonly v: readonly tf.Tensor[];
  /** The greatest v so far, which amsgrad divides by instead of v; absent: plain Adam. */
  readonly peak?: readonly tf.Tensor[];
  readonly theta: readonly tf.Tensor[];
}

/** A step of Adam on some tensors: their gradients g, moments m and v, values θ, in one order and of one shape each. */
export interface AdamStep extends AdamMoments {
  readonly g: readonly tf.Tensor[];
  /** η, β₁, β₂, λ of a weight decay that is added to the gradient as λθ, and what is added to the root. */
  readonly rate: number;
  readonly weightDecay?: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly stabiliser: number;
  /** 1 / (1 − β₁ᵗ) and 1 / √(1 − β₂ᵗ) of each tensor's step count t. */
  readonly scales: readonly (readonly [number, number])[];
}

export interface Kernels {
  readonly name: 'portable' | 'native';
  /** Cross-correlation, weights [k, k, k, in, out], k 1 or 3. */
  conv3d(x: Tensor5D, w: tf.Tensor5D, step: Stepping): Tensor5D;
  /** Depthwise 3³ convolution, weights [3, 3, 3, channels], then pointwise [channels, out]; nothing between. */
  separable(x: Tensor5D, depthwise: tf.Tensor4D, pointwise: tf.Tensor2D, step: Stepping): Tensor5D;
  /** 3³ pooling with padding 1; the average does not count the padding. */
  pool(x: Tensor5D, kind: 'max' | 'avg', stride: 1 | 2): Tensor5D;
  /** (x − mean) / √(variance + ε) over x, y, z for each sample and channel, then γ·+β. Biased variance. */
  instanceNorm(x: Tensor5D, affine?: Affine): Tensor5D;
  /** max(x, slope·x). */
  leakyRelu(x: Tensor5D): Tensor5D;
  /** Trilinear ×2; half-pixel centres and clamped edges, or aligned corners. */
  upsample(x: Tensor5D, alignCorners?: boolean): Tensor5D;
  /** Factorized reduce: 1³ stride-2 convolutions of x and of x shifted by one voxel on each axis, concatenated; weights [in, out/2 up], [in, out/2 down]. */
  factorizedReduce(x: Tensor5D, even: tf.Tensor2D, odd: tf.Tensor2D): Tensor5D;

  /** LeakyReLU → conv3d → InstanceNorm, the paper's unit. */
  convUnit(x: Tensor5D, w: tf.Tensor5D, step: Stepping, affine?: Affine): Tensor5D;
  /** LeakyReLU → separable → InstanceNorm. */
  separableUnit(
    x: Tensor5D,
    depthwise: tf.Tensor4D,
    pointwise: tf.Tensor2D,
    step: Stepping,
    affine?: Affine,
  ): Tensor5D;
  /** LeakyReLU → factorizedReduce → InstanceNorm. */
  reduceUnit(x: Tensor5D, even: tf.Tensor2D, odd: tf.Tensor2D, affine?: Affine): Tensor5D;
  /** Pooling, then InstanceNorm without affine part if `norm`. */
  poolUnit(x: Tensor5D, kind: 'max' | 'avg', stride: 1 | 2, norm: boolean): Tensor5D;
  /** Σ ẑ[index]·value over the terms, in their order; without ẑ every weight is 1. Gradients to ẑ and to the values. */
  weightedSum(terms: readonly Term[], zHat?: tf.Tensor1D): Tensor5D;
  /**
   * A chain of DAGs of units: each node the weighted sum of its terms, a stage's result its output nodes' channels side by side, the chain's result
   * the last stage's. Gradients to what is given, to ẑ and to the units' tensors. With `recompute` only the stages' results are kept for them.
   * Without it `runDag` and `runChain` run the units one by one.
   */
  chain?(
    given: readonly Tensor5D[],
    stages: readonly Stage<KernelUnit>[],
    zHat?: tf.Tensor1D,
    recompute?: boolean,
  ): Tensor5D;

  /** Cross-correlation with strides of 1 or 2 along each axis and padding 1, weights [3, 3, 3, in, out]: for nets that halve one axis alone. */
  stridedConv3d(x: Tensor5D, w: tf.Tensor5D, strides: Shape3): Tensor5D;
  /** LeakyReLU → transposed convolution whose strides are its kernel's sides (1 or 2), weights [sx, sy, sz, out, in]: y[s·v + k] = w[k]·x[v]. */
  upUnit(x: Tensor5D, w: tf.Tensor5D): Tensor5D;
  /** x·σ(a), a with one channel: what an attention gate lets through. */
  gate(x: Tensor5D, a: Tensor5D): Tensor5D;

  /** LeakyReLU → conv3d with weights [1, 1, 1, channels, classes] → + bias [classes], the last layer. */
  outUnit(x: Tensor5D, w: tf.Tensor5D, bias: tf.Tensor1D): Tensor5D;
  /**
   * Σ t·p, Σ p², Σ p and Σ t over x, y, z, as [4, batch, classes]; p is the softmax of the logits, t the labels [batch, x, y, z] (int32)
   * one-hot. A label that is no class counts for none. Gradient to the logits.
   */
  jaccardSums(logits: Tensor5D, labels: tf.Tensor4D): tf.Tensor3D;
  /** Mean over voxels and samples of −log softmax(logits) at the label [batch, x, y, z] (int32). Gradient to the logits. */
  crossEntropy(logits: Tensor5D, labels: tf.Tensor4D): tf.Scalar;
  /**
   * g ← g + λθ, m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², θ ← θ − η·scale₁m / (scale₂√v + stabiliser); with `peak`, peak ← max(peak, v)
   * stands for v in the last. Consumes the old moments and values: the result may be the same tensors, written over.
   */
  adam(step: AdamStep): AdamMoments;
}

/** The kernels in use: `SCNAS_KERNELS` if set, else native where it is built and there is no GPU. */
export function kernels(): Kernels {
  const wanted = process.env.SCNAS_KERNELS || undefined;
  if (wanted === undefined) return native ?? portable;
  if (wanted === 'portable') return portable;
  if (wanted === 'native' && native) return native;
  return fail({
    where: 'SCNAS_KERNELS',
    expected: native
      ? '"native" or "portable"'
      : '"portable" (the native kernels are not built, or there is a GPU)',
    found: `"${wanted}"`,
    next: wanted === 'native' ? 'run `node native/build.mjs`, or unset it' : 'set one of these, or unset it',
  });
}
