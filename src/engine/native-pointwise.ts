/** LeakyReLU, InstanceNorm and the weighted sum on the native kernels. */
import { fail } from './errors';
import type { Affine, Term } from './kernels';
import { EPSILON, SLOPE, type Tensor5D } from './model';
import { orNothing, record, run, runMany, shared } from './native-op';
import { tf } from './tf';

/** See {@link Kernels.leakyRelu}. */
export function leakyRelu(x: Tensor5D): Tensor5D {
  const floats = { slope: SLOPE };
  return record({
    inputs: [x],
    forward: () => ({ y: run('ScnasLeakyRelu', [x], { floats }), saved: [x] as const }),
    gradient: (dy, [x]) => [() => run('ScnasLeakyReluGradient', [dy, x], { floats })],
  });
}

/** The affine parameters as inputs of an entry, and their gradients from the sums Σdy, Σdy·x̂ [2, batch, channels]. */
export const affineInputs = (affine?: Affine): tf.Tensor1D[] => (affine ? [affine.gamma, affine.beta] : []);
export function affineGradients(sums: tf.Tensor, affine?: Affine): (() => tf.Tensor)[] {
  const row = (at: number) => tf.sum(tf.squeeze(tf.slice(sums, at, 1), [0]), 0);
  return affine ? [() => row(1), () => row(0)] : [];
}

/** See {@link Kernels.instanceNorm}. */
export function instanceNorm(x: Tensor5D, affine?: Affine): Tensor5D {
  const gamma = orNothing(affine?.gamma);
  return record({
    inputs: [x, ...affineInputs(affine)],
    forward: () => {
      const inputs = [x, gamma, orNothing(affine?.beta)];
      const [y, stats] = runMany('ScnasInstanceNorm', inputs, 2, { floats: { epsilon: EPSILON } });
      return { y, saved: [affine ? x : y, stats, gamma] as const };
    },
    gradient: (dy, [kept, stats, gamma]) => {
      const [dx, sums] = runMany('ScnasInstanceNormGradient', [dy, kept, stats, gamma], 2).map(shared);
      return [() => dx.clone(), ...affineGradients(sums, affine)];
    },
  });
}

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
  const ints = { N: values.length };
  if (!zHat) {
    return record({
      inputs: values,
      forward: () => ({
        y: run('ScnasWeightedSum', [orNothing(), places([]), ...values], { ints }),
        saved: [] as const,
      }),
      gradient: (dy) => values.map(() => () => dy.clone()),
    });
  }
  const index = terms.map((term) => term.index);
  return record({
    inputs: [zHat, ...values],
    forward: () => ({
      y: run('ScnasWeightedSum', [zHat, places(index), ...values], { ints }),
      saved: [zHat, ...values] as const,
    }),
    gradient: (dy, [zHat, ...values]) => [
      () => run('ScnasWeightedSumDots', [dy, zHat, places(index), ...values], { ints }),
      ...index.map((place) => () => run('ScnasScale', [dy, zHat], { ints: { index: place } })),
    ],
  });
}

const places = (index: readonly number[]) => tf.tensor1d([...index], 'int32');
