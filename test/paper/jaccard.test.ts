import { describe, expect, it } from 'vitest';
import type { Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { jaccardDistance } from '../../src/paper/jaccard';
import { defaultReadings, type Readings } from '../../src/paper/readings';
import fixture from '../fixtures/torch_training.json';
import { relative } from './small';

const shape: [number, number, number, number, number] = [2, 3, 4, 5, 3];
const grid: [number, number, number, number] = [2, 3, 4, 5];
/** The oracle's logits, 3 · its formula. */
const logits = tf.tensor5d(
  Float32Array.from(
    { length: 360 },
    (_, i) => 3 * Math.fround(((7919 * i + 104729 * 5) % 2003) / 1001.5 - 1),
  ),
  shape,
);
/** The oracle's labels: the second sample lacks class 2. */
const labels = tf.tensor4d(
  Int32Array.from({ length: 120 }, (_, i) => {
    const label = ((i * 7919) % 2003) % 3;
    return i >= 60 && label === 2 ? 1 : label;
  }),
  grid,
  'int32',
);

const gradientOf = (x: Tensor5D, y: tf.Tensor4D, readings: Readings) =>
  tf
    .grad((l) => jaccardDistance(l as Tensor5D, y, readings))(x)
    .dataSync();

describe.each(fixture.jaccard)(
  'Jaccard distance: $jaccard, background $background, over $lossOver',
  (row) => {
    const { jaccard, background, lossOver } = row as unknown as Readings;
    const readings: Readings = { ...defaultReadings, jaccard, background, lossOver };

    it("meets PyTorch's value to 1e-6", () => {
      const loss = jaccardDistance(logits, labels, readings);
      expect(loss.shape).toEqual([]);
      expect(Math.abs(loss.dataSync()[0] - row.loss)).toBeLessThan(1e-6);
    });

    it("meets PyTorch's gradient by the logits to 1e-5 of its norm", () => {
      const bytes = Buffer.from(row.gradient, 'base64');
      const expected = Float32Array.from({ length: 360 }, (_, i) => bytes.readFloatLE(4 * i));
      expect(relative(gradientOf(logits, labels, readings), expected)).toBeLessThan(1e-5);
    });

    it('is 0 for a perfect prediction, 1 for a wholly wrong one, between them else', () => {
      const spread = tf.tidy(() =>
        tf.tensor4d(
          Int32Array.from({ length: 120 }, (_, i) => i % 3),
          grid,
          'int32',
        ),
      );
      const sure = (shift: number) =>
        tf.oneHot(spread.add(tf.scalar(shift, 'int32')).mod(3).toInt(), 3).mul(60) as Tensor5D;
      const loss = (x: Tensor5D) => jaccardDistance(x, spread, readings).dataSync()[0];
      expect(loss(sure(0))).toBeCloseTo(0, 6);
      expect(loss(sure(1))).toBeCloseTo(1, 6);
      expect(loss(logits)).toBeGreaterThan(0);
      expect(loss(logits)).toBeLessThan(1);
    });

    it('stays finite for a class that is neither there nor predicted', () => {
      const never = tf.tensor1d([0, 0, -2000]);
      const two = labels.minimum(tf.scalar(1, 'int32')) as tf.Tensor4D;
      const x = logits.add(never) as Tensor5D;
      const loss = jaccardDistance(x, two, readings).dataSync()[0];
      expect(loss).toBeGreaterThan(0);
      expect(loss).toBeLessThanOrEqual(1);
      const gradient = gradientOf(x, two, readings);
      expect(gradient.every(Number.isFinite)).toBe(true);
      expect(gradient.some((v) => v !== 0)).toBe(true);
    });
  },
);

describe('Jaccard distance of an absent class', () => {
  it.each(['squared', 'plain'] as const)(
    'is 1 and has no gradient, however likely it is held to be (%s)',
    (jaccard) => {
      const readings: Readings = { ...defaultReadings, jaccard, background: 'left out' };
      const nothing = tf.zerosLike(labels);
      expect(jaccardDistance(logits, nothing, readings).dataSync()[0]).toBe(1);
      expect(gradientOf(logits, nothing, readings).every((v) => v === 0)).toBe(true);
    },
  );
});

it('holds no tensors but its result', () => {
  const before = tf.memory().numTensors;
  jaccardDistance(logits, labels, defaultReadings);
  expect(tf.memory().numTensors).toBe(before + 1);
});
