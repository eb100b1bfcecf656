/** Records of runs under results/, as tables and bars: what was run, what was not. No number here comes from anywhere else. */
import fs from 'node:fs';
import path from 'node:path';
import { meanAndSd } from '../evaluate/statistics';
import { type Genotype, parseGenotype } from '../paper/genotype';
import { operations as paperOperations } from '../paper/operations';
import { readJson } from '../run/files';
import { readLines, readRecord } from '../run/folder';
import type { RunRecord } from '../run/record';
import { type CaseLine, compareLines, overSeeds } from '../run/scores';
import { type BarsFigure, type TableFigure, tableFigure } from './figure';
import { methodColor } from './palette';

/** Where records are committed. */
export const RESULTS = path.join(__dirname, '..', '..', 'results');

/** A run that was published: its record, and what lies beside it. */
export interface PublishedRun {
  /** Its folder below results/. */
  readonly where: string;
  /** The folder itself, for what else lies in it. */
  readonly dir: string;
  readonly record: RunRecord;
  readonly cases: readonly CaseLine[];
  readonly genotype?: Genotype;
}

/** Whether a folder is a run of the paper's eight operations: a genotype with others cannot be read here. */
function genotypeIn(dir: string): Genotype | undefined {
  const file = path.join(dir, 'genotype.json');
  if (!fs.existsSync(file)) return undefined;
  const json = readJson(file, 'publish the run again') as { readonly operations?: readonly string[] };
  const known = json.operations?.every((name) => paperOperations.some((o) => o.name === name));
  return known ? parseGenotype(json, paperOperations, file) : undefined;
}

/**
 * The evaluated runs below a folder, sorted by their place.
 *
 * @param under a folder of results/; all of it unless told otherwise
 * @param root where records lie
 */
export function publishedRuns(under = '', root = RESULTS): PublishedRun[] {
  const walk = (dir: string): PublishedRun[] => {
    if (!fs.existsSync(dir)) return [];
    const entries = fs.readdirSync(dir, { withFileTypes: true });
    const below = entries.filter((e) => e.isDirectory()).flatMap((e) => walk(path.join(dir, e.name)));
    return entries.some((e) => e.isFile() && e.name === 'record.json')
      ? [published(root, dir), ...below]
      : below;
  };
  return walk(path.join(root, under))
    .filter(({ record }) => record.dice !== null)
    .sort((a, b) => (a.where < b.where ? -1 : 1));
}

function published(root: string, dir: string): PublishedRun {
  const where = path.relative(root, dir).split(path.sep).join('/');
  const genotype = genotypeIn(dir);
  const cases = readLines<CaseLine>({ dir }, 'cases.jsonl');
  return { where, dir, record: readRecord({ dir }), cases, ...(genotype ? { genotype } : {}) };
}

/** Runs that compare: one task, one data set, as many steps of retraining, in one folder of results/. */
export interface RunGroup {
  readonly task: string;
  readonly folder: string;
  readonly steps: number;
  readonly runs: readonly PublishedRun[];
}

/** The runs of some tasks in groups that compare. A run that chose (`inner`) is no result and is left out. */
export function groupsOf(runs: readonly PublishedRun[], tasks: readonly string[]): RunGroup[] {
  const keyOf = ({ where, record }: PublishedRun) => {
    const steps = record.phases.retrain?.steps ?? 0;
    return { task: record.task, folder: where.split('/')[0], steps, hash: record.dataHash };
  };
  const asked = runs.filter(({ record }) => tasks.includes(record.task) && !record.inner);
  const groups = new Map<string, RunGroup>();
  for (const run of asked) {
    const { hash, ...place } = keyOf(run);
    const name = JSON.stringify([place, hash]);
    groups.set(name, { ...place, runs: [...(groups.get(name)?.runs ?? []), run] });
  }
  const order = (g: RunGroup) => tasks.indexOf(g.task);
  return [...groups.values()].sort((a, b) => order(a) - order(b));
}

/** Mean Dice, %, of each run of a method: a number a fold and seed. */
export function diceOf(runs: readonly PublishedRun[], method: string): number[] {
  return runs
    .filter(({ record }) => record.method === method)
    .flatMap(({ record }) => (typeof record.dice?.mean === 'number' ? [100 * record.dice.mean] : []));
}

const mean = (values: readonly number[]) => meanAndSd(values).mean;
const spread = (values: readonly number[]) => meanAndSd(values).sd;

function diceWords(values: readonly number[]): string {
  if (values.length === 0) return 'not run';
  const sd = values.length > 1 ? ` ± ${spread(values).toFixed(2)} (${values.length} runs)` : '';
  return `${mean(values).toFixed(2)}${sd}`;
}

/** Tasks without any run are groups too: nothing was run there. */
function withMissing(runs: readonly PublishedRun[], tasks: readonly string[]): RunGroup[] {
  const groups = groupsOf(runs, tasks);
  const none = (task: string): RunGroup => ({ task, folder: '', steps: 0, runs: [] });
  return tasks.flatMap((task) => {
    const own = groups.filter((group) => group.task === task);
    return own.length > 0 ? own : [none(task)];
  });
}

const groupName = ({ task, folder, steps }: RunGroup) =>
  folder ? `${task} (${folder}, ${steps} steps)` : task;

/**
 * Mean Dice of methods on tasks; what has no record is "not run". Behind ± stands the standard deviation over folds and seeds.
 *
 * @param methods methods of the records by the name to show
 */
export function scoreTable(
  runs: readonly PublishedRun[],
  tasks: readonly string[],
  methods: Readonly<Record<string, string>>,
  title: string,
): TableFigure {
  const rows = withMissing(runs, tasks).map((group) => [
    groupName(group),
    ...Object.values(methods).map((method) => diceWords(diceOf(group.runs, method))),
  ]);
  return tableFigure(['task', ...Object.keys(methods)], rows, {
    title,
    caption: 'Mean Dice, %, over classes and cases.',
  });
}

/** As {@link scoreTable}, as bars with standard deviations. */
export function scoreBars(
  runs: readonly PublishedRun[],
  tasks: readonly string[],
  methods: Readonly<Record<string, string>>,
  title: string,
): BarsFigure {
  const groups = withMissing(runs, tasks);
  const series = Object.entries(methods).map(([name, method]) => {
    const values = groups.map((group) => diceOf(group.runs, method));
    return {
      name,
      values: values.map(mean),
      errors: values.map((v) => (v.length > 1 ? spread(v) : 0)),
      colors: [methodColor(method)],
    };
  });
  const caption = 'Whiskers: standard deviation over folds and seeds, where there are several.';
  return { kind: 'bars', title, caption, categories: groups.map(groupName), series, yTitle: 'Dice, %' };
}

/**
 * Differences between two methods, case by case over the cases that both have, each with its 95 % bootstrap interval and Wilcoxon's p.
 *
 * @param a method whose Dice is taken
 * @param b method whose Dice is taken away
 */
export function differenceTable(
  runs: readonly PublishedRun[],
  tasks: readonly string[],
  [a, b]: readonly [string, string],
  title: string,
): TableFigure {
  const rows = withMissing(runs, tasks).map((group) => {
    const found = pairedDice(group.runs, a, b);
    return [groupName(group), ...(found ?? ['not run', '', '', ''])];
  });
  return tableFigure(['task', 'difference, % Dice', '95 % interval', 'p', 'cases'], rows, { title });
}

function pairedDice(runs: readonly PublishedRun[], a: string, b: string): string[] | undefined {
  const [first, second] = [a, b].map((method) =>
    byCase(runs.filter(({ record }) => record.method === method)),
  );
  const ids = [...first.keys()].filter((id) => second.has(id)).sort();
  if (ids.length === 0) return undefined;
  const lines = (of: ReadonlyMap<string, CaseLine>) =>
    ids.flatMap((id) => {
      const line = of.get(id);
      return line ? [line] : [];
    });
  const row = compareLines(lines(first), lines(second), [], 0).find(({ metric }) => metric === 'dice');
  // Rounded first, so that there is no −0.00.
  const percent = (v: number | null | undefined) =>
    typeof v === 'number' ? (Math.round(1e4 * v) / 100 + 0).toFixed(2).replace('-', '−') : '–';
  return [
    percent(row?.difference),
    `${percent(row?.low)} to ${percent(row?.high)}`,
    row?.p?.toFixed(3) ?? '–',
    String(row?.n),
  ];
}

/** A case of a record: its Dice, the mean over the classes. */
export interface CaseDice {
  readonly id: string;
  readonly dice: number;
}

/** The cases that the runs of a method scored, each with its mean Dice, 0 to 1, averaged over runs. */
export function casesOf(runs: readonly PublishedRun[], method: string): CaseDice[] {
  const own = runs.filter(({ record }) => record.method === method && !record.inner);
  return [...byCase(own)].map(([id, { dice }]) => ({
    id,
    dice: mean(Object.values(dice).flatMap((value) => value ?? [])),
  }));
}

/** One line a case: over several seeds of a fold, the mean of its scores. */
const byCase = (runs: readonly PublishedRun[]): ReadonlyMap<string, CaseLine> =>
  new Map(overSeeds(runs.flatMap(({ cases }) => cases)).map((line) => [line.id, line]));
