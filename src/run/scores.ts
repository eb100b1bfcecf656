/** Scores of cases: lines of cases.jsonl, what they sum up to, and two runs side by side. */
import type { DatasetCase } from '../data/msd';
import { fold, type Key, key } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import { meanDice, scoreCase } from '../evaluate/dice';
import { meanAndSd, type Summary, summarise, wilcoxon } from '../evaluate/statistics';
import { hd95 } from '../evaluate/surface';
import { groups } from '../evaluate/table-layout';

type Scores = Readonly<Record<string, number | null>>;

/** A line of cases.jsonl, by class. */
export interface CaseLine {
  readonly id: DatasetCase['id'];
  /** null where a class is neither there nor predicted. */
  readonly dice: Scores;
  /** mm; null also where a class is there or predicted, but not both. Lines of earlier versions lack it. */
  readonly hd95?: Scores;
  /** Mean Dice over the classes that have one. */
  readonly mean: number | null;
  readonly seconds: number;
}

/** The metrics of a line: how a number of one is shown, and what it is called. */
export const metrics = {
  dice: { title: 'Dice, %', show: (v: number) => (100 * v).toFixed(2) },
  hd95: { title: 'HD95, mm', show: (v: number) => v.toFixed(2) },
} as const;
export type Metric = keyof typeof metrics;

/** A number that JSON can hold: null where it is not finite. */
export function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Scores a label map against the truth, both on the grid on disk. `classes` begins with the background, which is not scored. */
export function caseLine(
  classes: readonly string[],
  id: string,
  {
    labels,
    truth,
    shape,
    spacing,
  }: {
    readonly labels: Uint8Array;
    readonly truth: Uint8Array;
    readonly shape: Shape3;
    readonly spacing: readonly [number, number, number];
  },
  seconds: number,
): CaseLine {
  const { dice } = scoreCase(id, labels, truth, classes.length);
  const named = (of: (label: number) => number) =>
    Object.fromEntries(classes.slice(1).map((name, k): [string, number | null] => [name, orNull(of(k + 1))]));
  return {
    id,
    dice: named((label) => dice[label]),
    hd95: named((label) => hd95(labels, truth, label, shape, spacing)),
    mean: orNull(meanDice([{ id, dice }]).mean),
    seconds: Math.round(seconds * 100) / 100,
  };
}

/** The score of a class in a line; `mean` is the mean over the classes that have one. NaN where there is none. */
export function scoreOf(line: CaseLine, metric: Metric, name: string): number {
  const scores = line[metric] ?? {};
  if (name !== 'mean') return scores[name] ?? Number.NaN;
  const numbers = Object.values(scores).filter((v): v is number => v !== null);
  return numbers.length === 0 ? Number.NaN : numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

/** Mean Dice over cases by class, and over the classes. */
export function diceOfLines(
  cases: readonly CaseLine[],
  classes: readonly string[],
): Readonly<Record<string, number | null>> {
  const rows = cases.map(({ id, dice }) => ({
    id,
    dice: [Number.NaN, ...classes.slice(1).map((name) => dice[name] ?? Number.NaN)],
  }));
  const { perClass, mean } = meanDice(rows);
  const named = classes.slice(1).map((name, k): [string, number | null] => [name, orNull(perClass[k + 1])]);
  return { ...Object.fromEntries(named), mean: orNull(mean) };
}

/** A summary with null for what is not a number, as a record keeps it. */
export type SummaryRecord = Readonly<Record<'n' | 'mean' | 'sd' | 'median' | 'low' | 'high', number | null>>;

/**
 * n, mean, sd, median and 95 % bootstrap interval of each metric and class, and of the cases' means over classes.
 *
 * The interval is drawn by (seed, metric, class).
 */
export function summariseLines(
  lines: readonly CaseLine[],
  classes: readonly string[],
  seed: number,
): Readonly<Record<Metric, Readonly<Record<string, SummaryRecord>>>> {
  const of = (metric: Metric) =>
    Object.fromEntries(
      [...classes.slice(1), 'mean'].map((name) => {
        const k = key(seed, 'bootstrap', metric, name);
        return [
          name,
          record(
            summarise(
              lines.map((line) => scoreOf(line, metric, name)),
              k,
            ),
          ),
        ];
      }),
    );
  return { dice: of('dice'), hd95: of('hd95') };
}

function record({ n, mean, sd, median, interval: [low, high] }: Summary): SummaryRecord {
  return {
    n,
    mean: orNull(mean),
    sd: orNull(sd),
    median: orNull(median),
    low: orNull(low),
    high: orNull(high),
  };
}

/** Each case's scores averaged over the lines that have one: its seeds. Sorted by id. */
export function overSeeds(lines: readonly CaseLine[]): CaseLine[] {
  const mean = (values: readonly (number | null | undefined)[]) =>
    orNull(meanAndSd(values.filter((v): v is number => typeof v === 'number')).mean);
  return groups(lines, ({ id }) => id)
    .map((of): CaseLine => {
      const scores = (metric: 'dice' | 'hd95') =>
        Object.fromEntries(
          Object.keys(of[0].dice).map((name) => [name, mean(of.map((line) => line[metric]?.[name]))]),
        );
      const dice = scores('dice');
      return { ...of[0], dice, hd95: scores('hd95'), mean: mean(Object.values(dice)) };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** One score of two runs over the cases that both have it. */
export interface Comparison {
  readonly metric: Metric;
  readonly name: string;
  /** Cases with the score in both runs. */
  readonly n: number;
  readonly a: number | null;
  readonly b: number | null;
  /** Mean of a − b, with its 95 % bootstrap interval. */
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Wilcoxon's signed-rank test, two-sided; null without a pair. */
  readonly p: number | null;
}

/** Compares two runs case by case: each class, and the cases' means over classes. `a` and `b` hold the same ids in the same order. */
export function compareLines(
  a: readonly CaseLine[],
  b: readonly CaseLine[],
  classes: readonly string[],
  seed: number,
): Comparison[] {
  return (['dice', 'hd95'] as const).flatMap((metric) =>
    [...classes, 'mean'].map((name) => compare(metric, name, a, b, fold(key(seed, 'compare'), metric, name))),
  );
}

function compare(
  metric: Metric,
  name: string,
  a: readonly CaseLine[],
  b: readonly CaseLine[],
  k: Key,
): Comparison {
  const pairs = a
    .map((line, i) => [scoreOf(line, metric, name), scoreOf(b[i], metric, name)])
    .filter((pair) => pair.every(Number.isFinite));
  const first = pairs.map(([x]) => x);
  const second = pairs.map(([, y]) => y);
  const { mean, interval } = summarise(
    pairs.map(([x, y]) => x - y),
    k,
  );
  return {
    metric,
    name,
    n: pairs.length,
    a: orNull(summarise(first, k, 0).mean),
    b: orNull(summarise(second, k, 0).mean),
    difference: orNull(mean),
    low: orNull(interval[0]),
    high: orNull(interval[1]),
    p: pairs.length === 0 ? null : wilcoxon(first, second).p,
  };
}
