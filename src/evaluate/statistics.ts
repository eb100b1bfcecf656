/** What a list of scores says: mean, spread, bootstrap interval, and a paired test between two lists. */
import { fail } from '../engine/errors';
import { type Key, uniform } from '../engine/keys';
import { percentile } from './surface';

/** Mean and spread of scores; NaN where there are too few. */
export interface Summary {
  /** Scores that are numbers. */
  readonly n: number;
  readonly mean: number;
  /** Standard deviation with n − 1. */
  readonly sd: number;
  readonly median: number;
  /** 95 % bootstrap interval of the mean. */
  readonly interval: readonly [number, number];
}

/** n, mean, sd, median and bootstrap interval of the scores that are finite. */
export function summarise(scores: readonly number[], k: Key, draws = 10_000): Summary {
  const values = scores.filter(Number.isFinite);
  return {
    ...meanAndSd(values),
    median: percentile(values, 50),
    interval: bootstrapInterval(values, k, draws),
  };
}

/** n, mean, and standard deviation with n − 1; NaN where there are too few. */
export function meanAndSd(values: readonly number[]): Pick<Summary, 'n' | 'mean' | 'sd'> {
  const mean = meanOf(values);
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  const sd = values.length < 2 ? Number.NaN : Math.sqrt(squares / (values.length - 1));
  return { n: values.length, mean, sd };
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : values.reduce((a, b) => a + b, 0) / values.length;
}

/**
 * The percentile bootstrap interval of the mean: the middle 95 % of the means of `draws` samples drawn with replacement, each of n.
 *
 * A function of (values, key). [NaN, NaN] for no values. Source: Efron and Tibshirani 1993, §13.3.
 */
export function bootstrapInterval(
  values: readonly number[],
  k: Key,
  draws = 10_000,
  level = 0.95,
): readonly [number, number] {
  const n = values.length;
  if (n === 0) return [Number.NaN, Number.NaN];
  const u = uniform(k, n * draws);
  const means = new Float64Array(draws);
  for (let d = 0; d < draws; d++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[Math.floor(u[d * n + i] * n)];
    means[d] = sum / n;
  }
  const tail = 50 * (1 - level);
  return [percentile(means, tail), percentile(means, 100 - tail)];
}

/** A paired test. */
export interface Wilcoxon {
  /** Pairs that differ. */
  readonly n: number;
  /** The smaller of the two rank sums. */
  readonly statistic: number;
  /** Two-sided. */
  readonly p: number;
}

/** Above so many pairs the exact distribution gives way to the normal one. */
const EXACT = 500;

/**
 * Wilcoxon's signed-rank test of paired scores, two-sided: do a − b lie about 0?
 *
 * Pairs without difference are left out, equal differences share their mean rank. The distribution of the rank sum under random signs is
 * exact to 500 pairs, also with shared ranks; above, the normal approximation with the correction for ties. p is 1 where no pair differs.
 * Errors: a ScnasError for lists of unlike length.
 * Source: scipy.stats.wilcoxon(zero_method='wilcox', correction=False), which is exact only without ties or for few pairs.
 */
export function wilcoxon(a: readonly number[], b: readonly number[]): Wilcoxon {
  if (a.length !== b.length)
    fail({
      where: 'Wilcoxon’s test',
      expected: 'two scores a case',
      found: `${a.length} and ${b.length} scores`,
      next: 'compare the same cases',
    });
  const differences = a.map((v, i) => v - b[i]).filter((d) => d !== 0 && !Number.isNaN(d));
  const n = differences.length;
  if (n === 0) return { n, statistic: 0, p: 1 };
  const ranks = meanRanks(differences.map(Math.abs));
  const plus = ranks.reduce((sum, rank, i) => sum + (differences[i] > 0 ? rank : 0), 0);
  const all = (n * (n + 1)) / 2;
  const p = n <= EXACT ? exactP(ranks, plus) : normalP(ranks, plus);
  return { n, statistic: Math.min(plus, all - plus), p };
}

/** Ranks from 1; equal values share the mean of theirs. */
export function meanRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Array<number>(values.length);
  for (let first = 0; first < order.length; ) {
    let last = first;
    while (last + 1 < order.length && values[order[last + 1]] === values[order[first]]) last++;
    for (let i = first; i <= last; i++) ranks[order[i]] = (first + last) / 2 + 1;
    first = last + 1;
  }
  return ranks;
}

/** Twice the smaller tail of the rank sum over all 2^n signs; ranks are halves of whole numbers, so doubled they index a table. */
function exactP(ranks: readonly number[], plus: number): number {
  const doubled = ranks.map((rank) => Math.round(2 * rank));
  const chance = new Float64Array(doubled.reduce((a, b) => a + b, 1));
  chance[0] = 1;
  let reached = 0;
  for (const rank of doubled) {
    reached += rank;
    for (let sum = reached; sum >= 0; sum--)
      chance[sum] = 0.5 * (chance[sum] + (sum >= rank ? chance[sum - rank] : 0));
  }
  const at = Math.round(2 * plus);
  let below = 0;
  let above = 0;
  for (let sum = 0; sum < chance.length; sum++) {
    if (sum <= at) below += chance[sum];
    if (sum >= at) above += chance[sum];
  }
  return Math.min(1, 2 * Math.min(below, above));
}

function normalP(ranks: readonly number[], plus: number): number {
  const n = ranks.length;
  // Σ rank² is n(n+1)(2n+1)/6 less the correction for ties.
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4;
  const z = (plus - (n * (n + 1)) / 4) / Math.sqrt(variance);
  return 2 * normalTail(Math.abs(z));
}

/** P(Z > z) for z ≥ 0, relative error below 1.2e-7. Source: Numerical Recipes §6.2, erfc by a Chebyshev fit. */
function normalTail(z: number): number {
  const x = z / Math.SQRT2;
  const t = 1 / (1 + x / 2);
  const series = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277,
  ];
  return 0.5 * t * Math.exp(-x * x + series.reduceRight((sum, c) => sum * t + c, 0));
}

/**
 * The upper tail of a binomial distribution.
 *
 * $P(B \ge k) = \sum_{i \ge k} \binom{n}{i} q^i (1-q)^{n-i}$
 * @param k successes
 * @param n trials
 * @param q chance of each, 0 to 1
 * Source: scipy.stats.binom.sf(k − 1, n, q).
 */
export function binomialTail(k: number, n: number, q: number): number {
  if (q <= 0 || q >= 1) return k <= (q >= 1 ? n : 0) ? 1 : 0;
  let logChoose = 0;
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    if (i > 0) logChoose += Math.log((n - i + 1) / i);
    if (i >= k) sum += Math.exp(logChoose + i * Math.log(q) + (n - i) * Math.log1p(-q));
  }
  return Math.min(1, sum);
}
