/** Two evaluated runs side by side, over the cases that both have. */
import path from 'node:path';
import { fail } from '../engine/errors';
import { readJson } from './files';
import { openRun, readLines, readRecord } from './folder';
import type { RunRecord } from './record';
import { type CaseLine, type Comparison, compareLines, overSeeds } from './scores';
import { partsOf } from './table-runs';

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
 * Compares runs `a` and `b`; each is a run folder, a copy under results/, or several joined by commas: what may stand in one row of a table, folds and
 * seeds of one method trained alike, a case's seeds averaged first.
 *
 * Errors: a ScnasError where one is not evaluated, where tasks, data, methods or settings differ, where a run is joined with itself, or where no case is in both.
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
    return { dir, record, lines };
  });
  const [first, ...more] = runs;
  const kind = ({ task, dataHash, method, inner }: RunRecord) =>
    JSON.stringify([task, dataHash, method, inner ?? false]);
  const other = more.find(({ record }) => kind(record) !== kind(first.record));
  if (other)
    fail({
      where: names,
      expected: 'folds and seeds of one method on one data set',
      found: [first, other].map(({ record }) => named(record)).join(' and '),
      next: 'join runs of one method and data set only',
    });
  // A run alone needs no configuration beside its record.
  const joined = more.length > 0 ? runs : [];
  const [own, ...others] = joined.map(({ dir, record }) => partsOf(openRun(dir).config, record));
  for (const parts of others) {
    const unlike = (['budget', 'plan', 'own'] as const).find((part) => parts[part] !== own[part]);
    if (unlike)
      fail({
        where: names,
        expected: 'runs that were trained alike, as in a row of a table',
        found: `${own.words[unlike]}, and ${parts.words[unlike]}`,
        next: 'compare them apart',
      });
  }
  const places = runs.map(({ record: { fold, seed } }) => `fold ${fold}, seed ${seed}`);
  const twice = places.find((place, i) => places.indexOf(place) < i);
  if (twice)
    fail({
      where: names,
      expected: 'each fold and seed once',
      found: `${twice} twice`,
      next: 'join different runs only',
    });
  return { record: first.record, lines: overSeeds(runs.flatMap((run) => run.lines)) };
}

const named = ({ task, method, inner }: RunRecord) =>
  `${task} by ${method}${inner ? ' on an inner split' : ''}`;
