/** Runs, records, scores and reports as a reader wants to see them; {@link readable} asks for these. */
import type { SearchReport } from '../paper/bilevel';
import type { RetrainReport } from '../paper/retrain';
import type { Evaluation } from '../run/evaluate';
import { type RunFolder, readRecord } from '../run/folder';
import type { RunRecord } from '../run/record';
import type { CaseLine } from '../run/scores';
import { type TableFigure, tableFigure } from './figure';
import type { PublishedRun } from './records';
import { count, million, short } from './scale';

const percent = (v: number | null | undefined) => (typeof v === 'number' ? (100 * v).toFixed(2) : 'none');

/** What a record says of its run: steps, seconds, cost, Dice. */
export function recordTable(
  record: RunRecord,
  title = `Run record: ${record.method} on ${record.task}`,
): TableFigure {
  const { fold, inner, seed, phases, dice, cases, facts, kernels, cpu } = record;
  const number = (name: string) => {
    const value = facts[name];
    return typeof value === 'number' ? million(value) : undefined;
  };
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['fold and seed', `${fold}${inner ? ' (inner)' : ''}, ${seed}`],
    ...Object.entries(phases).map(([name, p]): [string, string] => [
      name,
      `${count(p.steps, name === 'evaluate' ? 'case' : 'step')}, ${short(p.seconds)} s`,
    ]),
    ['multiply-adds', number('multiplyAdds')],
    ['parameters', number('parameters')],
    ...(dice
      ? Object.entries(dice).map(([name, v]): [string, string] => [`Dice, ${name}, %`, percent(v)])
      : ([['Dice', 'not evaluated yet']] as [string, string][])),
    ['over', dice ? count(cases, 'case') : undefined],
    ['on', `${cpu}, ${kernels} kernels`],
  ];
  return tableFigure(
    ['what', 'value'],
    rows.flatMap(([what, value]) => (value === undefined ? [] : [[what, value]])),
    { title },
  );
}

/** The record of a run folder. */
export function runTable(run: RunFolder): TableFigure {
  const { task, method, name } = run.config;
  return recordTable(readRecord(run), `Run: ${method} on ${task}, configuration ${name}`);
}

/** Dice of each case and class, and the mean over cases. */
export function evaluationTable({ cases, dice }: Pick<Evaluation, 'cases' | 'dice'>): TableFigure {
  const classes = Object.keys(dice);
  return diceTable(cases, classes, [['mean', ...classes.map((label) => percent(dice[label]))]]);
}

/** Dice of each case and class. */
export function casesTable(cases: readonly CaseLine[]): TableFigure {
  return diceTable(cases, [...Object.keys(cases[0].dice), 'mean']);
}

function diceTable(
  cases: readonly CaseLine[],
  classes: readonly string[],
  more: readonly (readonly string[])[] = [],
): TableFigure {
  const rows = cases.map((c) => [
    c.id,
    ...classes.map((label) => percent(label === 'mean' ? c.mean : c.dice[label])),
  ]);
  return tableFigure(['case', ...classes], [...rows, ...more], { title: 'Dice, %' });
}

/** Records in a list: a row a run. */
export function publishedTable(runs: readonly PublishedRun[]): TableFigure {
  const rows = runs.map(({ where, record }) => [
    where,
    record.task,
    record.method,
    `${record.fold}, ${record.seed}`,
    count(record.phases.retrain?.steps ?? 0, 'step'),
    percent(typeof record.dice?.mean === 'number' ? record.dice.mean : null),
  ]);
  return tableFigure(['in results/', 'task', 'method', 'fold, seed', 'retrained', 'Dice, %'], rows, {
    title: count(runs.length, 'record'),
  });
}

/** How a list of reports of a loop begins and ends. */
export function reportsLine(reports: readonly (Partial<SearchReport> & Partial<RetrainReport>)[]): string {
  const [first, last] = [reports[0], reports[reports.length - 1]];
  const change = (name: string, of: (report: typeof first) => number | undefined) => {
    const [a, b] = [of(first), of(last)];
    return a === undefined || b === undefined ? [] : [`${name} ${short(a)} → ${short(b)}`];
  };
  return [
    `${count(reports.length, 'report')}, steps ${first.step} to ${last.step}`,
    ...change('loss', (r) => r.loss),
    ...change('Θ loss', (r) => r.lossTheta),
    ...change('α loss', (r) => r.lossAlpha),
    ...change('entropy of α', (r) => r.entropyAlpha),
  ].join(', ');
}
