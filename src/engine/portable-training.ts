/** What a training step does beside the network, from stock ops. */
import type { AdamMoments, AdamStep } from './kernels';
import { tf } from './tf';

/** See {@link Kernels.adam}: all tensors as one long vector. */
export function adam({ rate, beta1, beta2, stabiliser, scales, ...tensors }: AdamStep): AdamMoments {
  const { theta } = tensors;
  const sizes = theta.map((t) => t.size);
  const flat = (list: readonly tf.Tensor[]) => tf.concat(list.map((t) => t.flatten()));
  const parts = (vector: tf.Tensor) => tf.split(vector, sizes).map((part, i) => part.reshape(theta[i].shape));
  return tf.tidy(() => {
    const g = flat(tensors.g);
    const m = flat(tensors.m)
      .mul(beta1)
      .add(g.mul(1 - beta1));
    const v = flat(tensors.v)
      .mul(beta2)
      .add(g.square().mul(1 - beta2));
    const scale = (which: 0 | 1) =>
      repeated(
        sizes,
        scales.map((pair) => pair[which]),
      );
    const root = v.sqrt().mul(scale(1)).add(stabiliser);
    const update = m.mul(scale(0)).div(root).mul(rate);
    return { m: parts(m), v: parts(v), theta: parts(flat(theta).sub(update)) };
  });
}

/** A vector with one value for each tensor, repeated over its numbers. */
function repeated(sizes: readonly number[], values: readonly number[]): tf.Tensor1D {
  const out = new Float32Array(sizes.reduce((a, b) => a + b, 0));
  let at = 0;
  values.forEach((value, i) => {
    out.fill(value, at, at + sizes[i]);
    at += sizes[i];
  });
  return tf.tensor1d(out);
}
