import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/engine/kernels';
import type { Shape3 } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { type Case, cases, cotangent, distance, inputsOf, tensor } from './cases';
import { implementations } from './implementations';
import type { Value } from './naive';

/** Largest ‖a − b‖ / ‖b‖ of a float32 kernel a against the float64 loop b. */
const TOLERANCE = 1e-5;

const settings: { space: Shape3; channels: number; outputs: number }[] = [
  { space: [5, 7, 9], channels: 4, outputs: 4 },
  { space: [5, 7, 9], channels: 12, outputs: 17 },
  { space: [5, 7, 6], channels: 12, outputs: 12 },
  { space: [5, 7, 6], channels: 17, outputs: 4 },
  { space: [8, 6, 10], channels: 17, outputs: 17 },
  { space: [8, 6, 10], channels: 4, outputs: 12 },
];
const table = settings.flatMap(({ space, channels, outputs }) =>
  cases(2, space, channels, outputs).map((row) => ({
    ...row,
    title: `${row.name}, ${space.join('×')}, ${channels} → ${outputs}`,
  })),
);

/** The kernel's output and gradients. */
function run(k: Kernels, row: Case, inputs: Value[], dy: Value): { y: tf.Tensor; gradients: tf.Tensor[] } {
  return tf.tidy(() => {
    const tensors = inputs.map(tensor);
    const weights = tensor(dy);
    const gradients = tf.grads((...xs) => tf.sum(tf.mul(row.run(k, xs), weights)))(tensors);
    return { y: row.run(k, tensors), gradients };
  });
}

describe.each(implementations)('$name kernels agree with the loops within 1e-5 a tensor', (k) => {
  it.each(table)('$title', (row) => {
    const inputs = inputsOf(row);
    const { y, pull } = row.loop(inputs);
    const dy = cotangent(y);
    const before = tf.memory().numTensors;
    const got = run(k, row, inputs, dy);
    expect(got.y.shape).toEqual(y.shape);
    expect(distance(got.y.dataSync(), y.data), 'y').toBeLessThan(TOLERANCE);
    pull(dy).forEach((gradient, i) => {
      expect(distance(got.gradients[i].dataSync(), gradient.data), `gradient ${i}`).toBeLessThan(TOLERANCE);
    });
    tf.dispose([got.y, ...got.gradients]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
