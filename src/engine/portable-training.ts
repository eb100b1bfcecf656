/** The ends of a training step from stock ops: the sums of its loss, Adam. */
import type { AdamMoments, AdamStep } from './kernels';
import type { Tensor5D } from './model';
import { define, rawMany } from './portable-op';
import { sumOver } from './portable-pointwise';
import { tf } from './tf';

const oneHot = (labels: tf.Tensor, classes: number) =>
  tf.cast(tf.oneHot(labels as tf.Tensor4D, classes), 'float32');

const sums = define<Record<string, never>>({
  name: 'PortableJaccardSums',
  forward: ([logits, labels]) => {
    const [n, , , , classes] = logits.shape;
    const p = tf.softmax(logits);
    const t = oneHot(labels, classes);
    const rows = [tf.mul(t, p), tf.square(p), p, t].map((v) => tf.reshape(sumOver(v), [n, classes]));
    return [tf.stack(rows)];
  },
  /** p·(g − Σ p·g) with g = t·d₀ + 2p·d₁ + d₂. */
  gradient: (dy, [logits, labels]) => [
    () => {
      const [n, , , , classes] = logits.shape;
      const d = tf.unstack(tf.reshape(dy, [4, n, 1, 1, 1, classes]));
      const p = tf.softmax(logits);
      const g = tf.addN([
        tf.mul(oneHot(labels, classes), d[0]),
        tf.mul(tf.mul(p, 2), d[1]),
        tf.add(tf.zerosLike(p), d[2]),
      ]);
      return tf.mul(p, tf.sub(g, tf.sum(tf.mul(p, g), 4, true)));
    },
    () => tf.zerosLike(labels),
  ],
});

/** See {@link Kernels.jaccardSums}. */
export const jaccardSums = (logits: Tensor5D, labels: tf.Tensor4D) =>
  sums([logits, labels], {})[0] as tf.Tensor3D;

const entropy = define<Record<string, never>>({
  name: 'PortableCrossEntropy',
  /** Outputs the mean, and the gradient of the sum by the logits, which TensorFlow makes on the way. */
  forward: ([logits, labels]) => {
    const classes = logits.shape[4] as number;
    const rows = [tf.reshape(logits, [-1, classes]), tf.reshape(labels, [-1])];
    const types = { Tlabels: 'TF_INT32' } as const;
    const [losses, back] = rawMany('SparseSoftmaxCrossEntropyWithLogits', { types }, rows, 2);
    const [n, x, y, z] = labels.shape;
    return [tf.div(sumAll(tf.reshape(losses, [n, x, y, z, 1])), labels.size), tf.reshape(back, logits.shape)];
  },
  saveInputs: [1],
  saveOutputs: [0, 1],
  gradient: (dy, [labels, , back]) => [
    () => tf.mul(back, tf.div(dy, labels.size)),
    () => tf.zerosLike(labels),
  ],
});

/** The sum of a volume, axis by axis. */
const sumAll = (x: tf.Tensor) => tf.reshape(sumOver(x, true), []);

/** See {@link Kernels.crossEntropy}. */
export function crossEntropy(logits: Tensor5D, labels: tf.Tensor4D): tf.Scalar {
  const [mean, back] = entropy([logits, labels], {});
  back.dispose();
  return mean as tf.Scalar;
}

/** See {@link Kernels.adam}: all tensors as one long vector. */
export function adam({
  rate,
  beta1,
  beta2,
  weightDecay = 0,
  stabiliser,
  scales,
  ...tensors
}: AdamStep): AdamMoments {
  const { theta } = tensors;
  const sizes = theta.map((t) => t.size);
  const flat = (list: readonly tf.Tensor[]) => tf.concat(list.map((t) => t.flatten()));
  const parts = (vector: tf.Tensor) => tf.split(vector, sizes).map((part, i) => part.reshape(theta[i].shape));
  return tf.tidy(() => {
    const old = flat(theta);
    const g = weightDecay === 0 ? flat(tensors.g) : flat(tensors.g).add(old.mul(weightDecay));
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
    const peak = tensors.peak && flat(tensors.peak).maximum(v);
    const root = (peak ?? v).sqrt().mul(scale(1)).add(stabiliser);
    const update = m.mul(scale(0)).div(root).mul(rate);
    const made = { m: parts(m), v: parts(v), theta: parts(old.sub(update)) };
    tf.dispose([theta, tensors.m, tensors.v, tensors.peak ?? []] as tf.Tensor[][]);
    return peak ? { ...made, peak: parts(peak) } : made;
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
