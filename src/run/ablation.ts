/**
 * Ablations: the search with each schedule of τ, and with each reading of the paper switched alone, at a length fixed in steps.
 *
 * A variant is a few keys over one configuration; its run folder DIR/VARIANT/seedK is a run like any other. All are scored on the inner split of the
 * fold's training part: they are choices, and the fold's validation cases stay untouched.
 */
import path from 'node:path';
import type { Dataset } from '../data/msd';
import { fail } from '../engine/errors';
import { schedules } from '../paper/anneal';
import type { Operation } from '../paper/operations';
import { readingTable } from '../paper/readings';
import { runAll } from './all';
import { parseConfig } from './config';
import { type RunFolder, readRecord, runAt } from './folder';
import { scoreInherited } from './inherited';
import type { Job } from './jobs';
import { withRunLock } from './lock';
import { nearest } from './options';
import type { Hooks } from './phase';
import type { Planned } from './plan';

/** One way to search. */
export interface Variant {
  /** Name of its folder. */
  readonly name: string;
  /** As a table shows it. */
  readonly title: string;
  /** Keys of the configuration that it changes, as the command line has them. */
  readonly set: readonly string[];
}

/** Readings that move no number of a training, so that no run could show their effect. */
const COUNTING: readonly string[] = ['flops'];

const nameOf = (title: string) => title.replace(/[^A-Za-z0-9.]+/g, '-').replace(/^-|-$/g, '');

const byTau = Object.entries(schedules).map(
  ([title, tau], i): Variant => ({
    name: i === 0 ? 'default' : nameOf(title),
    title,
    set: [`search.tau=${JSON.stringify(tau)}`],
  }),
);

const byReading = [
  { name: 'default', title: 'our choices', set: [] },
  ...readingTable
    .filter(({ name }) => !COUNTING.includes(name))
    .flatMap(({ name, options }) =>
      options.slice(1).map(
        (option): Variant => ({
          name: nameOf(`${name} ${option}`),
          title: `${name}=${option}`,
          set: [`readings.${name}=${option}`],
        }),
      ),
    ),
];

/** What is varied; the first variant of each is our choice and named `default`, so that one folder may hold both. */
export const ablations: Readonly<Record<'tau' | 'readings', readonly Variant[]>> = {
  tau: byTau,
  readings: byReading,
};
export type Over = keyof typeof ablations;

/** Whether a run, by its place VARIANT/seedK, is one of an ablation's. */
export const isOf = (over: Over, where: string): boolean =>
  ablations[over].some(({ name }) => name === where.split('/')[0]);

/** The variants that were named, by folder or title; all where none is. */
export function variantsNamed(over: Over, names: readonly string[]): readonly Variant[] {
  const all = ablations[over];
  if (names.length === 0) return all;
  return names.map((name) => {
    const known = all.flatMap((variant) => [variant.name, variant.title]);
    const near = nearest(name, known);
    return (
      all.find((variant) => variant.name === name || variant.title === name) ??
      fail({
        where: '--only',
        expected: `one of ${all.map((variant) => variant.name).join(', ')}`,
        found: name,
        next: near ? `did you mean ${near}?` : 'choose one',
      })
    );
  });
}

/** The run of a variant: the base configuration with its keys and seed, scored on the inner split whatever the base says. */
export function variantRun(
  dir: string,
  { config, plan }: Planned,
  variant: Variant,
  seed: number,
): RunFolder {
  const own = parseConfig(
    { ...config, method: 'scnas', inner: true, seed },
    `variant ${variant.name}`,
    variant.set,
  );
  return runAt(path.join(dir, variant.name, `seed${seed}`), own, plan);
}

/** Whether everything that is recorded of a variant is there. */
export function isDone(run: Pick<RunFolder, 'dir'>): boolean {
  const { dice, facts } = readRecord(run);
  return dice !== null && facts.beforeRetraining !== undefined;
}

/** What an ablation needs to run here. */
export interface AblationWork {
  readonly dir: string;
  readonly planned: Planned;
  readonly dataset: Dataset;
  readonly operations: readonly Operation[];
  readonly hooks?: Hooks<unknown>;
}

/** Searches, derives, retrains and evaluates a variant, before and after retraining, from wherever it was left. */
export async function runVariant(work: AblationWork, variant: Variant, seed: number): Promise<void> {
  const { dir, planned, dataset, operations, hooks } = work;
  const run = variantRun(dir, planned, variant, seed);
  if (isDone(run)) return;
  await withRunLock(run, async () => {
    await runAll(run, dataset, operations, hooks);
    await scoreInherited(run, dataset, operations, hooks);
  });
}

/**
 * All variants with the first seed, then with the next: what is there early is a whole table.
 *
 * @param words the command line that they have in common
 */
export function ablationJobs(
  work: AblationWork,
  variants: readonly Variant[],
  seeds: readonly number[],
  words: readonly string[] = [],
): Job[] {
  return seeds.flatMap((seed) =>
    variants.map((variant) => ({
      name: path.join(variant.name, `seed${seed}`),
      work: () => runVariant(work, variant, seed),
      words: [...words, '--only', variant.name, '--seeds', String(seed)],
    })),
  );
}
