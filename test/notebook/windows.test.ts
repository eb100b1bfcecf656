import { describe, expect, it } from 'vitest';
import type { PreparedCase } from '../../src/data/preprocess';
import { key, normal } from '../../src/engine/keys';
import type { Network, Shape3, Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { predictProbabilities } from '../../src/evaluate/predict';
import { gaussianWeights, windowStarts } from '../../src/evaluate/window';
import { planeMeans, seams, stitch, windowPredictions } from '../../src/notebook/windows';

// z is smaller than the window, so that windows reach beyond the volume.
const shape: Shape3 = [13, 10, 7];
const patch: Shape3 = [8, 6, 8];
const image = normal(key(1, 'windows'), 13 * 10 * 7);
const prepared = { image, shape, channels: 1 } as unknown as PreparedCase;
/** Looks at the mean of its window, so that windows disagree about a voxel. */
const net: Network = {
  name: 'mean',
  inputs: 1,
  classes: 2,
  parameters: [],
  forward: (_, x) => {
    const mean = tf.mean(x, [1, 2, 3], true);
    return tf.concat([tf.zerosLike(x), tf.add(x, tf.mul(mean, 9))], 4) as Tensor5D;
  },
  cost: () => [],
};
const largest = (a: ArrayLike<number>, b: (i: number) => number) =>
  Array.from(a, (v, i) => Math.abs(v - b(i))).reduce((x, y) => Math.max(x, y), 0);

describe('windows stitched', () => {
  it.each([false, true])('with Gaussian weights they are the prediction, flips %s (1e-5)', (flips) => {
    const windows = windowPredictions(net, {}, prepared, patch, flips);
    expect(windows).toHaveLength(3 * 3 * 1);
    const { probability } = stitch(windows, shape, patch, gaussianWeights(patch));
    const whole = predictProbabilities(net, {}, image, shape, 1, { patch, flips });
    expect(largest(probability, (i) => whole[2 * i + 1])).toBeLessThan(1e-5);
  });

  it('with even weights a voxel has mean and standard deviation of the windows that hold it', () => {
    const windows = windowPredictions(net, {}, prepared, patch);
    const { probability, spread } = stitch(windows, shape, patch);
    // voxel by voxel, the window's mean taken anew
    for (const [x, y, z] of [
      [0, 0, 0],
      [6, 5, 3],
      [12, 9, 6],
      [4, 2, 6],
    ]) {
      const holding = windowStarts(shape[0], patch[0]).flatMap((x0) =>
        windowStarts(shape[1], patch[1]).flatMap((y0) =>
          x >= x0 && x < x0 + 8 && y >= y0 && y < y0 + 6 ? [[x0, y0]] : [],
        ),
      );
      const at = (a: number, b: number, c: number) => image[(a * 10 + b) * 7 + c];
      const found = holding.map(([x0, y0]) => {
        let sum = 0;
        for (let a = x0; a < x0 + 8; a++)
          for (let b = y0; b < y0 + 6; b++) for (let c = 0; c < 7; c++) sum += at(a, b, c);
        return 1 / (1 + Math.exp(-(at(x, y, z) + (9 * sum) / (8 * 6 * 8))));
      });
      const mean = found.reduce((a, b) => a + b, 0) / found.length;
      const variance = found.reduce((a, b) => a + (b - mean) ** 2, 0) / found.length;
      const i = (x * 10 + y) * 7 + z;
      expect(probability[i]).toBeCloseTo(mean, 5);
      expect(spread[i]).toBeCloseTo(Math.sqrt(variance), 4);
    }
    expect(Math.max(...spread)).toBeGreaterThan(0.05);
  });
});

describe('seams', () => {
  const windows = windowPredictions(net, {}, prepared, patch);
  const at = (x: number, y: number, z: number) => (x * 10 + y) * 7 + z;

  it.each([
    ['even', undefined],
    ['Gaussian', gaussianWeights(patch)],
  ])('with %s weights they are what of a jump no single window makes (1e-5)', (_, weights) => {
    const { probability } = stitch(windows, shape, patch, weights);
    const found = seams(windows, shape, patch, weights, 0);
    // From the definition, voxel by voxel: the whole jump less the windows' own.
    for (const [x, y, z] of [
      [2, 4, 3],
      [4, 0, 0],
      [7, 9, 6],
      [9, 5, 2],
    ]) {
      const own = windows.map(({ origin, foreground }) => {
        const [a, b, c] = [x - origin[0], y - origin[1], z - origin[2]];
        const holds = b >= 0 && b < 6;
        const value = (i: number) => (holds && i >= 0 && i < 8 ? (i * 6 + b) * 8 + c : -1);
        const [here, next] = [value(a), value(a + 1)];
        const w = (i: number) => (i < 0 ? 0 : weights ? weights[i] : 1);
        const both = here >= 0 && next >= 0 ? foreground[next] - foreground[here] : 0;
        return { here: w(here), next: w(next), change: both };
      });
      const sum = (of: (window: (typeof own)[number]) => number) => own.reduce((s, v) => s + of(v), 0);
      const [here, next] = [sum((v) => v.here), sum((v) => v.next)];
      const picture = sum((v) => ((v.here / here + v.next / next) / 2) * v.change);
      const jump = probability[at(x + 1, y, z)] - probability[at(x, y, z)];
      expect(found[at(x, y, z)]).toBeCloseTo(Math.abs(jump - picture), 5);
    }
  });

  it('with even weights they lie at the borders of windows alone', () => {
    const means = planeMeans(seams(windows, shape, patch, undefined, 0), shape, 0);
    const borders = windowStarts(13, 8).flatMap((start) => [start - 1, start + 7]);
    for (const [x, v] of means.entries())
      if (borders.includes(x) && x < 12) expect(v).toBeGreaterThan(1e-3);
      else expect(v).toBeLessThan(1e-7);
  });

  it('over all axes the squares add', () => {
    const parts = ([0, 1, 2] as const).map((axis) => seams(windows, shape, patch, undefined, axis));
    const all = seams(windows, shape, patch);
    expect(largest(all, (i) => Math.hypot(...parts.map((part) => part[i])))).toBeLessThan(1e-6);
  });

  it.each([
    [0, [4, 12]],
    [1, [6, 8, 10]],
    [2, [7.5, 8.5]],
  ] as const)('means over planes across axis %i', (axis, expected) => {
    // 2 × 3 × 2: value 8 x + 2 y + z + 1.5 on average
    const map = Float32Array.from({ length: 12 }, (_, i) => {
      const [x, y, z] = [Math.floor(i / 6), Math.floor(i / 2) % 3, i % 2];
      return 8 * x + 2 * y + z + 1.5;
    });
    expect(planeMeans(map, [2, 3, 2], axis)).toEqual(expected);
  });
});
