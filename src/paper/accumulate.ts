/**
 * Gradients of a batch as the mean of micro-batches: exact, since InstanceNorm and the loss look at one sample at a time.
 */
import type { Gradients } from '../engine/gradients';
import { tf } from '../engine/tf';
import type { BatchTensors } from './first-order';

/** Loss and gradients of some samples of a batch, and how many they were. */
export interface Part extends Gradients {
  readonly samples: number;
}

/**
 * What `compute` gives for each micro-batch of a batch.
 *
 * Rule: consecutive samples, `size` at a time; the last part may be smaller.
 * @param batch images [n, x, y, z, channels] and classes [n, x, y, z]
 * @param size samples at a time, ≥ 1
 * @param compute loss and gradients of a part
 * Departs from the paper: it spread its batch over four GPUs; the sum is the same.
 * Source: §3 (batch of 4 and 8).
 */
export function microBatches(
  batch: BatchTensors,
  size: number,
  compute: (part: BatchTensors) => Gradients,
): readonly Part[] {
  const n = batch.x.shape[0];
  const starts = Array.from({ length: Math.ceil(n / size) }, (_, i) => i * size);
  return starts.map((start) => {
    const samples = Math.min(size, n - start);
    const x = batch.x.slice([start, 0, 0, 0, 0], [samples, -1, -1, -1, -1]);
    const y = batch.y.slice([start, 0, 0, 0], [samples, -1, -1, -1]);
    const part = { ...compute({ x, y }), samples };
    tf.dispose([x, y]);
    return part;
  });
}

/**
 * Mean loss and gradients over the parts of a batch; a gradient that is missing is zero.
 *
 * $$g = \sum_p \frac{n_p}{n} g_p$$
 * Consumes the parts' tensors.
 * @param names of the gradients, [gradients]
 * @param like tensors of the gradients' shapes, by name
 * @param parts loss and gradients of each part, [parts]
 * Source: §3 (batch of 4 and 8).
 */
export function mergeGradients(
  names: readonly string[],
  like: Readonly<Record<string, tf.Tensor>>,
  parts: readonly Part[],
): { loss: number; gradients: Record<string, tf.Tensor> } {
  const n = parts.reduce((sum, p) => sum + p.samples, 0);
  const loss = parts.reduce((sum, p) => sum + (p.samples / n) * p.value.dataSync()[0], 0);
  const merged = names.map((name, i): [string, tf.Tensor] => {
    const present = parts.flatMap((p) =>
      p.gradients[i] ? [{ g: p.gradients[i] as tf.Tensor, share: p.samples / n }] : [],
    );
    if (present.length === 0) return [name, tf.zerosLike(like[name])];
    if (present.length === 1 && parts.length === 1) return [name, present[0].g];
    return [name, tf.tidy(() => tf.addN(present.map(({ g, share }) => g.mul(share))))];
  });
  const kept = new Set(merged.map(([, g]) => g));
  for (const p of parts)
    tf.dispose([p.value, ...p.gradients.filter((g) => g && !kept.has(g))] as tf.Tensor[]);
  return { loss, gradients: Object.fromEntries(merged) };
}
