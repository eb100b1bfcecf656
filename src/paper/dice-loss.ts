/** The loss of nnU-Net 1, the peer that is trained in its own way: soft Dice and cross-entropy. */
import { kernels } from '../engine/kernels';
import type { Tensor5D } from '../engine/model';
import { tf } from '../engine/tf';

/** Added above and below, so that a class that is neither there nor predicted counts as found. */
const SMOOTH = 1e-5;

/**
 * Soft Dice of the foreground classes and cross-entropy of all, between softmax probabilities p and one-hot labels t.
 *
 * $$L = 1 - \frac1{K-1} \sum_{k>0} \frac{2\sum t p + s}{\sum t + \sum p + s} - \frac1V \sum_v \log p_{t(v)},\quad s = 10^{-5}$$
 * The sums run over the voxels of one sample; means over classes, voxels V and samples.
 * @param logits network output, [n, x, y, z, classes]
 * @param labels classes as int32, [n, x, y, z]
 * @returns scalar
 * Departs from nnU-Net: begins with 1, so that 0 is the least; its gradient is the same.
 * Source: nnU-Net 1, DC_and_CE_loss, with batch_dice off as for tasks of one stage.
 */
export function diceAndCrossEntropy(logits: Tensor5D, labels: tf.Tensor4D): tf.Scalar {
  return tf.tidy(() => {
    const [tp, , p, t] = tf.unstack(kernels().jaccardSums(logits, labels));
    const dice = tf.div(tp.mul(2).add(SMOOTH), p.add(t).add(SMOOTH)).slice([0, 1]).mean();
    return tf.sub(1, dice).add(kernels().crossEntropy(logits, labels)) as tf.Scalar;
  });
}
