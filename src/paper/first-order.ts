/**
 * The two gradients of a search step (§2.2): a sample of the network by Algorithm 1, the loss's gradient by Θ, and by ẑ and so by α.
 */
import { gradients } from '../engine/gradients';
import { fold, gumbel, type Key, uniform } from '../engine/keys';
import type { Tensor5D, Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { mergeGradients, microBatches } from './accumulate';
import type { CellType } from './genotype';
import { alphaGradient, relax, sampleTwo } from './gumbel';
import { jaccardDistance } from './jaccard';
import { type Sample, type Supernet, zHatOf } from './network';

/** α: logits over the operations for every edge of every cell type, [edges][operations]. */
export type Alpha = Readonly<Record<CellType, readonly (readonly number[])[]>>;

/** A batch on the device: images [n, x, y, z, channels], classes as int32 [n, x, y, z]. */
export interface BatchTensors {
  readonly x: Tensor5D;
  readonly y: tf.Tensor4D;
}

/**
 * A sample of the whole network: Algorithm 1 on every edge of every site.
 *
 * Rule: ε ∼ Gumbel(0, 1) and the two draws depend on the key, the site and the edge alone.
 * @param net the supernet; its sites share a sample among all cells of a type, or draw for each cell
 * @param alpha α, [edges, operations] for each cell type
 * @param tau τ, temperature, > 0
 * @param k key of the step and purpose
 * @returns the draws, and Z̄ of each, [sites][edges]
 * Source: Algorithm 1, Eq. (4); reading: who shares a sample.
 */
export function sampleNetwork(
  net: Supernet,
  alpha: Alpha,
  tau: number,
  k: Key,
): { sample: Sample; zBar: number[][][] } {
  const drawn = net.sites.map((type, site) =>
    alpha[type].map((row, edge) => {
      const epsilon = gumbel(fold(k, 'gumbel', site, edge), row.length);
      const u = uniform(fold(k, 'draws', site, edge), 2);
      return {
        draw: sampleTwo(row, epsilon, tau, u, net.options.readings.samples),
        zBar: relax(row, epsilon, tau),
      };
    }),
  );
  return { sample: drawn.map((s) => s.map((e) => e.draw)), zBar: drawn.map((s) => s.map((e) => e.zBar)) };
}

/**
 * Loss and the gradients by the parameters of the sampled operations; α is not touched.
 *
 * $$g_\Theta = \nabla_\Theta\, \mathcal{L}_{train}(\Theta, \hat Z)$$
 * @param net the supernet
 * @param theta Θ, value of every parameter by name
 * @param batch images [n, x, y, z, channels] and classes [n, x, y, z] of the Θ set
 * @param sample the draws, [sites][edges]
 * @param microBatch samples computed at a time
 * Source: Eq. (3), §2.2.
 */
export function thetaGradients(
  net: Supernet,
  theta: Theta,
  batch: BatchTensors,
  sample: Sample,
  microBatch: number,
): { loss: number; gradients: Record<string, tf.Tensor> } {
  const names = [...new Set(net.used(sample))];
  const zHat = tf.tensor1d(zHatOf(sample));
  const parts = microBatches(batch, microBatch, ({ x, y }) => {
    const loss = () => jaccardDistance(net.forward(theta, x, sample, zHat, 'theta'), y, net.options.readings);
    return gradients(
      loss,
      names.map((name) => theta[name]),
    );
  });
  zHat.dispose();
  return mergeGradients(names, theta, parts);
}

/**
 * Loss and the gradient by ẑ; Θ is not touched.
 *
 * $$g_{\hat Z} = \nabla_{\hat Z}\, \mathcal{L}_{val}(\Theta, \hat Z)$$
 * @param net the supernet
 * @param theta Θ, value of every parameter by name
 * @param batch images [n, x, y, z, channels] and classes [n, x, y, z] of the α set
 * @param sample the draws, [sites][edges]
 * @param microBatch samples computed at a time
 * @returns gradient by ẑ, [2 · sites · edges]
 * Source: Eq. (4); first order as in DARTS.
 */
export function zHatGradients(
  net: Supernet,
  theta: Theta,
  batch: BatchTensors,
  sample: Sample,
  microBatch: number,
): { loss: number; gradient: Float32Array } {
  const zHat = tf.tensor1d(zHatOf(sample));
  const parts = microBatches(batch, microBatch, ({ x, y }) =>
    gradients(
      () => jaccardDistance(net.forward(theta, x, sample, zHat, 'alpha'), y, net.options.readings),
      [zHat],
    ),
  );
  const { loss, gradients: merged } = mergeGradients(['zHat'], { zHat }, parts);
  const gradient = merged.zHat.dataSync() as Float32Array;
  tf.dispose([zHat, merged]);
  return { loss, gradient };
}

/**
 * The gradient by α from the gradient by ẑ, summed over the sites that share an α.
 *
 * $$g_\alpha = \Big(\frac{\partial \hat Z}{\partial \alpha}\Big)^{\!\top} g_{\hat Z}$$
 * @param net the supernet
 * @param sample the draws, [sites][edges]
 * @param byZHat gradient by ẑ, [2 · sites · edges]
 * @param tau τ, temperature, > 0
 * @returns for each cell type [edges][operations]
 * Source: Eq. (4), Algorithm 1.
 */
export function alphaGradients(net: Supernet, sample: Sample, byZHat: ArrayLike<number>, tau: number): Alpha {
  const count = net.options.operations.length;
  const edges = sample[0].length;
  const rows = (type: CellType) =>
    Array.from({ length: edges }, (_, e) =>
      net.sites
        .map((t, site) => ({ t, draw: sample[site][e], at: 2 * (site * edges + e) }))
        .filter(({ t }) => t === type)
        .map(({ draw, at }) => alphaGradient(draw, [byZHat[at], byZHat[at + 1]], tau, count))
        .reduce((sum, g) => sum.map((v, o) => v + g[o])),
    );
  return { enc: rows('enc'), red: rows('red'), dec: rows('dec'), exp: rows('exp') };
}
