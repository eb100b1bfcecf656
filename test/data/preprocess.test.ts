import { describe, expect, it } from 'vitest';
import { boundingBox, fillHoles, nonzeroMask } from '../../src/data/crop';
import { plainGeometry } from '../../src/data/nifti';
import { prepareCase } from '../../src/data/preprocess';
import type { Shape3 } from '../../src/engine/model';
import oracle from '../fixtures/data/crop.json';
import { errorOf } from './folder';

const shape = oracle.shape as unknown as Shape3;
const image = Float32Array.from(oracle.image);
const geometry = plainGeometry([1, 1, 1]);
const raw = { id: 'a', shape, channels: 2, image, spacing: [1, 1, 1] as const, geometry };

describe('the crop', () => {
  it('mask, filled holes and box are scipy.ndimage’s', () => {
    expect(Array.from(fillHoles(Uint8Array.from(oracle.nonzero), shape))).toEqual(oracle.filled);
    const mask = nonzeroMask(image, shape, 2);
    expect(Array.from(mask)).toEqual(oracle.filled);
    expect(boundingBox(mask, shape)).toEqual({ origin: oracle.origin, shape: oracle.box });
  });

  it.each([0, 1, 2])('random mask %i with winding ways out is filled as scipy fills it', (i) => {
    expect(oracle.randomFilled[i]).not.toEqual(oracle.random[i]);
    expect(Array.from(fillHoles(Uint8Array.from(oracle.random[i]), shape))).toEqual(oracle.randomFilled[i]);
  });

  it('a volume of zeros is an error', () => {
    expect(errorOf(() => prepareCase({ ...raw, image: new Float32Array(image.length) }, 2))).toContain(
      'none',
    );
  });
});

describe('normalisation', () => {
  it.each([
    [false, oracle.whole],
    [true, oracle.masked],
  ])('with the mask %s: numpy’s numbers within 1e-5', (useMask, expected) => {
    const prepared = prepareCase(raw, 2, useMask);
    expect(prepared.shape).toEqual(oracle.box);
    expect(prepared.crop).toEqual({ origin: oracle.origin, shape });
    expect(prepared.image).toHaveLength(expected.length);
    const worst = prepared.image.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i])), 0);
    expect(worst).toBeLessThan(1e-5);
  });

  it('a constant channel becomes 0, and the case on disk is left as it was', () => {
    const constant = Float32Array.from(image, (v, i) => (i % 2 === 0 ? v : 3));
    const before = constant.slice();
    const prepared = prepareCase({ ...raw, image: constant }, 2);
    expect(prepared.image.filter((_, i) => i % 2 === 1).every((v) => v === 0)).toBe(true);
    expect(constant).toEqual(before);
  });
});

describe('labels', () => {
  const label = Uint8Array.from({ length: image.length / 2 }, (_, i) =>
    i % 7 === 0 ? 2 : i % 13 === 0 ? 1 : 0,
  );
  const prepared = prepareCase({ ...raw, label }, 4);
  const [x0, y0, z0] = prepared.crop.origin;
  const [X, Y, Z] = prepared.shape;

  it('0 outside the mask becomes −1, other labels stay', () => {
    const expected: number[] = [];
    for (let x = 0; x < X; x++)
      for (let y = 0; y < Y; y++)
        for (let z = 0; z < Z; z++) {
          const i = ((x0 + x) * shape[1] + y0 + y) * shape[2] + z0 + z;
          expected.push(label[i] === 0 && oracle.filled[i] === 0 ? -1 : label[i]);
        }
    expect(Array.from(prepared.label ?? [])).toEqual(expected);
    expect(expected).toContain(-1);
  });

  it('each foreground class lists its voxels, the background none', () => {
    expect(prepared.classVoxels.map((voxels) => voxels.length > 0)).toEqual([false, true, true, false]);
    for (const value of [1, 2]) {
      const all = Array.from(prepared.label ?? []).flatMap((v, i) => (v === value ? [i] : []));
      expect(Array.from(prepared.classVoxels[value])).toEqual(all);
    }
  });
});
