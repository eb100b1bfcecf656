/** Pooling and upsampling on the native kernels. */
import { EPSILON, type Tensor5D } from './model';
import { orNothing, record, run, runMany, shared } from './native-op';

/** See {@link Kernels.poolUnit}. */
export function poolUnit(x: Tensor5D, kind: 'max' | 'avg', stride: 1 | 2, norm: boolean): Tensor5D {
  const ints = { stride, kind: kind === 'max' ? 1 : 0 };
  const [, d, h, w] = x.shape;
  return record({
    inputs: [x],
    forward: () => {
      const attributes = { ints: { ...ints, norm: norm ? 1 : 0 }, floats: { epsilon: EPSILON } };
      const [y, codes, stats] = runMany('ScnasPool', [x], 3, attributes);
      return { y, saved: norm ? ([codes, stats, y] as const) : ([codes, stats] as const) };
    },
    gradient: (dy, [codes, stats, y]) => {
      const inputs = () => [dy, y ?? dy, stats, orNothing()];
      const dPool = norm ? runMany('ScnasInstanceNormGradient', inputs(), 2).map(shared)[0] : dy;
      return [() => run('ScnasPoolGradient', [dPool, codes], { ints: { ...ints, d, h, w } })];
    },
  });
}

/** See {@link Kernels.pool}: among equal largest values the gradient goes to the first in x, then y, then z order. */
export const pool = (x: Tensor5D, kind: 'max' | 'avg', stride: 1 | 2) => poolUnit(x, kind, stride, false);

/** See {@link Kernels.upsample}. */
export function upsample(x: Tensor5D, alignCorners = false): Tensor5D {
  const attributes = { ints: { corners: alignCorners ? 1 : 0 } };
  return record({
    inputs: [x],
    forward: () => ({ y: run('ScnasUpsample', [x], attributes), saved: [] as const }),
    gradient: (dy) => [() => run('ScnasUpsampleGradient', [dy], attributes)],
  });
}
