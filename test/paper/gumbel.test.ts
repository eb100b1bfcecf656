import { describe, expect, it } from 'vitest';
import { fold, gumbel, key, uniform } from '../../src/engine/keys';
import { alphaGradient, draw, entropy, relax, sampleTwo, softmax } from '../../src/paper/gumbel';
import { readingTable } from '../../src/paper/readings';

const k = key(11, 'gumbel test');
const ways = readingTable.find((r) => r.name === 'samples')?.options as readonly (
  | 'with replacement'
  | 'without replacement'
  | 'top two'
)[];
const uniformAlpha = new Array<number>(8).fill(0);

/** 200,000 draws for a table computed outside this project: tolerances are about four standard errors. */
const table = [
  { tau: 10, top: 0.154, second: 0.473, coincide: 0.127 },
  { tau: 2.5, top: 0.265, second: 0.4, coincide: 0.167 },
  { tau: 1, top: 0.494, second: 0.296, coincide: 0.355 },
  { tau: 0.33, top: 0.8, second: 0.151, coincide: 0.721 },
  { tau: 0.1, top: 0.939, second: 0.056, coincide: 0.913 },
  { tau: 0.03, top: 0.981, second: 0.018, coincide: 0.973 },
];

describe('Algorithm 1', () => {
  it.each(table)('meets the table of sampling statistics at τ = $tau', ({ tau, top, second, coincide }) => {
    const n = 60_000;
    const epsilon = gumbel(fold(k, 'noise', String(tau)), 8 * n);
    const u = uniform(fold(k, 'draws', String(tau)), 2 * n);
    const sums = { top: 0, second: 0, coincide: 0 };
    for (let i = 0; i < n; i++) {
      const noise = epsilon.subarray(8 * i, 8 * i + 8);
      sums.top += Math.max(...relax(uniformAlpha, noise, tau));
      sums.second += sampleTwo(uniformAlpha, noise, tau, [0.5, 0.5], 'top two').weights[1];
      const both = sampleTwo(uniformAlpha, noise, tau, [u[2 * i], u[2 * i + 1]], 'with replacement');
      sums.coincide += both.operations.length === 1 ? 1 : 0;
    }
    expect(sums.top / n).toBeCloseTo(top, 2);
    expect(Math.abs(sums.second / n - second)).toBeLessThan(0.004);
    expect(Math.abs(sums.coincide / n - coincide)).toBeLessThan(0.008);
  });

  it.each(ways)('draws at most two distinct operations whose weights sum to one (%s)', (samples) => {
    for (let i = 0; i < 500; i++) {
      const alpha = [...gumbel(fold(k, samples, i), 8)].map((v) => 3 * v);
      const tau = [10, 1, 0.1, 1e-3, 1e-6][i % 5];
      const drawn = sampleTwo(alpha, gumbel(fold(k, 'e', i), 8), tau, uniform(fold(k, 'u', i), 2), samples);
      expect(new Set(drawn.operations).size).toBe(drawn.operations.length);
      expect(drawn.operations.length).toBeLessThanOrEqual(2);
      expect(drawn.weights.every((w) => w >= 0 && w <= 1)).toBe(true);
      expect(drawn.weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    }
  });

  it('gives each weight to the operation that was drawn, in the ratio of Z̄', () => {
    const alpha = [0.3, -1, 2, 0.7];
    const epsilon = [0.1, 0.9, -0.4, 1.2];
    const zBar = relax(alpha, epsilon, 1.7);
    for (const u of [
      [0.01, 0.99],
      [0.99, 0.01],
      [0.3, 0.6],
    ]) {
      const { operations, weights } = sampleTwo(alpha, epsilon, 1.7, u, 'with replacement');
      expect(operations).toEqual([...new Set(u.map((v) => draw(zBar, v)))]);
      if (operations.length === 2) {
        const sum = zBar[operations[0]] + zBar[operations[1]];
        expect(weights[0]).toBeCloseTo(zBar[operations[0]] / sum, 12);
        expect(weights[1]).toBeCloseTo(zBar[operations[1]] / sum, 12);
      }
    }
  });

  it('is exact as τ falls: the relaxation becomes a draw from softmax(α)', () => {
    const alpha = [1, 0, -1, 0.5];
    const counts = [0, 0, 0, 0];
    const n = 40_000;
    const epsilon = gumbel(fold(k, 'max'), 4 * n);
    for (let i = 0; i < n; i++) {
      const z = relax(alpha, epsilon.subarray(4 * i, 4 * i + 4), 1e-3);
      counts[z.indexOf(Math.max(...z))]++;
    }
    softmax(alpha).forEach((p, o) => {
      expect(Math.abs(counts[o] / n - p)).toBeLessThan(0.01);
    });
  });
});

describe('gradient by α', () => {
  it('equals finite differences of L = Σ g·ẑ, and is zero for every operation not sampled', () => {
    const alpha = [0.2, -0.5, 1.1, 0.4, 0];
    const epsilon = [0.5, 0.2, -0.3, 0.8, 0.1];
    const g = [0.7, -1.3];
    for (const tau of [5, 1, 0.4]) {
      const loss = (a: readonly number[]) => {
        const { weights } = sampleTwo(a, epsilon, tau, [0.2, 0.7], 'with replacement');
        return weights.reduce((sum, w, i) => sum + w * g[i], 0);
      };
      const drawn = sampleTwo(alpha, epsilon, tau, [0.2, 0.7], 'with replacement');
      expect(drawn.operations).toHaveLength(2);
      const gradient = alphaGradient(drawn, g, tau, 5);
      gradient.forEach((value, o) => {
        const moved = (h: number) => loss(alpha.map((a, p) => (p === o ? a + h : a)));
        expect(value).toBeCloseTo((moved(1e-6) - moved(-1e-6)) / 2e-6, 6);
        expect(value !== 0).toBe(drawn.operations.includes(o));
      });
    }
  });

  it('is zero where both draws coincide', () => {
    expect(alphaGradient({ operations: [2], weights: [1] }, [3], 0.5, 4)).toEqual([0, 0, 0, 0]);
  });
});

describe('numbers that could break it', () => {
  it('draws nothing of probability zero and survives u near 0 and 1', () => {
    expect(draw([0, 0.5, 0.5, 0], 1 - 1e-12)).toBe(2);
    expect(draw([0, 1, 0], 1e-12)).toBe(1);
    expect(draw([0.3, 0.7 - 1e-9, 0], 0.9999999999)).toBe(1);
  });

  it('knows the entropy of one-hot and uniform', () => {
    expect(entropy([0, 1, 0])).toBe(0);
    expect(entropy(new Array<number>(8).fill(1 / 8))).toBeCloseTo(Math.log(8), 12);
  });

  it('has no inf or NaN for extreme logits', () => {
    for (const alpha of [
      [1e4, -1e4, 0],
      [-1e9, -1e9, -1e9],
    ]) {
      for (const tau of [10, 1e-4]) expect(relax(alpha, [0, 0, 0], tau).every(Number.isFinite)).toBe(true);
    }
  });
});
