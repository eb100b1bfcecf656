import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { blur } from '../../src/data/augment-places';
import { compiled } from '../../src/data/compiled';
import { sample, spline } from '../../src/data/spline';
import { key, uniform } from '../../src/engine/keys';
import type { Shape3 } from '../../src/engine/model';

const volume = ([x, y, z]: Shape3) => x * y * z;
const bits = ({ buffer }: Float32Array | Float64Array) =>
  createHash('sha256').update(Buffer.from(buffer)).digest('hex');
const shapes: Shape3[] = [
  [40, 56, 40],
  [17, 9, 33],
  [1, 40, 25],
  [2, 3, 4],
  [5, 1, 16],
];

describe.skipIf(!compiled)('compiled loops give the bits of the TypeScript', () => {
  it.each(shapes)('%i × %i × %i, blurred', (...shape) => {
    const noise = uniform(key(1), volume(shape)).map((u) => 900 * (2 * u - 1));
    for (const sigma of [0.4, 9, 13])
      expect(bits(blur(noise, shape, sigma))).toBe(bits(blur(noise, shape, sigma, null)));
  });

  it.each(shapes)('%i × %i × %i, as a spline, between its voxels and outside', (...shape) => {
    for (const channels of [1, 2, 9]) {
      const values = Float32Array.from(uniform(key(2), volume(shape) * channels), (u) => 200 * u - 50);
      const ours = spline(values, shape, channels);
      const plain = spline(values, shape, channels, null);
      expect(bits(ours.coefficients)).toBe(bits(plain.coefficients));
      const places = Float32Array.from(
        uniform(key(3), 3000),
        (u, i) => (shape[i % 3] + 1) * u - 1 + (i % 3 === 0 && shape[0] === 1 ? 1 - 2 * u : 0),
      );
      const corners = [0, 0, 0, ...shape.map((n) => n - 1)];
      for (const at of [places, Float32Array.from(corners)])
        expect(bits(sample(ours, at))).toBe(bits(sample(plain, at, null)));
    }
  });

  it('arrays that are too short, or of another kind, are refused', () => {
    const eight = new Float64Array(8);
    expect(() => compiled?.blurFirst(eight, 4, eight, new Float64Array(7))).toThrow(RangeError);
    expect(() => compiled?.filter(new Float32Array(13), 1, 4, 2, -0.3)).toThrow(RangeError);
    const float = new Float32Array(3);
    expect(() => compiled?.sample(float, 2, 2, 2, 1, float, float)).toThrow(RangeError);
    expect(() => compiled?.filter(eight as unknown as Float32Array, 1, 4, 1, -0.3)).toThrow(RangeError);
  });
});
