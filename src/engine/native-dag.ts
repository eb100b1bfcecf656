/** A DAG of units as one native op: no tensor is copied or added up between them, and nothing is dispatched for each. */
import { EPSILON, type Tensor5D } from './model';
import { orNothing, record, runMany } from './native-op';
import { tf } from './tf';
import type { DagNode, KernelUnit } from './unit';

/** The kinds of native/dag.h, in its order. */
const kinds = ['conv', 'separable', 'reduce', 'max', 'avg', 'identity', 'upsample', 'corners'] as const;

function kindOf(unit: KernelUnit): number {
  if (unit.kind === 'pool') return kinds.indexOf(unit.pool);
  if (unit.kind === 'upsample') return kinds.indexOf(unit.alignCorners ? 'corners' : 'upsample');
  return kinds.indexOf(unit.kind);
}

/** A unit's tensors in the order of native/dag.h. */
function weightsOf(unit: KernelUnit): readonly tf.Tensor[] {
  const affine = 'affine' in unit && unit.affine ? [unit.affine.gamma, unit.affine.beta] : [];
  if (unit.kind === 'conv') return [unit.w, ...affine];
  if (unit.kind === 'separable') return [unit.depthwise, unit.pointwise, ...affine];
  return unit.kind === 'reduce' ? [unit.even, unit.odd, ...affine] : [];
}

const stepOf = (unit: KernelUnit) =>
  unit.kind === 'conv' || unit.kind === 'separable'
    ? unit.step
    : { stride: unit.kind === 'reduce' ? 2 : unit.kind === 'pool' ? unit.stride : 1, dilation: 1 };

/** How many tensors hold what the backward pass needs; `Dag::blocks` of native/dag.h. */
const BLOCKS = 4;

/** The program of native/dag.h, and the weights in its order. */
function compile(nodes: readonly DagNode<KernelUnit>[]) {
  const weights: tf.Tensor[] = [];
  const program: number[] = [nodes.length];
  for (const { terms, output } of nodes) {
    program.push(output ? 1 : 0, terms.length);
    for (const { from, unit, index } of terms) {
      const own = weightsOf(unit);
      const { stride, dilation } = stepOf(unit);
      const affine = 'affine' in unit && unit.affine ? 1 : 0;
      const norm = unit.kind === 'pool' && unit.norm ? 1 : 0;
      program.push(from, kindOf(unit), stride, dilation, affine, norm, weights.length, index);
      weights.push(...own);
    }
  }
  return { program: Int32Array.from(program), weights };
}

/** See {@link Kernels.dag}. */
export function dag(
  sources: readonly Tensor5D[],
  nodes: readonly DagNode<KernelUnit>[],
  zHat?: tf.Tensor1D,
): Tensor5D {
  const { program, weights } = compile(nodes);
  const ints = { S: sources.length, N: weights.length, K: BLOCKS };
  const z = zHat ? [zHat] : [];
  const count = sources.length;
  // The last source first: a tape of single units, read backwards, adds up the gradients of a tensor that is several sources in this order.
  const places = {
    source: (i: number) => z.length + count - 1 - i,
    weight: (i: number) => z.length + count + i,
  };
  return record({
    inputs: [...z, ...[...sources].reverse(), ...weights],
    forward: (wanted) => {
      const keep = wanted.includes(true);
      const code = tf.tensor1d(program, 'int32');
      const attributes = {
        ints: { ...ints, K: keep ? BLOCKS : 1, keep: keep ? 1 : 0 },
        floats: { epsilon: EPSILON },
      };
      const inputs = [code, orNothing(zHat), ...sources, ...weights];
      const [y, stats, ...state] = runMany('ScnasDag', inputs, 2 + attributes.ints.K, attributes);
      return { y, saved: [y, stats, ...inputs, ...state] };
    },
    gradient: (dy, saved, wanted) => {
      const W = weights.some((_, i) => wanted[places.weight(i)]) ? weights.length : 0;
      const flags = {
        W,
        want_z: zHat && wanted[0] ? 1 : 0,
        want_sources: sources.reduce((bits, _, i) => (wanted[places.source(i)] ? bits | (1 << i) : bits), 0),
      };
      const made = runMany('ScnasDagGradient', [dy, ...saved], 1 + count + W, {
        ints: { ...ints, ...flags },
      });
      const ordered = [
        ...(zHat ? [made[0]] : []),
        ...made.slice(1, 1 + count).reverse(),
        ...made.slice(1 + count),
      ];
      return ordered.map((gradient) => () => gradient);
    },
  });
}
