/** Records of ablations: each variant over its seeds, in numbers, as a table, and over the search. What has no record is "not run". */
import path from 'node:path';
import { fail } from '../engine/errors';
import { meanAndSd } from '../evaluate/statistics';
import { ablations, isDone, isOf, type Over } from '../run/ablation';
import { type Config, configChanges, wholeBatches } from '../run/config';
import { byEpoch, type EpochMetric } from '../run/epochs';
import { type Metric, openRun, readLines } from '../run/folder';
import type { RunRecord } from '../run/record';
import { type TableFigure, tableFigure } from './figure';
import { type PublishedRun, publishedRuns, RESULTS } from './records';

/** One run of a variant. */
export interface AblationRun {
  readonly seed: number;
  /** By quantity. */
  readonly values: Readonly<Record<Quantity, number>>;
  /** The search, a point an epoch: means over its steps. */
  readonly search: {
    readonly epoch: readonly number[];
    readonly tau: readonly number[];
    readonly entropyAlpha: readonly number[];
    readonly entropyZBar: readonly number[];
    readonly operationsPerEdge: readonly number[];
  };
  readonly record: RunRecord;
}

/** A variant with its runs, one a seed; none where it was not run. */
export interface AblationRow {
  /** Name of its folder; our choice is `default`. */
  readonly name: string;
  /** As a table shows it, as `samples=top two`. */
  readonly title: string;
  readonly runs: readonly AblationRun[];
  /** Mean and standard deviation over the seeds; NaN where there are too few. */
  readonly over: Readonly<
    Record<Quantity, { readonly n: number; readonly mean: number; readonly sd: number }>
  >;
}

type Read = (record: RunRecord, last: EpochMetric) => number;
const diceBefore = ({ facts }: RunRecord) =>
  (facts.beforeRetraining as { readonly dice: { readonly mean: number | null } }).dice.mean;

/** What is recorded of a variant; entropies and operations in the last epoch of the search. */
export const quantities = {
  entropyAlpha: { title: 'entropy of α, nats', read: (_, last) => Number(last.entropyAlpha), digits: 3 },
  entropyZBar: { title: 'entropy of Z̄, nats', read: (_, last) => Number(last.entropyZBar), digits: 3 },
  operationsPerEdge: {
    title: 'operations an edge',
    read: (_, last) => Number(last.operationsPerEdge),
    digits: 2,
  },
  diceBefore: {
    title: 'Dice before retraining, %',
    read: (record) => 100 * (diceBefore(record) ?? Number.NaN),
    digits: 2,
  },
  diceAfter: {
    title: 'Dice after, %',
    read: ({ dice }) => 100 * (dice?.mean ?? Number.NaN),
    digits: 2,
  },
  multiplyAdds: {
    title: 'multiply-adds, G',
    read: ({ facts }) => Number(facts.multiplyAdds) / 1e9,
    digits: 2,
  },
  seconds: {
    title: 'seconds',
    read: ({ phases }) => Object.values(phases).reduce((sum, phase) => sum + phase.seconds, 0),
    digits: 0,
  },
} as const satisfies Readonly<
  Record<string, { readonly title: string; readonly read: Read; readonly digits: number }>
>;
export type Quantity = keyof typeof quantities;
const names = Object.keys(quantities) as Quantity[];

/**
 * The variants of an ablation with what was recorded of each, in the order of their list.
 *
 * @param over `tau` or `readings`
 * @param dir a folder with runs VARIANT/seedK; default results/ablation-OVER
 * @throws ScnasError where runs of unlike data, fold or length stand side by side
 */
export function ablationRecords(over: Over, dir = path.join(RESULTS, `ablation-${over}`)): AblationRow[] {
  const runs = publishedRuns('', dir).filter(
    ({ where }) => isOf(over, where) && isDone({ dir: path.join(dir, where) }),
  );
  checkAlike(over, runs, dir);
  return ablations[over].map(({ name, title }) => {
    const own = runs.filter(({ where }) => where.split('/')[0] === name).map((run) => runOf(run, dir));
    const of = (quantity: Quantity) =>
      meanAndSd(own.map(({ values }) => values[quantity]).filter(Number.isFinite));
    return {
      name,
      title,
      runs: own.sort((a, b) => a.seed - b.seed),
      over: Object.fromEntries(names.map((q) => [q, of(q)])) as AblationRow['over'],
    };
  });
}

function runOf({ where, record }: PublishedRun, dir: string): AblationRun {
  const metrics = readLines<Metric>({ dir: path.join(dir, where) }, 'metrics.jsonl');
  const epochs = byEpoch(metrics.filter(({ phase }) => phase === 'search'));
  const last = epochs[epochs.length - 1];
  const column = (name: string) => epochs.map((epoch) => Number(epoch[name]));
  return {
    seed: record.seed,
    values: Object.fromEntries(names.map((q) => [q, (quantities[q].read as Read)(record, last)])) as Record<
      Quantity,
      number
    >,
    search: {
      epoch: column('epoch'),
      tau: column('tau'),
      entropyAlpha: column('entropyAlpha'),
      entropyZBar: column('entropyZBar'),
      operationsPerEdge: column('operationsPerEdge'),
    },
    record,
  };
}

/** Refuses runs that differ in more than seed, machine and what the ablation switches. */
function checkAlike(over: Over, runs: readonly PublishedRun[], dir: string): void {
  const [first, ...others] = runs.map(({ where, dir: own }) => ({
    where,
    config: wholeBatches(openRun(own).config),
  }));
  for (const { where, config } of others) {
    const changes = configChanges(first.config, asFirst(over, first.config, config));
    if (changes.length > 0)
      fail({
        where: dir,
        expected: `variants on one data set, fold and length, trained as ${first.where}`,
        found: `${where} with ${changes.join('; ')}`,
        next: 'keep another length or setting in another folder',
      });
  }
}

/** A configuration with all that may differ as the first one's. */
function asFirst(over: Over, first: Config, config: Config): Config {
  const switched =
    over === 'tau' ? { search: { ...config.search, tau: first.search.tau } } : { readings: first.readings };
  return { ...config, seed: first.seed, ...switched };
}

/** What the tables are called. */
export const ablationTitles: Readonly<Record<Over, string>> = {
  tau: 'Schedules of τ',
  readings: 'Readings of the paper, each switched alone',
};

/** Mean ± standard deviation, the mean alone of one run, or "not run". */
function words({ n, mean, sd }: AblationRow['over'][Quantity], digits: number): string {
  if (n === 0) return 'not run';
  return n === 1 ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${sd.toFixed(digits)}`;
}

/** The variants as a table: how many seeds, and mean ± standard deviation over them. */
export function ablationTable(rows: readonly AblationRow[], title: string): TableFigure {
  const columns = ['variant', 'seeds', ...names.map((q) => quantities[q].title)];
  const lines = rows.map(({ title: variant, runs, over }) => [
    variant,
    String(runs.length),
    ...names.map((q) => words(over[q], quantities[q].digits)),
  ]);
  return tableFigure(columns, lines, { title, caption: captionOf(rows) });
}

/** What stands behind the numbers. */
function captionOf(rows: readonly AblationRow[]): string {
  const record = rows.flatMap(({ runs }) => runs)[0]?.record;
  if (!record) return 'Nothing was run yet.';
  const { task, fold, phases, cases, facts } = record;
  const machines = rows.flatMap(({ runs }) =>
    runs.map(({ record: { threads, cpu } }) => `${threads} thread${threads === 1 ? '' : 's'} of ${cpu}`),
  );
  return [
    `${task}${facts.phantom ? ' (phantom: volumes drawn by rules)' : ''}, fold ${fold}, ${phases.search.steps} steps of search and ${phases.retrain.steps} of retraining: a reduced length.`,
    `Mean Dice of ${cases} cases of an inner split of the fold's training part; the fold's validation cases were not used.`,
    'Before retraining: the derived network with the weights of the search. Behind ± stands the standard deviation over seeds.',
    `Entropies and operations: mean over the last epoch of the search. Seconds on ${[...new Set(machines)].join(' or ')}, which may have had other work.`,
  ].join(' ');
}
