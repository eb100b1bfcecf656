import { describe, expect, it } from 'vitest';
import { plainGeometry } from '../../src/data/nifti';
import { drawBatch, originRange } from '../../src/data/patches';
import { type PreparedCase, prepareCase } from '../../src/data/preprocess';
import { key } from '../../src/engine/keys';
import type { Shape3 } from '../../src/engine/model';
import { errorOf } from './folder';

/** A case whose every voxel holds its own flat index + 1 in channel 0 and the negative in channel 1, not normalised. */
function numbered(id: string, shape: Shape3, label: (i: number) => number): PreparedCase {
  const n = shape[0] * shape[1] * shape[2];
  const raw = {
    id,
    shape,
    channels: 2,
    image: Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? 1 : -1) * (Math.floor(i / 2) + 1)),
    label: Uint8Array.from({ length: n }, (_, i) => label(i)),
    spacing: [1, 1, 1] as const,
    geometry: plainGeometry([1, 1, 1]),
  };
  return { ...prepareCase(raw, 3), image: raw.image };
}

const shape: Shape3 = [10, 12, 9];
const cases = [
  numbered('rare', shape, (i) => (i === 700 ? 2 : i % 97 === 0 ? 1 : 0)),
  numbered('empty', shape, () => 0),
  numbered('corner', shape, (i) => (i === 0 ? 1 : 0)),
];
const options = { batch: 4, patch: [6, 4, 4] as Shape3, foreground: 0.33, mirror: false };

describe('a batch', () => {
  it('is a function of cases, options and key, and sample i does not depend on the batch’s size', () => {
    const one = drawBatch(cases, options, key(1, 'batch', 0));
    expect(drawBatch(cases, options, key(1, 'batch', 0))).toEqual(one);
    expect(drawBatch(cases, options, key(1, 'batch', 1)).image).not.toEqual(one.image);
    const two = drawBatch(cases, { ...options, batch: 2, foreground: 0 }, key(1, 'batch', 0));
    expect(one.image.slice(0, two.image.length)).toEqual(two.image);
  });

  it('each sample is a box of its case: neighbours, channels and labels belong together', () => {
    for (let step = 0; step < 20; step++) {
      const batch = drawBatch(cases, options, key(2, 'batch', step));
      expect(batch).toMatchObject({ shape: [4, 6, 4, 4], channels: 2 });
      batch.cases.forEach((id, n) => {
        const source = cases.find((c) => c.id === id);
        const first = batch.image[n * 96 * 2] - 1;
        for (let i = 0; i < 96; i++) {
          const [x, y, z] = [Math.floor(i / 16), Math.floor(i / 4) % 4, i % 4];
          const at = first + (x * shape[1] + y) * shape[2] + z;
          expect(batch.image[(n * 96 + i) * 2]).toBe(at + 1);
          expect(batch.image[(n * 96 + i) * 2 + 1]).toBe(-(at + 1));
          expect(batch.label[n * 96 + i]).toBe(Math.max(0, source?.label?.[at] ?? 9));
        }
      });
    }
  });

  it('cases are drawn uniformly, with replacement', () => {
    const counts = new Map<string, number>();
    for (let step = 0; step < 300; step++)
      for (const id of drawBatch(cases, options, key(3, step)).cases)
        counts.set(id, (counts.get(id) ?? 0) + 1);
    // 1200 draws: 400 each, standard deviation 16
    for (const { id } of cases) expect(Math.abs((counts.get(id) ?? 0) - 400)).toBeLessThan(80);
  });

  it.each([
    [1, 0.33, 0],
    [2, 0.33, 1],
    [3, 0.33, 1],
    [4, 0.33, 1],
    [8, 0.33, 3],
    [9, 0.33, 3],
    [4, 0, 0],
    [4, 1, 4],
  ])(
    'of %i samples with foreground %f the last %i hold it; classes count alike',
    (batch, foreground, forced) => {
      const only = [cases[0]];
      const single = { ...options, patch: [1, 1, 1] as Shape3, batch, foreground };
      const rare: number[] = [];
      let chance = 0;
      for (let step = 0; step < 120; step++) {
        const { label } = drawBatch(only, single, key(4, step));
        for (let i = 0; i < batch; i++) {
          if (i >= batch - forced) rare.push(label[i]);
          else chance += Number(label[i] > 0);
        }
      }
      expect(rare.every((label) => label > 0)).toBe(true);
      expect(chance / Math.max(1, 120 * (batch - forced))).toBeLessThan(0.1);
      if (forced > 0) {
        const share = rare.filter((label) => label === 2).length / rare.length;
        expect(Math.abs(share - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / rare.length));
      }
    },
  );

  it('a forced patch has its voxel in the centre, or is moved back into the volume', () => {
    const forced = { ...options, batch: 1, foreground: 1 };
    const corner = drawBatch([cases[2]], forced, key(5));
    expect(corner.image[0]).toBe(1);
    expect(corner.label[0]).toBe(1);
    const rare = Array.from({ length: 60 }, (_, s) => drawBatch([cases[0]], forced, key(5, s))).filter((b) =>
      b.label.includes(2),
    );
    const [x, y, z] = [Math.floor(700 / 108), Math.floor(700 / 9) % 12, 700 % 9];
    const origin = [Math.min(4, x - 3), Math.min(8, y - 2), Math.min(5, z - 2)];
    const expected = (origin[0] * 12 + origin[1]) * 9 + origin[2] + 1;
    expect(rare.some((b) => b.image[0] === expected)).toBe(true);
  });

  it('a case without foreground gives a random patch', () => {
    expect(drawBatch([cases[1]], { ...options, foreground: 1 }, key(6)).label.some((v) => v > 0)).toBe(false);
  });
});

describe('mirroring and padding', () => {
  it('flips each axis half the time, labels with it', () => {
    const whole = { batch: 1, patch: shape, foreground: 0, mirror: true };
    const seen = new Set<string>();
    for (let step = 0; step < 80; step++) {
      const { image, label } = drawBatch([cases[0]], whole, key(7, step));
      const [X, Y, Z] = shape;
      const first = image[0] - 1;
      const flips = [Math.floor(first / (Y * Z)) > 0, Math.floor(first / Z) % Y > 0, first % Z > 0];
      seen.add(flips.join());
      for (let i = 0; i < X * Y * Z; i += 5) {
        const at = [Math.floor(i / (Y * Z)), Math.floor(i / Z) % Y, i % Z].map((p, a) =>
          flips[a] ? shape[a] - 1 - p : p,
        );
        const from = (at[0] * Y + at[1]) * Z + at[2];
        expect(image[2 * i]).toBe(from + 1);
        expect(label[i]).toBe(Math.max(0, cases[0].label?.[from] ?? 9));
      }
    }
    expect(seen.size).toBe(8);
  });

  it('a volume smaller than the patch is padded with 0 on both sides', () => {
    expect([originRange(10, 6), originRange(6, 6), originRange(5, 8)]).toEqual([
      [0, 4],
      [0, 0],
      [-2, -1],
    ]);
    const { image, label } = drawBatch([cases[0]], { ...options, batch: 1, patch: [16, 16, 16] }, key(8));
    expect(image.filter((v, i) => i % 2 === 0 && v !== 0)).toHaveLength(10 * 12 * 9);
    expect(label.filter((v) => v === 2)).toHaveLength(1);
    const starts = [3, 4].map((z) => image[((3 * 16 + 2) * 16 + z) * 2]);
    expect(starts).toEqual(starts[0] === 0 ? [0, 1] : [1, 2]);
  });

  it('no cases and no label are errors', () => {
    expect(errorOf(() => drawBatch([], options, key(1)))).toContain('at least one case');
    expect(errorOf(() => drawBatch([{ ...cases[0], label: undefined }], options, key(1)))).toContain(
      'a label',
    );
  });
});
