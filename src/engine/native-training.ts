/** The ends of a training step on the native kernels: the last layer, the sums of its loss, Adam. */
import type { AdamMoments, AdamStep } from './kernels';
import type { Tensor5D } from './model';
import { record, run, runMany } from './native-op';
import { adam as portableAdam } from './portable-training';
import { tf } from './tf';

/** See {@link Kernels.outUnit}. */
export function outUnit(x: Tensor5D, w: tf.Tensor5D, bias: tf.Tensor1D): Tensor5D {
  return record({
    inputs: [x, w, bias],
    forward: () => ({ y: run('ScnasOut', [x, w, bias]), saved: [x, w] as const }),
    gradient: (dy, [x, w]) => [
      () => run('ScnasOutInput', [dy, x, w]),
      () => run('ScnasOutFilter', [dy, x]),
      () => run('ScnasOutBias', [dy]),
    ],
  });
}

/** See {@link Kernels.jaccardSums}. */
export function jaccardSums(logits: Tensor5D, labels: tf.Tensor4D): tf.Tensor3D {
  return record({
    inputs: [logits],
    forward: () => ({ y: run('ScnasJaccardSums', [logits, labels]), saved: [logits, labels] as const }),
    gradient: (dy, [logits, labels]) => [() => run('ScnasJaccardGradient', [dy, logits, labels])],
  });
}

/** See {@link Kernels.adam}. */
export function adam(step: AdamStep): AdamMoments {
  if (step.peak || step.weightDecay) return portableAdam(step);
  const { g, m, v, theta, rate, beta1, beta2, stabiliser, scales } = step;
  const n = g.length;
  const numbers = tf.tensor1d(
    Float32Array.from([rate, beta1, 1 - beta1, beta2, 1 - beta2, stabiliser, ...scales.flat()]),
  );
  const out = runMany('ScnasAdam', [numbers, ...g, ...m, ...v, ...theta], 3 * n, { ints: { N: n } });
  numbers.dispose();
  return { m: out.slice(0, n), v: out.slice(n, 2 * n), theta: out.slice(2 * n) };
}
