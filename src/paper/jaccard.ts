/**
 * The loss of search and retraining (§3): "The loss function for both 3D U-ResNet and SCNAS is the Jaccard distance" (Kayalibay et al. 2017).
 */
import { kernels } from '../engine/kernels';
import type { Tensor5D } from '../engine/model';
import { tf } from '../engine/tf';
import type { Readings } from './readings';

/** Keeps 0/0 away for a class that is neither there nor predicted. */
const TINY = 1e-12;

/**
 * Jaccard distance between softmax probabilities p and one-hot labels t.
 *
 * $$L = \frac1K \sum_k \Big(1 - \frac{\sum t p}{\sum t^2 + \sum p^2 - \sum t p}\Big)$$
 * The sums run over the voxels of one sample; mean over classes and samples. A class that a patch does not hold has ratio 0 and no gradient.
 * @param logits network output, [n, x, y, z, classes]
 * @param labels classes as int32, [n, x, y, z]
 * @param readings `jaccard` (squares in the denominator or not), `background`, `lossOver`
 * @returns scalar
 * Source: §3, Kayalibay et al. 2017; reading: loss.
 */
export function jaccardDistance(logits: Tensor5D, labels: tf.Tensor4D, readings: Readings): tf.Scalar {
  return tf.tidy(() => {
    const bySample = kernels().jaccardSums(logits, labels);
    const sums = readings.lossOver === 'sample' ? bySample : bySample.sum(1);
    const [tp, squares, plain, t] = tf.unstack(sums);
    const union = t.add(readings.jaccard === 'squared' ? squares : plain).sub(tp);
    const distance = tf.sub(1, tp.div(union.add(TINY)));
    const from = readings.background === 'included' ? 0 : 1;
    return distance.slice(distance.rank === 1 ? [from] : [0, from]).mean();
  });
}
