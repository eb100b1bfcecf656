/** Units as data, and DAGs of them: a kernel set may run a whole DAG as one op. */
import type { Affine, Kernels, Stepping } from './kernels';
import type { Tensor5D } from './model';
import { tf } from './tf';

/** What one of {@link Kernels}' units computes of its input. */
export type KernelUnit =
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

/** A unit of the kernels, or any other function of a tensor. */
export type Unit = KernelUnit | { readonly kind: 'own'; apply(x: Tensor5D): Tensor5D };

/** A unit of node `from` with its place in ẑ, −1 for weight 1. Nodes are counted from the sources on. */
export interface DagTerm<U extends Unit = Unit> {
  readonly from: number;
  readonly unit: U;
  readonly index: number;
}

/** A node: the weighted sum of its terms, at least one. An upsampling stands alone. */
export interface DagNode<U extends Unit = Unit> {
  readonly terms: readonly DagTerm<U>[];
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
    case 'own':
      return unit.apply(x);
  }
}

const known = (nodes: readonly DagNode[]): nodes is readonly DagNode<KernelUnit>[] =>
  nodes.every(({ terms }) => terms.every(({ unit }) => unit.kind !== 'own'));

/**
 * The output nodes' channels of a DAG side by side: as one op where the kernels have one and know every unit, else unit by unit.
 * @param k the kernels to run it on
 * @param sources the tensors that the nodes begin from
 * @param nodes in an order in which each reads sources and earlier nodes only
 * @param zHat ẑ, the weights that the terms' places are in
 */
export function runDag(
  k: Kernels,
  sources: readonly Tensor5D[],
  nodes: readonly DagNode[],
  zHat?: tf.Tensor1D,
): Tensor5D {
  if (k.dag && known(nodes)) return k.dag(sources, nodes, zHat);
  const values = [...sources];
  for (const { terms } of nodes) {
    const made = terms.map(({ from, unit, index }) => ({ value: applyUnit(k, unit, values[from]), index }));
    const alone = made.length === 1 && made[0].index < 0;
    values.push(alone ? made[0].value : k.weightedSum(made, zHat));
  }
  return tf.concat(
    values.slice(sources.length).filter((_, i) => nodes[i].output),
    4,
  );
}
