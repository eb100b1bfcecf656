import { describe, expect, it } from 'vitest';
import { fold, gumbel, key, normal, uniform } from '../../src/engine/keys';
import { measureMixture, mixtureChoices, mixtureCosts, mixtureTable } from '../../src/notebook/mixture';
import {
  fitOf,
  gumbelMaxFits,
  maxCounts,
  relaxedDraws,
  samplingStatistics,
} from '../../src/notebook/relaxation';
import { type Estimator, gradientStatistics, type ToyEdge, trueGradient } from '../../src/notebook/toy-edge';
import { alphaGradient, sampleTwo, softmax } from '../../src/paper/gumbel';

const alpha = [1, 0.5, 0.2, 0, 0, -0.3, -0.6, -1];

describe('draws on an edge', () => {
  it('the same noise at every τ: the heaviest operation stays, its weight grows', () => {
    const [warm, cold] = [10, 0.1].map((tau) => relaxedDraws(alpha, tau, 200, key(1)));
    const heaviest = (z: readonly number[]) => z.indexOf(Math.max(...z));
    expect(warm.map(heaviest)).toEqual(cold.map(heaviest));
    warm.forEach((z, i) => {
      expect(z.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      expect(Math.max(...cold[i])).toBeGreaterThan(Math.max(...z));
    });
  });

  /** Computed outside this project from 200,000 draws: mean largest z̄, top two's second weight, coincidence with replacement. */
  const table = [
    [10, 0.154, 0.473, 0.127],
    [1, 0.494, 0.296, 0.355],
    [0.1, 0.939, 0.056, 0.913],
  ];
  it('meet the table of sampling statistics', () => {
    const taus = table.map(([tau]) => tau);
    const found = samplingStatistics(new Array(8).fill(0), taus, 40_000, key(2));
    table.forEach(([tau, largest, second, coincide], i) => {
      expect(found[i].tau).toBe(tau);
      expect(Math.abs(found[i].largest - largest)).toBeLessThan(0.005);
      expect(Math.abs(found[i].lighter['top two'] - second)).toBeLessThan(0.005);
      expect(Math.abs(found[i].coincide['with replacement'] - coincide)).toBeLessThan(0.01);
      expect([found[i].coincide['top two'], found[i].coincide['without replacement']]).toEqual([0, 0]);
    });
  });
});

describe('Gumbel-max against softmax(α)', () => {
  it('χ² and total variation of known counts', () => {
    // expected 30, 20: χ² = 25/30 + 25/20; total variation = ½(0.1 + 0.1)
    const { chiSquare, totalVariation } = fitOf([35, 15], [0.6, 0.4]);
    expect(chiSquare).toBeCloseTo(25 / 30 + 25 / 20, 12);
    expect(totalVariation).toBeCloseTo(0.1, 12);
  });

  it('is exact over 200 repetitions: mean χ² 7, about one in twenty above 14.07', () => {
    const p = softmax(alpha);
    const found = Array.from(
      { length: 200 },
      (_, i) => fitOf(maxCounts(alpha, 2000, key(3, i)), p).chiSquare,
    );
    const mean = found.reduce((a, b) => a + b) / 200;
    expect(Math.abs(mean - 7)).toBeLessThan(4 * Math.sqrt(14 / 200)); // χ² of 7 degrees has variance 14
    const above = found.filter((v) => v > 14.067).length;
    expect(above).toBeGreaterThanOrEqual(2);
    expect(above).toBeLessThanOrEqual(22);
  });

  it('other noise is found out, the sooner the more draws', () => {
    const fits = gumbelMaxFits(alpha, [1000, 30_000], key(4));
    expect(fits.map((f) => f.count)).toEqual([1000, 30_000]);
    expect(fits[1].normal.chiSquare).toBeGreaterThan(100);
    expect(fits[1].gumbel.chiSquare).toBeLessThan(24.3); // 99.9 %
    expect(fits[1].gumbel.totalVariation).toBeLessThan(fits[1].normal.totalVariation / 3);
    const one = maxCounts([0, 9], 500, key(5), normal);
    expect(one[1]).toBeGreaterThan(495);
  });
});

const edge: ToyEdge = { alpha: [0.4, 0, -0.3], outputs: [1, 0.2, -0.6], target: 0.9 };
const norm = (v: readonly number[]) => Math.hypot(...v);

describe('the gradient of α on a toy edge', () => {
  it('the true one equals differences of the expected loss', () => {
    const loss = (a: readonly number[]) =>
      softmax(a).reduce((sum, p, o) => sum + (p * (edge.outputs[o] - edge.target) ** 2) / 2, 0);
    trueGradient(edge).forEach((g, o) => {
      const moved = (h: number) => loss(edge.alpha.map((a, k) => a + (k === o ? h : 0)));
      expect(g).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 8);
    });
  });

  it.each(['with replacement', 'without replacement', 'top two'] as const)(
    'enumerated mean and variance are those of draws (%s)',
    (estimator) => {
      const [tau, n] = [1, 40_000];
      const epsilon = gumbel(key(6, estimator), 3 * n);
      const u = uniform(key(7, estimator), 2 * n);
      const sum = [0, 0, 0];
      let square = 0;
      for (let i = 0; i < n; i++) {
        const drawn = sampleTwo(
          edge.alpha,
          epsilon.subarray(3 * i),
          tau,
          u.subarray(2 * i, 2 * i + 2),
          estimator,
        );
        const value = drawn.operations.reduce((s, o, k) => s + drawn.weights[k] * edge.outputs[o], 0);
        const byZHat = drawn.operations.map((o) => (value - edge.target) * edge.outputs[o]);
        alphaGradient(drawn, byZHat, tau, 3).forEach((g, o) => {
          sum[o] += g / n;
          square += (g * g) / n;
        });
      }
      const found = gradientStatistics(edge, tau, estimator);
      const deviation = found.deviation * norm(trueGradient(edge));
      // four standard errors
      expect(norm(sum.map((v, o) => v - found.mean[o]))).toBeLessThan((4 * deviation) / Math.sqrt(n));
      expect(Math.sqrt(square - norm(sum) ** 2) / deviation).toBeCloseTo(1, 1);
    },
  );

  it('of all operations is the derivative of the mean relaxed loss', () => {
    // The integral of L(Z̄) over the noise, as a mean over many stored draws, differentiated by α
    const n = 20_000;
    const epsilon = gumbel(fold(key(8), 'all'), 3 * n);
    const loss = (a: readonly number[]) => {
      let total = 0;
      for (let i = 0; i < n; i++) {
        const z = softmax(a.map((v, o) => v + epsilon[3 * i + o]));
        total += (z.reduce((s, w, o) => s + w * edge.outputs[o], 0) - edge.target) ** 2 / 2 / n;
      }
      return total;
    };
    const found = gradientStatistics(edge, 1, 'all');
    const error = (4 * found.deviation * norm(trueGradient(edge))) / Math.sqrt(n);
    found.mean.forEach((g, o) => {
      const moved = (h: number) => loss(edge.alpha.map((a, k) => a + (k === o ? h : 0)));
      expect(Math.abs(g - (moved(1e-4) - moved(-1e-4)) / 2e-4)).toBeLessThan(error);
    });
  });

  it('as τ falls bias falls and deviation rises; with replacement a third of the gradient is left, in its direction', () => {
    const ways: Estimator[] = ['all', 'top two', 'without replacement', 'with replacement'];
    for (const way of ways) {
      const [warm, cold] = [5, 0.1].map((tau) => gradientStatistics(edge, tau, way));
      expect(cold.bias, way).toBeLessThan(warm.bias);
      expect(cold.deviation, way).toBeGreaterThan(warm.deviation);
      expect(cold.direction, way).toBeGreaterThan(0.999);
      if (way === 'with replacement') expect(Math.abs(cold.length - 1 / 3)).toBeLessThan(0.01);
      else expect(cold.bias, way).toBeLessThan(0.1);
    }
  });
});

describe('two operations or eight', () => {
  it('each edge computes so many, each operation about equally often', () => {
    const choices = mixtureChoices(3);
    expect(choices).toHaveLength(14);
    expect(choices[7].operations).toEqual([7, 0, 1]);
    expect(choices.flatMap((c) => c.places)).toEqual(Array.from({ length: 42 }, (_, i) => i));
  });

  it('the cost table: maps grow nearly with the operations', () => {
    const [two, eight] = mixtureCosts({ stem: 48, patch: [128, 128, 128], counts: [2, 8] });
    expect(eight.activationBytes / two.activationBytes).toBeGreaterThan(3);
    expect(eight.activationBytes / two.activationBytes).toBeLessThan(4);
    expect(eight.parameters).toBeGreaterThan(two.parameters);
  });

  it('is measured in a process of its own', { timeout: 120_000 }, async () => {
    const found = await measureMixture({ stem: 16, patch: [24, 24, 24], counts: [1, 8] });
    expect(found.map((c) => c.operations)).toEqual([1, 8]);
    for (const c of found) expect(c.seconds).toBeGreaterThan(0);
    expect(found[1].bytes).toBeGreaterThan(found[0].bytes);
    expect(found[1].cost.flops).toBeGreaterThan(found[0].cost.flops);
    const { rows } = mixtureTable(found);
    expect(rows[0]).toContain(`${(found[0].cost.flops / 1e6).toFixed(0)} M (1.0 ×)`);
    await expect(measureMixture({ stem: 3, patch: [8, 8, 8], counts: [1] })).rejects.toThrow();
  });
});
