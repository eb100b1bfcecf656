/** The ends of a training step on the native kernels: the last layer, the sums of its loss, Adam. */
import type { AdamMoments, AdamStep } from './kernels';
import type { Tensor5D } from './model';
import { record, run } from './native-op';
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

/** See {@link Kernels.adam}: writes over the moments and values. */
export function adam({ g, m, v, theta, peak, ...step }: AdamStep): AdamMoments {
  const { rate, beta1, beta2, stabiliser, weightDecay, scales } = step;
  const numbers = tf.tensor1d(
    Float32Array.from([rate, beta1, 1 - beta1, beta2, 1 - beta2, stabiliser, ...scales.flat()]),
  );
  const inputs = [numbers, ...g, ...m, ...v, ...theta, ...(peak ?? [])];
  const floats: Record<string, number> = weightDecay ? { decay: weightDecay } : {};
  const done = run(peak ? 'ScnasAmsgrad' : 'ScnasAdam', inputs, { ints: { N: g.length }, floats });
  tf.dispose([numbers, done]);
  return { m, v, theta, ...(peak ? { peak } : {}) };
}
