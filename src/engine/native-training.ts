/** What a training step does beside the network, on the native kernels. */
import type { AdamStep } from './kernels';
import { runMany } from './native-op';
import { tf } from './tf';

/** See {@link Kernels.adam}. */
export function adam({ g, m, v, theta, rate, beta1, beta2, stabiliser, scales }: AdamStep) {
  const n = g.length;
  const numbers = tf.tensor1d(
    Float32Array.from([rate, beta1, 1 - beta1, beta2, 1 - beta2, stabiliser, ...scales.flat()]),
  );
  const out = runMany('ScnasAdam', [numbers, ...g, ...m, ...v, ...theta], 3 * n, { ints: { N: n } });
  numbers.dispose();
  return { m: out.slice(0, n), v: out.slice(n, 2 * n), theta: out.slice(2 * n) };
}
