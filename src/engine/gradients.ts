/** Reverse-mode gradients: tfjs's tape, with what it lacks to nest one backward pass in another. */
import { tf } from './tf';

/** Value of a function and its gradients; undefined where it does not depend on a tensor. */
export interface Gradients {
  readonly value: tf.Tensor;
  readonly gradients: readonly (tf.Tensor | undefined)[];
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
  const outer = state.activeTape;
  try {
    const { value, grads } = tf.engine().gradients(f, [...xs], dy, true);
    return { value, gradients: grads };
  } finally {
    state.activeTape = outer;
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
