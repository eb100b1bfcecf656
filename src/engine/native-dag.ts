/**
 * Chains of DAGs of units, a native op each: no tensor is copied or added up between units, and nothing is dispatched for each. A chain is one
 * entry on the tape, so that it adds up a value's gradients in place, where tfjs would make a new tensor for each sum.
 */
import type { Stepping } from './kernels';
import { EPSILON, type Tensor5D } from './model';
import { orNothing, record, runMany } from './native-op';
import { tf } from './tf';
import type { KernelUnit, Stage } from './unit';

/** The kinds of native/dag.h, in its order. */
const kinds = [
  'conv',
  'separable',
  'reduce',
  'max',
  'avg',
  'identity',
  'upsample',
  'corners',
  'zero',
] as const;

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

function stepOf(unit: KernelUnit): Stepping {
  if (unit.kind === 'conv' || unit.kind === 'separable') return unit.step;
  return { stride: unit.kind === 'reduce' ? 2 : 'stride' in unit ? unit.stride : 1, dilation: 1 };
}

/** How many tensors hold what the backward pass needs; `Dag::blocks` of native/dag.h. */
const BLOCKS = 4;

/** A stage's op: the program of native/dag.h, the values that it reads, each once, and where its weights are among the chain's. */
interface Compiled {
  readonly program: Int32Array;
  readonly reads: readonly number[];
  readonly weights: { readonly begin: number; readonly end: number };
}

/** The stages' ops, and all their weights in order. */
function compile(stages: readonly Stage<KernelUnit>[]) {
  const weights: tf.Tensor[] = [];
  const compiled = stages.map(({ sources, nodes }): Compiled => {
    const begin = weights.length;
    const reads = [...new Set(sources)];
    const place = (from: number) =>
      from < sources.length ? reads.indexOf(sources[from]) : from - sources.length + reads.length;
    const program: number[] = [nodes.length];
    for (const { terms, output } of nodes) {
      program.push(output ? 1 : 0, terms.length);
      for (const { from, unit, index } of terms) {
        const { stride, dilation } = stepOf(unit);
        const affine = 'affine' in unit && unit.affine ? 1 : 0;
        const norm = unit.kind === 'pool' && unit.norm ? 1 : 0;
        program.push(
          place(from),
          kindOf(unit),
          stride,
          dilation,
          affine,
          norm,
          weights.length - begin,
          index,
        );
        weights.push(...weightsOf(unit));
      }
    }
    return { program: Int32Array.from(program), reads, weights: { begin, end: weights.length } };
  });
  return { compiled, weights };
}

/** What the ops of a chain read. Values are what the chain was given, then the stages' results so far. */
interface Data {
  readonly z: tf.Tensor1D;
  readonly values: readonly tf.Tensor[];
  readonly weights: readonly tf.Tensor[];
}

/** The inputs that a stage's op and its gradient share, and their numbers. */
function inputsOf({ program, reads, weights: { begin, end } }: Compiled, { z, values, weights }: Data) {
  const code = tf.tensor1d(program, 'int32');
  return {
    code,
    inputs: [code, z, ...reads.map((at) => values[at]), ...weights.slice(begin, end)],
    sizes: { S: reads.length, N: end - begin },
  };
}

/** A stage's result, and with `keep` the tensors that its backward pass needs. */
function forwardStage(stage: Compiled, data: Data, keep: boolean) {
  const { code, inputs, sizes } = inputsOf(stage, data);
  const K = keep ? BLOCKS : 1;
  const ints = { ...sizes, K, keep: keep ? 1 : 0 };
  const [y, ...state] = runMany('ScnasDag', inputs, 2 + K, { ints, floats: { epsilon: EPSILON } });
  code.dispose();
  if (keep) return { y, state };
  tf.dispose(state);
  return { y, state: [] };
}

/** Gradients so far: by ẑ, by each value, by each weight; undefined: none yet, or not wanted. */
interface Sums {
  z: tf.Tensor | undefined;
  readonly values: (tf.Tensor | undefined)[];
  readonly weights: (tf.Tensor | undefined)[];
}

/** Which of them are wanted. */
interface Wanted {
  readonly z: boolean;
  readonly values: readonly boolean[];
  readonly weights: readonly boolean[];
}

/**
 * Of the gradients those that are asked for, and those of the stages' results on the way to them.
 * @param asked of ẑ if there is one, of what was given, the last first, of the weights
 */
function wantedOf(
  stages: readonly Compiled[],
  asked: readonly boolean[],
  given: number,
  hasZ: boolean,
): Wanted {
  const first = (hasZ ? 1 : 0) + given;
  const z = hasZ && asked[0];
  const values = asked.slice(first - given, first).reverse();
  const weights = asked.slice(first);
  for (const { reads, weights: own } of stages)
    values.push(z || weights.slice(own.begin, own.end).includes(true) || reads.some((at) => values[at]));
  return { z, values, weights };
}

/** Adds a stage's gradients to the sums, in place; g is that of its result y. */
function backwardStage(
  stage: Compiled,
  data: Data,
  {
    y,
    g,
    state: [stats, ...blocks],
  }: { readonly y: tf.Tensor; readonly g: tf.Tensor; readonly state: readonly tf.Tensor[] },
  sums: Sums,
  wanted: Wanted,
): void {
  const { code, inputs, sizes } = inputsOf(stage, data);
  const { reads, weights } = stage;
  const W = wanted.weights.slice(weights.begin, weights.end).includes(true) ? sizes.N : 0;
  const ints = {
    ...sizes,
    W,
    K: BLOCKS,
    want_z: wanted.z ? 1 : 0,
    want_sources: reads.reduce((bits, at, i) => (wanted.values[at] ? bits | (1 << i) : bits), 0),
  };
  const before = [sums.z, ...reads.map((at) => sums.values[at])];
  const all = [g, y, stats, ...inputs, ...blocks, ...before.map((sum) => sum ?? orNothing())];
  const [z, ...made] = runMany('ScnasDagGradient', all, 1 + reads.length + W, { ints });
  tf.dispose([code, ...before.filter((sum) => sum !== undefined)]);
  if (wanted.z) sums.z = z;
  reads.forEach((at, i) => {
    if (wanted.values[at]) sums.values[at] = made[i];
  });
  for (let i = 0; i < W; i++) sums.weights[weights.begin + i] = made[reads.length + i];
}

/** See {@link Kernels.chain}. */
export function chain(
  given: readonly Tensor5D[],
  stages: readonly Stage<KernelUnit>[],
  zHat?: tf.Tensor1D,
  recompute = false,
): Tensor5D {
  const { compiled, weights } = compile(stages);
  const count = given.length;
  /** Whether any stage from the i-th on reads a value. */
  const readFrom = (i: number, value: number) => compiled.slice(i).some(({ reads }) => reads.includes(value));

  return record({
    // What was given last comes first: a tape of single units, read backwards, adds up the gradients of a tensor that is there twice in this order.
    inputs: [...(zHat ? [zHat] : []), ...[...given].reverse(), ...weights],
    forward: (wanted) => {
      const keep = wanted.includes(true);
      const data = { z: orNothing(zHat), values: [...given] as tf.Tensor[], weights };
      const states = compiled.map((stage, i) => {
        const { y, state } = forwardStage(stage, data, keep && !recompute);
        data.values.push(y);
        if (!keep)
          for (const at of stage.reads) if (at >= count && !readFrom(i + 1, at)) data.values[at].dispose();
        return state;
      });
      const y = data.values[count + compiled.length - 1];
      return { y, saved: keep ? [data.z, ...data.values, ...weights, ...states.flat()] : [] };
    },
    gradient: (dy, saved, asked) => {
      const ends = count + compiled.length + 1;
      const values = saved.slice(1, ends);
      const states = saved.slice(ends + weights.length);
      const data: Data = {
        z: saved[0] as tf.Tensor1D,
        values,
        weights: saved.slice(ends, ends + weights.length),
      };
      const wanted = wantedOf(compiled, asked, count, zHat !== undefined);
      const sums: Sums = {
        z: undefined,
        values: values.map(() => undefined),
        weights: weights.map(() => undefined),
      };
      sums.values[values.length - 1] = dy;
      for (let i = compiled.length - 1; i >= 0; i--) {
        const stage = compiled[i];
        const y = values[count + i];
        const g = sums.values[count + i] ?? tf.zerosLike(y);
        const again = recompute ? forwardStage(stage, data, true) : undefined;
        again?.y.dispose();
        const state = again?.state ?? states.slice(i * (1 + BLOCKS), (i + 1) * (1 + BLOCKS));
        backwardStage(stage, data, { y, g, state }, sums, wanted);
        tf.dispose([y, ...state, ...(g === dy ? [] : [g])]);
      }
      const made = [...(zHat ? [sums.z] : []), ...sums.values.slice(0, count).reverse(), ...sums.weights];
      return made.map((gradient) => () => gradient as tf.Tensor);
    },
  });
}
