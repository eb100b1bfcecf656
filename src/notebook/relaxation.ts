/** The relaxation and Algorithm 1 in numbers (§2.2): what many draws on one edge look like, and whether Gumbel-max is exact. */
import { fold, gumbel, type Key, normal, uniform } from '../engine/keys';
import { relax, sampleTwo, softmax } from '../paper/gumbel';
import { type Readings, readingTable } from '../paper/readings';

type Samples = Readings['samples'];
/** The readings of Algorithm 1's two samples, the default first. */
const readings = readingTable.flatMap((r) => (r.name === 'samples' ? [...r.options] : []));

/** One number for each reading of Algorithm 1's two samples. */
export type PerReading = Readonly<Record<Samples, number>>;

/** Many draws on one edge at one temperature. */
export interface SamplingStatistics {
  readonly tau: number;
  /** Mean of the largest z̄. */
  readonly largest: number;
  /** Share of draws in which both samples are one operation. */
  readonly coincide: PerReading;
  /** Mean weight ẑ of the lighter operation; 0 where both samples coincide. */
  readonly lighter: PerReading;
}

/**
 * `count` relaxed one-hot vectors Z̄ = softmax((α + ε)/τ) of an edge, Eq. (4). The noise ε depends on the key alone, so that other τ show the same draws.
 *
 * @param alpha α, logits, [operations]
 * @param tau τ, temperature, > 0
 * @param count how many
 * @param k key of the noise
 * @returns Z̄, [count][operations]
 */
export function relaxedDraws(alpha: readonly number[], tau: number, count: number, k: Key): number[][] {
  const epsilon = gumbel(k, count * alpha.length);
  return Array.from({ length: count }, (_, i) => relax(alpha, noiseOf(epsilon, alpha, i), tau));
}

const noiseOf = (epsilon: Float64Array, alpha: readonly number[], i: number) =>
  epsilon.subarray(i * alpha.length, (i + 1) * alpha.length);

/**
 * How Algorithm 1's two samples behave at each temperature, in each of its readings.
 *
 * @param alpha α, logits, [operations]
 * @param taus temperatures τ, > 0
 * @param count draws at each
 * @param k key of noise and draws
 */
export function samplingStatistics(
  alpha: readonly number[],
  taus: readonly number[],
  count: number,
  k: Key,
): SamplingStatistics[] {
  const epsilon = gumbel(fold(k, 'noise'), count * alpha.length);
  const u = uniform(fold(k, 'draws'), 2 * count);
  return taus.map((tau) => {
    const mean = (of: (noise: Float64Array, pair: Float64Array) => number) => {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += of(noiseOf(epsilon, alpha, i), u.subarray(2 * i, 2 * i + 2));
      return sum / count;
    };
    const each = (of: (weights: readonly number[]) => number) =>
      Object.fromEntries(
        readings.map((reading) => [
          reading,
          mean((noise, pair) => of(sampleTwo(alpha, noise, tau, pair, reading).weights)),
        ]),
      ) as unknown as PerReading;
    return {
      tau,
      largest: mean((noise) => Math.max(...relax(alpha, noise, tau))),
      coincide: each((weights) => (weights.length === 1 ? 1 : 0)),
      lighter: each((weights) => (weights.length === 1 ? 0 : Math.min(...weights))),
    };
  });
}

/**
 * How often each operation has the largest α + ε: with Gumbel noise, an exact draw from softmax(α).
 *
 * @param alpha α, logits, [operations]
 * @param count draws
 * @param k key of the noise
 * @param noise standard Gumbel unless told otherwise: with any other, the draw is not exact
 * @returns counts, [operations]
 */
export function maxCounts(
  alpha: readonly number[],
  count: number,
  k: Key,
  noise: (k: Key, n: number) => ArrayLike<number> = gumbel,
): number[] {
  const epsilon = noise(k, count * alpha.length);
  const counts = new Array<number>(alpha.length).fill(0);
  for (let i = 0; i < count; i++) {
    let top = 0;
    for (let o = 1; o < alpha.length; o++) {
      const at = i * alpha.length;
      if (alpha[o] + epsilon[at + o] > alpha[top] + epsilon[at + top]) top = o;
    }
    counts[top]++;
  }
  return counts;
}

/** How far counts are from a distribution. */
export interface Fit {
  /** χ² = Σ (count − expected)² / expected: about its degrees of freedom, |O| − 1, where the distribution is right. */
  readonly chiSquare: number;
  /** ½ Σ |share − p|, from 0 to 1. */
  readonly totalVariation: number;
}

/**
 * Counts against probabilities.
 *
 * @param counts [operations]
 * @param p probabilities, all > 0, [operations]
 */
export function fitOf(counts: readonly number[], p: readonly number[]): Fit {
  const n = counts.reduce((a, b) => a + b, 0);
  const sum = (of: (share: number, p: number) => number) =>
    counts.reduce((total, c, o) => total + of(c / n, p[o]), 0);
  return {
    chiSquare: n * sum((share, q) => (share - q) ** 2 / q),
    totalVariation: sum((share, q) => Math.abs(share - q)) / 2,
  };
}

/**
 * {@link fitOf} of Gumbel-max to softmax(α), from ever more draws, beside the same with normal noise of the same variance π²/6.
 *
 * @param alpha α, logits, [operations]
 * @param counts numbers of draws
 * @param k key of the noise
 */
export function gumbelMaxFits(
  alpha: readonly number[],
  counts: readonly number[],
  k: Key,
): { readonly count: number; readonly gumbel: Fit; readonly normal: Fit }[] {
  const p = softmax(alpha);
  const scaled = (key: Key, n: number) =>
    Float64Array.from(normal(key, n), (v) => v * (Math.PI / Math.sqrt(6)));
  return counts.map((count) => ({
    count,
    gumbel: fitOf(maxCounts(alpha, count, fold(k, count)), p),
    normal: fitOf(maxCounts(alpha, count, fold(k, count), scaled), p),
  }));
}
