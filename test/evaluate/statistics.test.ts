import { describe, expect, it } from 'vitest';
import { key, normal } from '../../src/engine/keys';
import type { Shape3 } from '../../src/engine/model';
import {
  binomialTail,
  bootstrapInterval,
  meanRanks,
  summarise,
  wilcoxon,
} from '../../src/evaluate/statistics';
import { hd95, percentile, squaredDistances } from '../../src/evaluate/surface';
import { errorOf } from '../data/folder';
import oracle from '../fixtures/evaluate/evaluate.json';

type Three = readonly [number, number, number];
const three = (numbers: readonly number[]) => numbers as unknown as Three;
const digits = (text: string) => Uint8Array.from(text, Number);

describe('HD95', () => {
  it.each(oracle.surfaces)('$shape at $spacing mm: MONAI’s within 1e-5', (row) => {
    const [a, b] = [digits(row.prediction), digits(row.truth)];
    const ours = hd95(a, b, 1, three(row.shape), three(row.spacing));
    expect(ours).toBeCloseTo(row.hd95, 5);
    expect(hd95(b, a, 1, three(row.shape), three(row.spacing))).toBe(ours);
  });

  it('is another number than the farthest distance, and than medpy’s, in some of these', () => {
    expect(oracle.surfaces.some((row) => Math.abs(row.hd - row.hd95) > 0.5)).toBe(true);
    expect(oracle.surfaces.some((row) => Math.abs(row.medpy - row.hd95) > 0.01)).toBe(true);
  });

  it('is 0 for equal maps, NaN where the label is in neither, ∞ where it is in one', () => {
    const map = Uint8Array.from({ length: 60 }, (_, i) => (i > 20 && i < 40 ? 2 : 0));
    const none = new Uint8Array(60);
    const of = (a: Uint8Array, b: Uint8Array, label: number) => hd95(a, b, label, [3, 4, 5], [1, 1, 1]);
    expect([of(map, map, 2), of(map, map, 1), of(map, none, 2), of(none, map, 2)]).toEqual([
      0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('a shift along an axis is a distance in mm of that axis', () => {
    const at = (x: number, y: number, z: number) => {
      const map = new Uint8Array(1000);
      map[(x * 10 + y) * 10 + z] = 1;
      return map;
    };
    expect(hd95(at(2, 3, 4), at(5, 3, 4), 1, [10, 10, 10], [0.7, 2, 3])).toBeCloseTo(2.1, 9);
    expect(hd95(at(2, 3, 4), at(2, 7, 4), 1, [10, 10, 10], [0.7, 2, 3])).toBeCloseTo(8, 9);
    expect(hd95(at(2, 3, 4), at(2, 3, 9), 1, [10, 10, 10], [0.7, 2, 3])).toBeCloseTo(15, 9);
  });

  it('distances are scipy’s within 1e-9 relative; an empty mask is infinitely far', () => {
    const { shape, spacing, mask, squared } = oracle.transform;
    const ours = squaredDistances(Uint8Array.from(mask), three(shape) as Shape3, three(spacing));
    ours.forEach((v, i) => {
      expect(Math.abs(v - squared[i])).toBeLessThan(1e-8 * (1 + squared[i]));
    });
    expect(squaredDistances(new Uint8Array(8), [2, 2, 2], [1, 1, 1]).every((v) => v === Infinity)).toBe(true);
  });

  it('maps of another size are an error', () => {
    expect(errorOf(() => hd95([1], [1, 0], 1, [1, 1, 2], [1, 1, 1]))).toContain('1 and 2 voxels');
  });
});

describe('Wilcoxon’s test', () => {
  it.each(oracle.wilcoxon)(
    'scipy’s statistic, and p within 1e-9 relative: p = $p',
    ({ a, b, statistic, p }) => {
      const ours = wilcoxon(a, b);
      expect(ours.statistic).toBeCloseTo(statistic, 9);
      expect(Math.abs(ours.p / p - 1)).toBeLessThan(a.length > 500 ? 1e-6 : 1e-9);
      expect(wilcoxon(b, a).p).toBeCloseTo(ours.p, 12);
    },
  );

  it('equal lists have p = 1; of two unlike lists it is an error', () => {
    expect(wilcoxon([0.4, 0.5], [0.4, 0.5])).toEqual({ n: 0, statistic: 0, p: 1 });
    expect(errorOf(() => wilcoxon([1], [1, 2]))).toContain('1 and 2 scores');
  });

  it('of pairs without a difference, p lies below 0.05 one time in twenty', () => {
    const runs = 600;
    const below = Array.from({ length: runs }, (_, i) => {
      const noise = Array.from(normal(key(1, i), 24));
      return wilcoxon(noise, new Array<number>(24).fill(0)).p < 0.05;
    }).filter(Boolean).length;
    expect(Math.abs(below / runs - 0.05)).toBeLessThan(4 * Math.sqrt((0.05 * 0.95) / runs));
  });

  it('equal values share their mean rank', () => {
    expect(meanRanks([3, 1, 1, 5, 1])).toEqual([4, 2, 2, 5, 2]);
  });
});

describe('mean and spread', () => {
  const { values, low, high, sd, median } = oracle.bootstrap;

  it('the interval is scipy’s percentile bootstrap, as near as its own seeds are to each other', () => {
    const ours = bootstrapInterval(values, key(1));
    const near = (own: number, theirs: readonly number[]) => {
      const mean = theirs.reduce((a, b) => a + b, 0) / theirs.length;
      const spread = Math.max(...theirs.map((v) => Math.abs(v - mean)));
      expect(Math.abs(own - mean)).toBeLessThan(3 * spread);
    };
    near(ours[0], low);
    near(ours[1], high);
    expect(bootstrapInterval(values, key(1))).toEqual(ours);
    expect(bootstrapInterval(values, key(2))).not.toEqual(ours);
  });

  it('mean, sd (n − 1) and median are numpy’s; what is not finite is left out', () => {
    const all = summarise([...values, Number.NaN, Number.POSITIVE_INFINITY], key(1));
    expect(all.n).toBe(42);
    expect(all.sd).toBeCloseTo(sd, 12);
    expect(all.median).toBeCloseTo(median, 12);
    expect(all.interval[0]).toBeLessThan(all.mean);
    expect(all.interval[1]).toBeGreaterThan(all.mean);
    expect(summarise([], key(1))).toEqual({
      n: 0,
      mean: Number.NaN,
      sd: Number.NaN,
      median: Number.NaN,
      interval: [Number.NaN, Number.NaN],
    });
    expect(summarise([0.5], key(1))).toMatchObject({ mean: 0.5, interval: [0.5, 0.5], sd: Number.NaN });
  });

  it('percentiles lie linearly between the sorted values', () => {
    expect([percentile([4, 1, 3, 2], 50), percentile([4, 1, 3, 2], 95), percentile([7], 95)]).toEqual([
      2.5,
      expect.closeTo(3.85, 12),
      7,
    ]);
  });
});

describe('the binomial tail', () => {
  /** Σ_{i ≥ k} C(n, i) 7^(n−i) / 8^n in whole numbers. */
  function exact(k: number, n: number): number {
    let [choose, sum] = [1n, 0n];
    for (let i = 0; i <= n; i++) {
      if (i > 0) choose = (choose * BigInt(n - i + 1)) / BigInt(i);
      if (i >= k) sum += choose * 7n ** BigInt(n - i);
    }
    return Number((sum * 10n ** 18n) / 8n ** BigInt(n)) / 1e18;
  }

  it.each([
    [7, 56],
    [6, 14],
    [9, 14],
    [0, 14],
    [14, 14],
  ])('%d or more of %d at 1/8: exact to 1e-12', (k, n) => {
    expect(binomialTail(k, n, 1 / 8)).toBeCloseTo(exact(k, n), 12);
  });

  it('knows its ends', () => {
    expect([
      binomialTail(1, 3, 0),
      binomialTail(0, 3, 0),
      binomialTail(3, 3, 1),
      binomialTail(4, 3, 1),
    ]).toEqual([0, 1, 1, 0]);
  });
});
