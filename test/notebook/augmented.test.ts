import { describe, expect, it } from 'vitest';
import { phantomCase } from '../../src/data/phantom';
import { prepareCase } from '../../src/data/preprocess';
import { key } from '../../src/engine/keys';
import { augmentedFigure, augmentedPatches } from '../../src/notebook/augmented';

const prepared = prepareCase({ ...phantomCase('Task04_Hippocampus', key(1, 'case', 0)), id: 'a <case>' }, 3);
const patch = [24, 32, 24] as const;
const patches = augmentedPatches(prepared, patch, key(2));
const [plain, elastic, turned, larger, smaller, gammaLow, gammaHigh, mirrored, ...drawn] = patches;
const size = 24 * 32 * 24;
const mean = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length;
const foreground = (label: Int8Array) => label.reduce((n, value) => n + Number(value > 0), 0);
const farthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

describe('a case’s patch before and after each transform', () => {
  it('is the case’s own about its foreground', () => {
    const [X, Y, Z] = prepared.shape;
    const at = (x: number, y: number, z: number) => (x * Y + y) * Z + z;
    const whole = foreground(prepared.label ?? new Int8Array(0));
    expect(foreground(plain.label)).toBeGreaterThan(0.5 * whole);
    const found: number[] = [];
    for (let x = 0; x + 24 <= X; x++)
      for (let y = 0; y + 32 <= Y; y++)
        for (let z = 0; z + 24 <= Z; z++)
          if (Math.abs(prepared.image[at(x, y, z)] - plain.image[0]) < 1e-9) found.push(at(x, y, z));
    const same = found.filter((origin) =>
      [100, 1000, 10_000].every((i) => {
        const voxel = origin + at(Math.floor(i / (32 * 24)), Math.floor(i / 24) % 32, i % 24);
        return (
          Math.abs(prepared.image[voxel] - plain.image[i]) < 1e-9 &&
          prepared.label?.[voxel] === plain.label[i]
        );
      }),
    );
    expect(same).toHaveLength(1);
  });

  it('is changed by each, and by each as its name says', () => {
    for (const { name, image, label } of patches.slice(1)) {
      expect([image.length, label.length], name).toEqual([size, size]);
      expect(farthest(image, plain.image), name).toBeGreaterThan(0.1);
    }
    const n = foreground(plain.label);
    expect(foreground(larger.label)).toBeGreaterThan(1.2 * n);
    expect(foreground(smaller.label)).toBeLessThan(0.8 * n);
    for (const { image, label } of [gammaLow, gammaHigh]) {
      expect(label).toEqual(plain.label);
      expect(mean(image)).toBeCloseTo(mean(plain.image), 4);
    }
    expect(elastic.label).not.toEqual(plain.label);
    expect(turned.label).not.toEqual(plain.label);
    const flipped = plain.image.map((_, i) => {
      const [x, rest] = [Math.floor(i / (32 * 24)), i % (32 * 24)];
      return plain.image[(23 - x) * 32 * 24 + rest];
    });
    expect(farthest(mirrored.image, flipped)).toBe(0);
    expect(drawn).toHaveLength(2);
    expect(drawn[0].image).not.toEqual(drawn[1].image);
  });

  it('is a picture of two rows each, the same for the same key', () => {
    const draw = (seed: number) =>
      augmentedFigure(prepared, patch, { classes: ['background', 'one', 'two'], key: key(seed) });
    const { kind, svg } = draw(2);
    expect(kind).toBe('drawing');
    expect(svg.match(/<image /g)).toHaveLength(2 * patches.length);
    for (const { name } of patches) expect(svg).toContain(`>${name}</text>`);
    expect(svg).toContain('Augmentation of a &lt;case&gt;');
    expect(draw(2).svg).toBe(svg);
    expect(draw(3).svg).not.toBe(svg);
  });

  it('of a flat patch bends and turns in its plane alone', () => {
    const flat = augmentedPatches(prepared, [8, 32, 32], key(2));
    expect(flat.map(({ name }) => name)).toContain('turned by 45°');
    expect(flat.map(({ name }) => name)).toContain('elastic, α 200, σ 9');
  });
});
