/** What the present kernels execute of a network: a forward pass, and a training step's forward and backward pass, counted as they run. */
import { countMultiplyAdds } from '../engine/count';
import { gradients } from '../engine/gradients';
import { key } from '../engine/keys';
import { initialise, type Network, type Shape3 } from '../engine/model';
import { tf } from '../engine/tf';

/**
 * Counts the multiply-adds of one sample.
 * @param network the network
 * @param patch sides, voxels
 * @returns of a forward pass; and of a step: forward, gradients of every parameter
 */
export function countStep(network: Network, patch: Shape3): { forward: number; step: number } {
  return tf.tidy(() => {
    const theta = initialise(network.parameters, key(0, 'count'));
    const x: tf.Tensor5D = tf.randomNormal([1, ...patch, network.inputs], 0, 1, 'float32', 1);
    const values = network.parameters.map(({ name }) => theta[name]);
    const forward = countMultiplyAdds(() => tf.tidy(() => network.forward(theta, x)));
    const step = countMultiplyAdds(() => gradients(() => network.forward(theta, x).sum(), values));
    return { forward: forward.multiplyAdds, step: step.multiplyAdds };
  });
}
