/** LeakyReLU, InstanceNorm and the weighted sum, each with a gradient of few ops. */

import { fail } from './errors';
import type { Affine, Term } from './kernels';
import { EPSILON, SLOPE, type Tensor5D } from './model';
import { define, raw } from './portable-op';
import { tf } from './tf';

/**
 * Sum over x, y, z, and over the samples if asked, one axis at a time, each kept with size 1: one float32 sum over a whole volume
 * loses digits, a few short ones after each other do not.
 */
export function sumOver(x: tf.Tensor, samples = false): tf.Tensor {
  const axes = samples ? [3, 2, 1, 0] : [3, 2, 1];
  return tf.tidy(() => axes.reduce<tf.Tensor>((sum, axis) => tf.sum(sum, axis, true), x));
}

/** Mean over x, y, z of each sample and channel. */
const mean = (x: tf.Tensor) =>
  tf.div(
    sumOver(x),
    x.shape.slice(1, 4).reduce((a, b) => a * b, 1),
  );

const leaky = define<Record<string, never>>({
  name: 'PortableLeakyRelu',
  forward: ([x]) => [raw('LeakyRelu', { floats: { alpha: SLOPE } }, [x])],
  // The output has the input's sign, and is saved by the convolution that follows anyway.
  saveInputs: [],
  saveOutputs: [0],
  gradient: (dy, [y]) => [() => raw('LeakyReluGrad', { floats: { alpha: SLOPE } }, [dy, y])],
});

/** See {@link Kernels.leakyRelu}. */
export function leakyRelu(x: Tensor5D): Tensor5D {
  return leaky([x], {})[0] as Tensor5D;
}

const norm = define<Record<string, never>>({
  name: 'PortableInstanceNorm',
  /** x̂ = (x − mean) · r with r = 1 / √(variance + ε); outputs x̂ and r. */
  forward: ([x]) => {
    const centred = tf.sub(x, mean(x));
    const r = tf.rsqrt(tf.add(mean(tf.square(centred)), EPSILON));
    return [tf.mul(centred, r), r];
  },
  saveInputs: [],
  saveOutputs: [0, 1],
  /** dx = r · (dy − mean(dy) − x̂ · mean(dy · x̂)). */
  gradient: (dy, [y, r]) => [
    () => {
      const along = tf.mul(y, mean(tf.mul(dy, y)));
      return tf.mul(r, tf.sub(tf.sub(dy, mean(dy)), along));
    },
  ],
});

const affine = define<Record<string, never>>({
  name: 'PortableAffine',
  forward: ([x, gamma, beta]) => [tf.add(tf.mul(x, gamma), beta)],
  saveInputs: [0, 1],
  gradient: (dy, [x, gamma]) => [
    () => tf.mul(dy, gamma),
    () => tf.reshape(sumOver(tf.mul(dy, x), true), gamma.shape),
    () => tf.reshape(sumOver(dy, true), gamma.shape),
  ],
});

/** See {@link Kernels.instanceNorm}. */
export function instanceNorm(x: Tensor5D, parameters?: Affine): Tensor5D {
  const [normal, r] = norm([x], {});
  r.dispose();
  if (!parameters) return normal as Tensor5D;
  const [y] = affine([normal, parameters.gamma, parameters.beta], {});
  normal.dispose();
  return y as Tensor5D;
}

const bias = define<Record<string, never>>({
  name: 'PortableBias',
  forward: ([x, b]) => [tf.add(x, b)],
  saveInputs: [1],
  gradient: (dy, [b]) => [() => dy.clone(), () => tf.reshape(sumOver(dy, true), b.shape)],
});

/** x + b, b [channels]. */
export const addBias = (x: Tensor5D, b: tf.Tensor1D) => bias([x, b], {})[0] as Tensor5D;

const gating = define<Record<string, never>>({
  name: 'PortableGate',
  forward: ([x, a]) => [tf.mul(x, tf.sigmoid(a))],
  gradient: (dy, [x, a]) => [
    () => tf.mul(dy, tf.sigmoid(a)),
    () => {
      const s = tf.sigmoid(a);
      return tf.mul(tf.sum(tf.mul(dy, x), 4, true), tf.mul(s, tf.sub(1, s)));
    },
  ],
});

/** See {@link Kernels.gate}. */
export function gate(x: Tensor5D, a: Tensor5D): Tensor5D {
  return gating([x, a], {})[0] as Tensor5D;
}

const mix = define<{ indices: readonly number[] }>({
  name: 'PortableWeightedSum',
  /** Inputs ẑ, then the values. */
  forward: ([zHat, ...values], { indices }) => [
    tf.addN(values.map((value, k) => tf.mul(value, tf.slice(zHat, indices[k], 1)))),
  ],
  gradient: (dy, [zHat, ...values], { indices }) => [
    () => {
      const dots = tf.stack(values.map((value) => tf.sum(sumOver(tf.mul(dy, value)))));
      const places = tf.tensor1d([...indices], 'int32');
      return tf.unsortedSegmentSum(dots, places, zHat.size);
    },
    ...values.map((_, k) => () => tf.mul(dy, tf.slice(zHat, indices[k], 1))),
  ],
});

/** See {@link Kernels.weightedSum}. */
export function weightedSum(terms: readonly Term[], zHat?: tf.Tensor1D): Tensor5D {
  if (terms.length === 0)
    fail({
      where: 'weightedSum',
      expected: 'at least one term',
      found: 'none',
      next: 'use zeros for an empty sum',
    });
  const values = terms.map(({ value }) => value);
  if (!zHat) return values.length === 1 ? values[0].clone() : tf.addN(values);
  return mix([zHat, ...values], { indices: terms.map(({ index }) => index) })[0] as Tensor5D;
}
