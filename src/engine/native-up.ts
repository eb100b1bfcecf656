/** What the peers have beside convolutions, on the native kernels: the transposed convolution on the way up, an attention gate's product. */
import type { Tensor5D } from './model';
import { record, run, runMany, shared } from './native-op';
import type { tf } from './tf';

/** See {@link Kernels.upUnit}. */
export function upUnit(x: Tensor5D, w: tf.Tensor5D): Tensor5D {
  return record({
    inputs: [x, w],
    forward: () => ({ y: run('ScnasUp', [x, w]), saved: [x, w] as const }),
    gradient: (dy, saved) => [
      () => run('ScnasUpInput', [dy, ...saved]),
      () => run('ScnasUpFilter', [dy, ...saved]),
    ],
  });
}

/** See {@link Kernels.gate}. */
export function gate(x: Tensor5D, a: Tensor5D): Tensor5D {
  return record({
    inputs: [x, a],
    forward: () => ({ y: run('ScnasGate', [x, a]), saved: [x, a] as const }),
    gradient: (dy, saved) => {
      const [dx, da] = runMany('ScnasGateGradient', [dy, ...saved], 2).map(shared);
      return [() => dx.clone(), () => da.clone()];
    },
  });
}
