/** Two evaluated runs side by side, over the cases that both have. */
import path from 'node:path';
import { fail } from '../engine/errors';
import { meanAndSd } from '../evaluate/statistics';
import { groups } from '../evaluate/table-layout';
import { readJson } from './files';
import { readLines, readRecord } from './folder';
import type { RunRecord } from './record';
import { type CaseLine, type Comparison, compareLines, orNull } from './scores';

/** A comparison with what it rests on. */
export interface RunComparison {
  readonly rows: readonly Comparison[];
  readonly task: string;
  /** Cases that both runs have. */
  readonly cases: number;
  /** Cases that one of them has alone. */
  readonly alone: readonly [number, number];
}

/**
 * Compares runs `a` and `b`; each is a run folder, a copy under results/, or several joined by commas (folds and seeds of one method, a case's seeds
 * averaged first).
 *
 * Errors: a ScnasError where one is not evaluated, where tasks, data or methods differ, where a run is joined with itself, or where no case is in both.
 */
export function compareRuns(a: string, b: string, seed = 0): RunComparison {
  const [first, second] = [a, b].map(readRuns);
  for (const field of ['task', 'dataHash'] as const)
    if (first.record[field] !== second.record[field])
      fail({
        where: `comparison of ${a} and ${b}`,
        expected: `the same ${field === 'task' ? 'task' : 'data'}`,
        found: `${first.record[field]} and ${second.record[field]}`,
        next: 'compare runs on one data set',
      });
  const others = new Map(second.lines.map((line) => [line.id, line]));
  const pairs = first.lines.flatMap((line) => {
    const other = others.get(line.id);
    return other ? [[line, other] as const] : [];
  });
  if (pairs.length === 0)
    fail({
      where: `comparison of ${a} and ${b}`,
      expected: 'a case that both have',
      found: `folds ${first.record.fold} and ${second.record.fold}, and none`,
      next: 'evaluate both on the same folds',
    });
  const classes = Object.keys(pairs[0][0].dice);
  return {
    rows: compareLines(
      pairs.map(([line]) => line),
      pairs.map(([, line]) => line),
      classes,
      seed,
    ),
    task: first.record.task,
    cases: pairs.length,
    alone: [first.lines.length - pairs.length, second.lines.length - pairs.length],
  };
}

/** The lines of one or more runs, sorted by id, and the record of the first. */
function readRuns(names: string): { readonly record: RunRecord; readonly lines: readonly CaseLine[] } {
  const runs = names.split(',').map((dir) => {
    readJson(path.join(dir, 'record.json'), 'give the folder of an evaluated run');
    const record = readRecord({ dir });
    const lines = readLines<CaseLine>({ dir }, 'cases.jsonl');
    if (lines.length === 0)
      fail({
        where: dir,
        expected: 'an evaluated run',
        found: 'no cases',
        next: `scnas evaluate --run ${dir}`,
      });
    return { record, lines };
  });
  for (const [field, one] of [
    ['dataHash', 'data set'],
    ['method', 'method'],
  ] as const) {
    const other = runs.find(({ record }) => record[field] !== runs[0].record[field]);
    if (other)
      fail({
        where: names,
        expected: `folds and seeds of one ${one}`,
        found: [runs[0].record, other.record].map(({ task, method }) => `${task} by ${method}`).join(' and '),
        next: `join runs of one ${one} only`,
      });
  }
  const parts = runs.map(({ record: { fold, seed } }) => `fold ${fold}, seed ${seed}`);
  const twice = parts.find((part, i) => parts.indexOf(part) < i);
  if (twice)
    fail({
      where: names,
      expected: 'each fold and seed once',
      found: `${twice} twice`,
      next: 'join different runs only',
    });
  return { record: runs[0].record, lines: overSeeds(runs.flatMap((run) => run.lines)) };
}

/** Each case's scores averaged over the lines that have one, sorted by id. */
function overSeeds(lines: readonly CaseLine[]): CaseLine[] {
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
