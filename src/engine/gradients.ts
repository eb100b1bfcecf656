/** Reverse-mode gradients: tfjs's tape, with what it lacks to nest one backward pass in another. */
import { tf } from './tf';

/** Value of a function and its gradients; undefined where it does not depend on a tensor. */
export interface Gradients {
  readonly value: tf.Tensor;
  readonly gradients: readonly (tf.Tensor | undefined)[];
}

/** What gradients are being taken by: their ids, the first id that the function itself made, and what it made without them. */
interface Sought {
  readonly ids: ReadonlySet<number>;
  readonly since: number;
  readonly apart: Set<number>;
}

let sought: Sought | undefined;

/** The id that no tensor so far has reached: they count up. */
function nextId(): number {
  const probe = tf.scalar(0);
  probe.dispose();
  return probe.id;
}

/**
 * Whether each tensor may depend on what gradients are being taken by; true where that is not known.
 * @param tensors inputs of an op that is about to be recorded
 */
export function mayDepend(tensors: readonly tf.Tensor[]): boolean[] {
  const { ids, since, apart } = sought ?? {};
  if (!ids || !apart || since === undefined) return tensors.map(() => true);
  return tensors.map(({ id }) => (id < since ? ids.has(id) : !apart.has(id)));
}

/**
 * Whether a tensor was there before gradients began to be taken, so that it is still there in the backward pass.
 * @param tensor input of an op that is about to be recorded
 */
export const outlives = ({ id }: tf.Tensor): boolean => sought !== undefined && id < sought.since;

/**
 * Remembers that a tensor does not depend on what gradients are being taken by.
 * @param tensor result of an op whose inputs do not
 */
export function standsApart(tensor: tf.Tensor): void {
  sought?.apart.add(tensor.id);
}

/**
 * f() and its gradients by the tensors xs that f reads.
 *
 * tfjs drops the outer tape when a backward pass runs inside another, so the tape is put back afterwards.
 * @param f the function; it reads xs
 * @param xs what to differentiate by
 * @param dy gradient by f's value; default: ones
 */
export function gradients(f: () => tf.Tensor, xs: readonly tf.Tensor[], dy?: tf.Tensor): Gradients {
  const state = (tf.engine() as unknown as { state: { activeTape: unknown } }).state;
  const outer = { tape: state.activeTape, sought };
  sought = { ids: new Set(xs.map(({ id }) => id)), since: nextId(), apart: new Set() };
  try {
    const { value, grads } = tf.engine().gradients(f, [...xs], dy, true);
    return { value, gradients: grads };
  } finally {
    state.activeTape = outer.tape;
    sought = outer.sought;
  }
}

/**
 * f(values), of which only `values` are kept for the backward pass: that runs f once more and differentiates it.
 * @param f a pure function of its tensors
 * @param values what to differentiate by; other tensors that f reads are constants
 */
export function checkpointed(
  f: (values: readonly tf.Tensor[]) => tf.Tensor,
  values: readonly tf.Tensor[],
): tf.Tensor {
  const op = tf.customGrad((...given) => {
    const inputs = given.slice(0, -1) as tf.Tensor[];
    (given[given.length - 1] as unknown as tf.GradSaveFunc)(inputs);
    return {
      value: f(inputs),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        gradients(() => f(saved), saved, dy).gradients.map((g, i) => g ?? tf.zerosLike(saved[i])),
    };
  });
  return op(...(values as tf.Tensor[]));
}
