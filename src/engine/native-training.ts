/** The ends of a training step on the native kernels: the last layer, the sums of its loss, Adam. */
import type { AdamMoments, AdamStep } from './kernels';
import type { Tensor5D } from './model';
import { record, run, runMany } from './native-op';
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
export function adam({ g, m, v, theta, peak, ...step }: AdamStep): AdamMoments {
  const { rate, beta1, beta2, stabiliser, weightDecay, scales } = step;
  const n = g.length;
  const numbers = tf.tensor1d(
    Float32Array.from([rate, beta1, 1 - beta1, beta2, 1 - beta2, stabiliser, ...scales.flat()]),
  );
  const inputs = [numbers, ...g, ...m, ...v, ...theta, ...(peak ?? [])];
  const floats: Record<string, number> = weightDecay ? { decay: weightDecay } : {};
  const attributes = { ints: { N: n }, floats };
  const out = peak
    ? runMany('ScnasAmsgrad', inputs, 4 * n, attributes)
    : runMany('ScnasAdam', inputs, 3 * n, attributes);
  numbers.dispose();
  const [newM, newV, newTheta, newPeak] = [0, 1, 2, 3].map((k) => out.slice(k * n, (k + 1) * n));
  return { m: newM, v: newV, theta: newTheta, ...(peak ? { peak: newPeak } : {}) };
}
