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
  | { readonly kind: 'identity' }
  | { readonly kind: 'zero'; readonly stride: 1 | 2 };

/** A unit of the kernels, or any other function of a tensor. */
export type Unit = KernelUnit | { readonly kind: 'own'; apply(x: Tensor5D): Tensor5D };

/** A unit of node `from` with its place in ẑ, −1 for weight 1. Nodes are counted from the sources on. */
export interface DagTerm<U extends Unit = Unit> {
  readonly from: number;
  readonly unit: U;
  readonly index: number;
}

/** A node: the weighted sum of its terms, at least one. An upsampling or zero stands alone. */
export interface DagNode<U extends Unit = Unit> {
  readonly terms: readonly DagTerm<U>[];
  /** Whether its channels are part of the result. */
  readonly output: boolean;
}

/**
 * A DAG in a chain: the values that it begins from (what the chain is given is counted first, then the results of the stages before), and its nodes.
 */
export interface Stage<U extends Unit = Unit> {
  readonly sources: readonly number[];
  readonly nodes: readonly DagNode<U>[];
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
    case 'zero':
      return zeros(x, unit.stride);
    case 'own':
      return unit.apply(x);
  }
}

/** What nothing adds up to, where every stride-th voxel of x would be read. */
function zeros({ shape: [n, x, y, z, c] }: Tensor5D, stride: 1 | 2): Tensor5D {
  const sides = [x, y, z].map((side) => Math.ceil(side / stride)) as [number, number, number];
  return tf.zeros([n, ...sides, c]);
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
  if (k.chain && known(nodes)) return k.chain(sources, [{ sources: sources.map((_, i) => i), nodes }], zHat);
  const values = [...sources];
  for (const { terms } of nodes) {
    const made = terms.map(({ from, unit, index }) => ({ value: applyUnit(k, unit, values[from]), index }));
    const weighted = made.some(({ index }) => index >= 0);
    const alone = made.length === 1 && !weighted;
    values.push(alone ? made[0].value : k.weightedSum(made, weighted ? zHat : undefined));
  }
  return tf.concat(
    values.slice(sources.length).filter((_, i) => nodes[i].output),
    4,
  );
}

/**
 * The last stage's result of a chain of DAGs: as one entry on the tape where the kernels have one and know every unit, else stage by stage.
 * @param k the kernels to run it on
 * @param given the chain's own inputs
 * @param stages in an order in which each reads what is given and earlier results only
 * @param zHat ẑ, the weights that the terms' places are in
 * @param recompute keep the stages' results only, and compute what is in them anew in the backward pass
 * @param alone runs the i-th stage on its sources where the kernels have no chain; it sees to recomputation itself
 */
export function runChain(
  k: Kernels,
  given: readonly Tensor5D[],
  stages: readonly Stage[],
  { zHat, recompute }: { readonly zHat?: tf.Tensor1D; readonly recompute?: boolean },
  alone: (i: number, sources: readonly Tensor5D[]) => Tensor5D,
): Tensor5D {
  if (k.chain && allKnown(stages)) return k.chain(given, stages, zHat, recompute);
  const values = [...given];
  stages.forEach(({ sources }, i) => {
    values.push(
      alone(
        i,
        sources.map((at) => values[at]),
      ),
    );
  });
  return values[values.length - 1];
}

const allKnown = (stages: readonly Stage[]): stages is readonly Stage<KernelUnit>[] =>
  stages.every(({ nodes }) => known(nodes));
