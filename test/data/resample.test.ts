import { describe, expect, it } from 'vitest';
import {
  coarseAxis,
  resampledShape,
  resampleImage,
  resampleLabel,
  type Spacing,
} from '../../src/data/resample';
import type { Shape3 } from '../../src/engine/model';
import oracle from '../fixtures/data/resample.json';

const shape3 = (values: readonly number[]) => values as unknown as Shape3;
const axisOf = (axis: number | null) => (axis === null ? undefined : (axis as 0 | 1 | 2));

describe.each(oracle)('resampling, $name', ({ shape, channels, spacing, target, to, axis, ...given }) => {
  const image = Float32Array.from(given.image);
  const from = shape3(shape);

  it('the new shape and the coarse axis are nnU-Net’s', () => {
    const [s, t] = [spacing, target].map((v) => v as unknown as Spacing);
    expect(resampledShape(from, s, t)).toEqual(to);
    expect(coarseAxis(s, t)).toBe(axisOf(axis));
  });

  it('data are scikit-image’s within 2e-5 of values around 50', () => {
    const found = resampleImage(image, from, channels, shape3(to), axisOf(axis));
    expect(found).toHaveLength(given.data.length);
    const worst = found.reduce((most, v, i) => Math.max(most, Math.abs(v - given.data[i])), 0);
    expect(worst).toBeLessThan(2e-5);
  });

  it('labels are scikit-image’s, voxel by voxel', () => {
    const found = resampleLabel(Int8Array.from(given.label), from, shape3(to), axisOf(axis));
    expect(Array.from(found)).toEqual(given.seg);
  });
});

describe('properties', () => {
  const shape: Shape3 = [40, 30, 20];
  const n = 40 * 30 * 20;

  it('the input is left as it was, and a constant stays', () => {
    const image = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
    const before = image.slice();
    resampleImage(image, shape, 1, [57, 43, 29]);
    expect(image).toEqual(before);
    const constant = resampleImage(new Float32Array(n).fill(7.25), shape, 1, [57, 43, 29]);
    expect(constant.every((v) => v === 7.25)).toBe(true);
  });

  it('channels do not mix', () => {
    const image = Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? Math.sin(i) : 5));
    const found = resampleImage(image, shape, 2, [20, 33, 41]);
    const first = resampleImage(
      image.filter((_, i) => i % 2 === 0),
      shape,
      1,
      [20, 33, 41],
    );
    expect(found.filter((_, i) => i % 2 === 0)).toEqual(first);
    expect(found.filter((_, i) => i % 2 === 1).every((v) => v === 5)).toBe(true);
  });

  it('a cubic of the position is met to 1e-4 away from the edges', () => {
    const f = (x: number) => 0.001 * x ** 3 - 0.03 * x ** 2 + x;
    const image = Float32Array.from({ length: 40 }, (_, i) => f(i));
    const found = resampleImage(image, [40, 1, 1], 1, [61, 1, 1]);
    for (let k = 20; k < 41; k++)
      expect(Math.abs(found[k] - f(((k + 0.5) * 40) / 61 - 0.5))).toBeLessThan(1e-4);
  });
});
