/** Two evaluated runs side by side, over the cases that both have. */
import path from 'node:path';
import { fail } from '../engine/errors';
import { readJson } from './files';
import { readLines, readRecord } from './folder';
import type { RunRecord } from './record';
import { type CaseLine, type Comparison, compareLines } from './scores';

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
 * Compares runs `a` and `b`; each is a run folder, a copy under results/, or several joined by commas (the folds of one method).
 *
 * Errors: a ScnasError where one is not evaluated, where tasks or data differ, where folds of one share a case, or where no case is in both.
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
  const other = runs.find(({ record }) => record.dataHash !== runs[0].record.dataHash);
  if (other)
    fail({
      where: names,
      expected: 'folds of one data set',
      found: `${runs[0].record.task} and ${other.record.task}, or changed files`,
      next: 'join runs on one data set only',
    });
  const lines = runs.flatMap((run) => run.lines).sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const twice = lines.find(({ id }, i) => i > 0 && lines[i - 1].id === id);
  if (twice)
    fail({
      where: names,
      expected: 'each case in one of the folds',
      found: `${twice.id} in two`,
      next: 'join runs of different folds only',
    });
  return { record: runs[0].record, lines };
}
