import { describe, expect, it } from 'vitest';
import {
  applyGamma,
  coarsePatchAxis,
  deformedPatch,
  drawAugmentation,
  enlargedPatch,
} from '../../src/data/augment';
import { blur, places } from '../../src/data/augment-places';
import { sampleLabels } from '../../src/data/labels-at';
import { plainGeometry } from '../../src/data/nifti';
import { drawBatch } from '../../src/data/patches';
import type { PreparedCase } from '../../src/data/preprocess';
import { sample, spline } from '../../src/data/spline';
import { fold, key, uniform } from '../../src/engine/keys';
import type { Shape3 } from '../../src/engine/model';
import oracle from '../fixtures/augment/augment.json';

const still = [false, false, false];
const shape3 = (numbers: readonly number[]) => numbers as unknown as Shape3;
const volume = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** The oracle script's generator. */
function noise(n: number, seed: number): Float64Array {
  let state = BigInt(seed);
  return Float64Array.from({ length: n }, () => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return Number((state >> 8n) % 1000n) / 100 - 5;
  });
}

function blocks([X, Y, Z]: readonly number[]): Int8Array {
  return Int8Array.from({ length: X * Y * Z }, (_, i) => {
    const [x, y, z] = [Math.floor(i / (Y * Z)), Math.floor(i / Z) % Y, i % Z];
    const value = Math.floor(1.3 * (Math.sin(x / 2) + Math.cos(y / 3) + Math.sin(z / 2.5)));
    return Math.max(-1, Math.min(2, value));
  });
}

const worst = (ours: ArrayLike<number>, theirs: readonly number[]) => {
  expect(ours).toHaveLength(theirs.length);
  return theirs.reduce((most, v, i) => Math.max(most, Math.abs(v - ours[i])), 0);
};

describe('cubic splines', () => {
  it.each(oracle.spline)('$shape at random places, some outside: scipy’s within 1e-5', (row) => {
    const values = Float32Array.from(noise(volume(row.shape), row.seed));
    const ours = sample(spline(values, shape3(row.shape), 1), Float32Array.from(row.places));
    expect(worst(ours, row.values)).toBeLessThan(1e-5);
    expect(row.values.filter((v) => v === 0).length).toBeGreaterThan(2);
  });

  it('channels are apart from each other', () => {
    const both = Float32Array.from(noise(2 * 210, 4));
    const at = Float32Array.from([1.2, 2.7, 3.1, 4, 5, 6, 0, 0.5, 5.9]);
    const two = sample(spline(both, [5, 6, 7], 2), at);
    const second = both.filter((_, i) => i % 2 === 1);
    expect(worst(sample(spline(second, [5, 6, 7], 1), at), [two[1], two[3], two[5]])).toBeLessThan(1e-6);
  });
});

describe('a deformed patch', () => {
  it.each(oracle.deformed)('$patch of $large: batchgenerators’ within 2e-5', (row) => {
    const large = shape3(row.large);
    const deformation = { angles: shape3(row.angles), scale: row.scale };
    const at = places(shape3(row.patch), large, deformation, still, key(1));
    const image = Float32Array.from(noise(volume(large) * 2, 7));
    expect(worst(sample(spline(image, large, 2), at), row.image)).toBeLessThan(2e-5);
    expect(Array.from(sampleLabels(blocks(large), large, 1, at))).toEqual(row.label);
  });

  it.each(oracle.inPlane)('in a plane, $angle and $scale: batchgenerators’ within 2e-5', (row) => {
    const large = shape3([1, ...row.large]);
    const deformation = { angles: [row.angle, 0, 0] as const, scale: row.scale };
    const at = places(shape3([1, ...row.patch]), large, deformation, still, key(1));
    const image = Float32Array.from(noise(volume(large) * 2, 8));
    expect(worst(sample(spline(image, large, 2), at), row.image)).toBeLessThan(2e-5);
  });

  it.each(oracle.blurred)('noise of $shape, σ $sigma, is blurred as scipy blurs it, within 1e-5', (row) => {
    const ours = blur(noise(volume(row.shape), row.seed), shape3(row.shape), row.sigma);
    expect(worst(ours, row.values)).toBeLessThan(1e-5);
  });

  it('elastic offsets are blurred noise of each axis, added before the rotation', () => {
    const patch: Shape3 = [6, 7, 5];
    const elastic = { alpha: 300, sigma: 9 };
    const k = key(3);
    const [x, y, z] = [0, 1, 2].map((axis) => {
      const white = uniform(fold(k, 'elastic', axis), 210).map((u) => elastic.alpha * (2 * u - 1));
      return blur(white, patch, elastic.sigma);
    });
    const bent = places(patch, patch, { elastic }, still, k);
    const grid = places(patch, patch, {}, still, k);
    for (let i = 0; i < 210; i++) {
      expect(bent[3 * i] - grid[3 * i]).toBeCloseTo(x[i], 4);
      expect(bent[3 * i + 1] - grid[3 * i + 1]).toBeCloseTo(y[i], 4);
      expect(bent[3 * i + 2] - grid[3 * i + 2]).toBeCloseTo(z[i], 4);
    }
    const turned = places(patch, patch, { elastic, angles: [0, 0, Math.PI / 2] }, still, k);
    for (let i = 0; i < 210; i++) {
      expect(turned[3 * i] - 2.5).toBeCloseTo(bent[3 * i + 1] - 3, 4);
      expect(turned[3 * i + 1] - 3).toBeCloseTo(-(bent[3 * i] - 2.5), 4);
    }
  });
});

describe('gamma', () => {
  it.each(oracle.gamma)('$gamma of both channels: batchgenerators’ within 1e-5', (row) => {
    const raw = noise(120, row.seed);
    const image = Float32Array.from(raw, (_, i) => raw[(i % 2) * 60 + Math.floor(i / 2)]);
    applyGamma(image, [row.gamma, row.gamma]);
    expect(worst(image, row.image)).toBeLessThan(1e-5);
  });

  it('leaves a constant channel as it is', () => {
    const image = new Float32Array(64).fill(1.5);
    applyGamma(image, [0.8]);
    expect(image.every((v) => Math.abs(v - 1.5) < 1e-6)).toBe(true);
  });
});

describe('the enlarged patch', () => {
  it.each(oracle.enlarged['3d'])('%j is cut as %j, as in nnU-Net', (patch, expected) => {
    if (coarsePatchAxis(shape3(patch)) === undefined) expect(enlargedPatch(shape3(patch))).toEqual(expected);
  });

  it.each(oracle.enlarged.plane)(
    'slices of %j are cut as %j, the coarse axis as it is',
    ([u, v], expected) => {
      expect(enlargedPatch([u, 28, v])).toEqual([expected[0], 28, expected[1]]);
      expect(enlargedPatch([28, u, v])).toEqual([28, ...expected]);
    },
  );

  it('a plane is where one side is more than three times another', () => {
    expect([coarsePatchAxis([16, 48, 40]), coarsePatchAxis([48, 49, 16])]).toEqual([undefined, 2]);
  });
});

describe('what is drawn', () => {
  const N = 20_000;
  const patch: Shape3 = [40, 56, 40];
  const drawn = Array.from({ length: N }, (_, i) => drawAugmentation(patch, 2, key(5, i)));
  const share = (test: (d: (typeof drawn)[number]) => unknown) => drawn.filter(test).length / N;
  const near = (p: number, of = N) => 4 * Math.sqrt((p * (1 - p)) / of);

  it('elastic, rotation and scale have probability 0.2 each, apart from each other, gamma 0.3', () => {
    const { elastic, angles, scale } = {
      elastic: share((d) => d.deformation?.elastic),
      angles: share((d) => d.deformation?.angles),
      scale: share((d) => d.deformation?.scale),
    };
    for (const p of [elastic, angles, scale]) expect(Math.abs(p - 0.2)).toBeLessThan(near(0.2));
    expect(Math.abs(share((d) => d.deformation) - 0.488)).toBeLessThan(near(0.488));
    expect(Math.abs(share((d) => d.deformation?.elastic && d.deformation.angles) - 0.04)).toBeLessThan(
      near(0.04),
    );
    expect(Math.abs(share((d) => d.gamma) - 0.3)).toBeLessThan(near(0.3));
    expect(Math.abs(share((d) => d.gamma && d.deformation?.scale) - 0.06)).toBeLessThan(near(0.06));
  });

  /** Uniform on [low, high]: the range is filled, and mean and quarters are where they belong. */
  function isUniform(values: readonly number[], low: number, high: number) {
    const at = values.map((v) => (v - low) / (high - low));
    expect(Math.min(...at)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...at)).toBeLessThanOrEqual(1);
    for (const quarter of [0.25, 0.5, 0.75])
      expect(Math.abs(at.filter((v) => v < quarter).length / at.length - quarter)).toBeLessThan(
        near(quarter, at.length),
      );
  }

  it('each number fills its range evenly; scale and gamma lie on each side of 1 half the time', () => {
    const elastic = drawn.flatMap((d) => d.deformation?.elastic ?? []);
    isUniform(
      elastic.map((e) => e.alpha),
      0,
      900,
    );
    isUniform(
      elastic.map((e) => e.sigma),
      9,
      13,
    );
    const angles = drawn.flatMap((d) => (d.deformation?.angles ? [d.deformation.angles] : []));
    for (const axis of [0, 1, 2])
      isUniform(
        angles.map((a) => a[axis]),
        -Math.PI / 12,
        Math.PI / 12,
      );
    const sided = (values: readonly number[], low: number, high: number) => {
      const below = values.filter((v) => v < 1);
      expect(Math.abs(below.length / values.length - 0.5)).toBeLessThan(near(0.5, values.length));
      isUniform(below, low, 1);
      isUniform(
        values.filter((v) => v >= 1),
        1,
        high,
      );
    };
    sided(
      drawn.flatMap((d) => d.deformation?.scale ?? []),
      0.85,
      1.25,
    );
    for (const c of [0, 1])
      sided(
        drawn.flatMap((d) => d.gamma?.[c] ?? []),
        0.7,
        1.5,
      );
    const pairs = drawn.flatMap((d) => (d.gamma ? [d.gamma] : []));
    const bothBelow = pairs.filter(([a, b]) => a < 1 && b < 1).length / pairs.length;
    expect(Math.abs(bothBelow - 0.25)).toBeLessThan(near(0.25, pairs.length));
  });

  it('in a plane: any angle about the coarse axis alone, α to 200', () => {
    const flat = Array.from({ length: 4000 }, (_, i) => drawAugmentation([64, 16, 64], 1, key(6, i)));
    const angles = flat.flatMap((d) => (d.deformation?.angles ? [d.deformation.angles] : []));
    isUniform(
      angles.map(([a]) => a),
      -Math.PI,
      Math.PI,
    );
    expect(angles.every(([, b, c]) => b === 0 && c === 0)).toBe(true);
    isUniform(
      flat.flatMap((d) => d.deformation?.elastic?.alpha ?? []),
      0,
      200,
    );
  });
});

/** A case of smooth values, its label −1 in a corner. */
function smoothCase(shape: Shape3, channels = 1): PreparedCase {
  const [, Y, Z] = shape;
  const n = volume(shape);
  const at = (i: number) => [Math.floor(i / (Y * Z)), Math.floor(i / Z) % Y, i % Z];
  return {
    id: 'smooth',
    shape,
    channels,
    image: Float32Array.from({ length: n * channels }, (_, i) => {
      const [x, y, z] = at(Math.floor(i / channels));
      return Math.sin(x / 3) + Math.cos(y / 4) * (1 + (i % channels)) + z / 9;
    }),
    label: Int8Array.from({ length: n }, (_, i) => {
      const [x, y, z] = at(i);
      return x + y + z < 12 ? -1 : (x >> 2) % 3;
    }),
    classVoxels: [new Uint32Array(), Uint32Array.of(4 * Y * Z + 9), new Uint32Array()],
    spacing: [1, 1, 1],
    crop: { origin: [0, 0, 0], shape, box: shape },
    geometry: plainGeometry([1, 1, 1]),
  };
}

describe('patches with augmentation', () => {
  const patch: Shape3 = [12, 14, 16];
  const origin: Shape3 = [9, 6, 5];
  const source = smoothCase([30, 28, 26], 2);

  it('no deformation at all is the patch itself, also mirrored and beyond the border', () => {
    // Where the enlarged patch has an odd rest, its centre lies half a voxel off; these sides leave an even one.
    const sides: Shape3 = [11, 17, 20];
    expect(enlargedPatch(sides)).toEqual([17, 25, 26]);
    for (const [at, flips] of [
      [origin, still],
      [origin, [true, false, true]],
      [[-3, 20, 1] as Shape3, [false, true, false]],
    ] as [Shape3, boolean[]][]) {
      const { image, label } = deformedPatch(source, at, sides, {}, flips, key(1));
      for (let i = 0; i < volume(sides); i++) {
        const to = [Math.floor(i / 340), Math.floor(i / 20) % 17, i % 20];
        const from = to.map((v, a) => at[a] + (flips[a] ? sides[a] - 1 - v : v));
        const inside = from.every((v, a) => v >= 0 && v < source.shape[a]);
        const flat = (from[0] * 28 + from[1]) * 26 + from[2];
        expect(label[i]).toBe(inside ? source.label?.[flat] : -1);
        for (const c of [0, 1])
          expect(Math.abs(image[2 * i + c] - (inside ? source.image[2 * flat + c] : 0))).toBeLessThan(1e-5);
      }
    }
  });

  it('mirroring comes last: it turns the deformed patch round', () => {
    const deformation = {
      elastic: { alpha: 400, sigma: 9 },
      angles: [0.1, -0.2, 0.15] as const,
      scale: 0.9,
    };
    const plain = deformedPatch(source, origin, patch, deformation, still, key(2));
    const turned = deformedPatch(source, origin, patch, deformation, [true, false, true], key(2));
    expect(new Set(plain.label).size).toBeGreaterThan(2);
    for (let i = 0; i < volume(patch); i++) {
      const [x, y, z] = [Math.floor(i / 224), Math.floor(i / 16) % 14, i % 16];
      const back = ((11 - x) * 14 + y) * 16 + 15 - z;
      expect(turned.label[i]).toBe(plain.label[back]);
      expect(turned.image[2 * i]).toBe(plain.image[2 * back]);
    }
  });

  it.each([0, 1, 2] as const)('along a coarse axis %i nothing moves', (coarse) => {
    const flat = [40, 40, 40].map((n, axis) => (axis === coarse ? 8 : n)) as unknown as Shape3;
    const stack = smoothCase([60, 60, 60]);
    const slice = (i: number) => [Math.floor(i / 3600), Math.floor(i / 60) % 60, i % 60][coarse];
    const image = stack.image.map((_, i) => 1 + slice(i));
    const label = Int8Array.from(image, (v) => v % 3);
    const deformation = { angles: [1.1, 0, 0] as const, scale: 0.9, elastic: { alpha: 100, sigma: 9 } };
    const flips = [0, 1, 2].map((axis) => axis === coarse);
    const from = [10, 10, 10].map((v, axis) => (axis === coarse ? 20 : v)) as unknown as Shape3;
    const out = deformedPatch({ ...stack, image, label }, from, flat, deformation, flips, key(4));
    const strides = [flat[1] * flat[2], flat[2], 1];
    let seen = 0;
    for (let i = 0; i < out.image.length; i++) {
      if (out.label[i] === -1) continue;
      const s = Math.floor(i / strides[coarse]) % 8;
      expect(out.label[i]).toBe((28 - s) % 3);
      expect(out.image[i]).toBeCloseTo(28 - s, 4);
      seen++;
    }
    expect(seen).toBeGreaterThan(out.image.length / 2);
  });

  const options = { batch: 3, patch, foreground: 0.33, mirror: true };
  const keys = Array.from({ length: 30 }, (_, i) => key(8, 'batch', i));

  it('are functions of the key, and are plain patches where nothing was drawn', () => {
    let plain = 0;
    for (const k of keys) {
      const batch = drawBatch([source], { ...options, augment: 'nnunet' }, k);
      const again = drawBatch([source], { ...options, augment: 'nnunet' }, k);
      expect(Buffer.from(again.image.buffer).equals(Buffer.from(batch.image.buffer))).toBe(true);
      expect(Buffer.from(again.label).equals(Buffer.from(batch.label))).toBe(true);
      const without = drawBatch([source], options, k);
      const n = volume(patch);
      for (let i = 0; i < 3; i++) {
        const { deformation, gamma } = drawAugmentation(patch, 2, fold(k, i, 'augment'));
        const same = (a: ArrayLike<number>, b: ArrayLike<number>, from: number, to: number) =>
          Array.from({ length: to - from }, (_, j) => a[from + j] === b[from + j]).every(Boolean);
        const sameImage = same(batch.image, without.image, 2 * i * n, 2 * (i + 1) * n);
        expect(sameImage).toBe(!deformation && !gamma);
        if (!deformation) expect(same(batch.label, without.label, i * n, (i + 1) * n)).toBe(true);
        plain += Number(sameImage);
      }
      expect(batch.label.every((v) => v <= 2)).toBe(true);
    }
    expect(plain).toBeGreaterThan(15);
  });

  it('are 0 outside the mask after gamma where the mask gave the statistics', () => {
    const label = source.label?.map((v, i) => (i % 26 < 13 ? -1 : v));
    const image = source.image.map((v, i) => (label?.[i >> 1] === -1 ? 0 : v));
    const masked = { ...source, image, label };
    const outside = { ...options, batch: 1, augment: 'nnunet', foreground: 0, mirror: false } as const;
    let zeroed = 0;
    for (const k of keys) {
      const { deformation, gamma } = drawAugmentation(patch, 2, fold(k, 0, 'augment'));
      if (deformation || !gamma) continue;
      const kept = drawBatch([masked], outside, k).image;
      const zero = drawBatch([masked], { ...outside, zeroOutside: true }, k).image;
      const before = drawBatch([masked], { ...outside, augment: 'none' }, k).image;
      for (let i = 0; i < kept.length; i++) {
        expect(zero[i]).toBe(before[i] === 0 ? 0 : kept[i]);
        if (before[i] === 0 && kept[i] !== 0) zeroed++;
      }
    }
    expect(zeroed).toBeGreaterThan(0);
  });
});
