/** A small network and batch that the paper's tests share: stem 8, one 16³ patch or two, three classes. */
import { key, normal } from '../../src/engine/keys';
import { tf } from '../../src/engine/tf';
import type { SearchOptions } from '../../src/paper/bilevel';
import type { BatchTensors } from '../../src/paper/first-order';
import type { NetworkOptions } from '../../src/paper/network';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';

export const options: NetworkOptions = {
  inputs: 1,
  classes: 3,
  stem: 8,
  operations,
  readings: defaultReadings,
};

export const searchOptions: SearchOptions = {
  steps: 20,
  stepsPerEpoch: 5,
  microBatch: 2,
  tau: { kind: 'linear', from: 10, to: 0.1 },
  theta: { rate: 0.025, beta1: 0.1, beta2: 0.001 },
  alpha: { rate: 0.003, beta1: 0.5, beta2: 0.999 },
  plateau: { patience: 20, factor: 10 },
};

/** A batch that depends on its number alone; labels follow the image, so that there is something to learn. */
export function batch(number: number, samples = 1, inputs = 1): BatchTensors {
  const shape = [samples, 16, 16, 16] as const;
  const noise = normal(key(number, 'test batch'), samples * 4096 * inputs);
  const x = tf.tensor5d(noise, [...shape, inputs]);
  const first = Int32Array.from({ length: samples * 4096 }, (_, i) => {
    const v = noise[i * inputs];
    return v > 0.8 ? 2 : v > 0 ? 1 : 0;
  });
  return { x, y: tf.tensor4d(first, [...shape], 'int32') };
}

/** ‖a − b‖ / ‖b‖. */
export function relative(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / Math.max(norm, 1e-30));
}
