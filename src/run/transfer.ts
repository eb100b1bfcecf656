/**
 * Transfer (§3, Table 1): cells that were found on one task, retrained from scratch on another. Beside them, on the same cases, for as many steps:
 * random cells of equal cost, which the paper lacks, and cells that were searched on the task itself.
 *
 * A genotype names the operation on each edge and nothing of channels or classes, so stem and out cell are the task's own.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Dataset } from '../data/msd';
import { totalCost } from '../paper/cost';
import type { Genotype } from '../paper/genotype';
import type { Operation } from '../paper/operations';
import { runAll } from './all';
import { type Config, parseConfig } from './config';
import { type RunFolder, readRecord, runAt, writeGenotype } from './folder';
import type { Job } from './jobs';
import { withRunLock } from './lock';
import { networkOf } from './model';
import type { Hooks } from './phase';
import type { Planned } from './plan';

/** Where the cells of a run come from. */
export const transferMethods = ['transfer', 'random', 'scnas'] as const;
export type TransferMethod = (typeof transferMethods)[number];

/** What a transfer needs to run here. */
export interface TransferWork {
  readonly dir: string;
  /** The cells of the other task. */
  readonly genotype: Genotype;
  readonly planned: Planned;
  readonly dataset: Dataset;
  readonly operations: readonly Operation[];
  readonly hooks?: Hooks<unknown>;
}

/** Which runs are made: seeds of each method. */
export type TransferSeeds = Readonly<Record<TransferMethod, readonly number[]>>;

/** The file of a genotype: the one that is named, or that of a run folder. */
export function genotypeFile(from: string): string {
  const inside = path.join(from, 'genotype.json');
  return fs.existsSync(inside) ? inside : from;
}

/** Multiply-adds of the transferred cells' network on the task, for a patch: what random cells are drawn to cost, within 10 %. */
export function transferCost({ genotype, planned, operations }: TransferWork): number {
  const config = { ...planned.config, method: 'transfer' as const };
  return totalCost(networkOf(config, genotype, operations, 'transfer').cost(config.patch)).flops;
}

/** The configuration of a run: the common one, its method and seed, and of random cells what they are to cost. */
function configOf(work: TransferWork, method: TransferMethod, seed: number): Config {
  const matched = method === 'random' ? { match: { multiplyAdds: transferCost(work) } } : {};
  return parseConfig({ ...work.planned.config, method, seed, ...matched }, `transfer, ${method}`);
}

/** The run of a method and seed, with the cells in it where they are given. */
export function transferRun(work: TransferWork, method: TransferMethod, seed: number): RunFolder {
  const run = runAt(
    path.join(work.dir, `${method}-seed${seed}`),
    configOf(work, method, seed),
    work.planned.plan,
  );
  if (method === 'transfer') writeGenotype(run, work.genotype);
  return run;
}

/** The runs as jobs: every method with its first seed, then with its next. */
export function transferJobs(work: TransferWork, seeds: TransferSeeds, words: readonly string[] = []): Job[] {
  const longest = Math.max(...transferMethods.map((method) => seeds[method].length));
  const pairs = Array.from({ length: longest }, (_, i) =>
    transferMethods.flatMap((method) =>
      i < seeds[method].length ? [{ method, seed: seeds[method][i] }] : [],
    ),
  ).flat();
  return pairs.map(({ method, seed }) => ({
    name: `${method}-seed${seed}`,
    work: async () => {
      const run = transferRun(work, method, seed);
      if (readRecord(run).dice !== null) return;
      await withRunLock(run, async () => {
        await runAll(run, work.dataset, work.operations, work.hooks);
      });
    },
    words: [...words, '--only', `${method}-seed${seed}`],
  }));
}
