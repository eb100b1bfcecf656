/** Units as data, so that a kernel set can run a whole DAG of them as one op. */
import type { Affine, Kernels, Stepping } from './kernels';
import type { Tensor5D } from './model';
import type { tf } from './tf';

/** What one of {@link Kernels}' units computes of its input. */
export type Unit =
  | { readonly kind: 'conv'; readonly w: tf.Tensor5D; readonly step: Stepping; readonly affine?: Affine }
  | {
      readonly kind: 'separable';
      readonly depthwise: tf.Tensor4D;
      readonly pointwise: tf.Tensor2D;
      readonly step: Stepping;
      readonly affine?: Affine;
    }
  | {
      readonly kind: 'reduce';
      readonly even: tf.Tensor2D;
      readonly odd: tf.Tensor2D;
      readonly affine?: Affine;
    }
  | {
      readonly kind: 'pool';
      readonly pool: 'max' | 'avg';
      readonly stride: 1 | 2;
      readonly norm: boolean;
    }
  | { readonly kind: 'upsample'; readonly alignCorners: boolean }
  | { readonly kind: 'identity' };

/** A unit of node `from` with its place in ẑ, −1 for weight 1. Nodes are counted from the sources on. */
export interface DagTerm {
  readonly from: number;
  readonly unit: Unit;
  readonly index: number;
}

/** A node: the weighted sum of its terms, at least one. An upsampling stands alone. */
export interface DagNode {
  readonly terms: readonly DagTerm[];
  /** Whether its channels are part of the result. */
  readonly output: boolean;
}

/**
 * The result of one unit.
 * @param k the kernels to run it on
 * @param unit what to compute
 * @param x its input [n, x, y, z, channels]
 */
export function applyUnit(k: Kernels, unit: Unit, x: Tensor5D): Tensor5D {
  switch (unit.kind) {
    case 'conv':
      return k.convUnit(x, unit.w, unit.step, unit.affine);
    case 'separable':
      return k.separableUnit(x, unit.depthwise, unit.pointwise, unit.step, unit.affine);
    case 'reduce':
      return k.reduceUnit(x, unit.even, unit.odd, unit.affine);
    case 'pool':
      return k.poolUnit(x, unit.pool, unit.stride, unit.norm);
    case 'upsample':
      return k.upsample(x, unit.alignCorners);
    case 'identity':
      return x;
  }
}
