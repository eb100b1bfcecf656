/** The cases of a run: opened, checked against the configuration, split, prepared into the cache. */
import type { CachedCase } from '../data/cached-case';
import { type Dataset, openDataset } from '../data/msd';
import { type Fold, folds, innerSplit } from '../data/splits';
import { fail } from '../engine/errors';
import { key } from '../engine/keys';
import { preparedFolder } from './cache';
import { type PrepareJob, prepareInto } from './case-jobs';
import { type Config, preprocessingOf } from './config';
import { doAll, threadsFor } from './pool';
import type { Progress } from './progress';

/** The run's data set; refuses one that is not what the run began with. */
export function openRunData(config: Config): Dataset {
  const dataset = openDataset(config.data, config.task);
  if (dataset.hash !== config.dataHash)
    fail({
      where: config.data,
      expected: `the data set that the run began with (hash ${config.dataHash.slice(0, 12)})`,
      found: `another (${dataset.hash.slice(0, 12)})`,
      next: 'restore its files, point --data at them, or begin a new run',
    });
  return dataset;
}

/** Training and validation cases: one of nnU-Net's folds, its training part split again where `inner` is set, or every case and none. */
export function splitOf({ fold, folds: count, inner }: Config, dataset: Dataset): Fold {
  const unlabelled = dataset.cases.find(({ label }) => label === undefined);
  if (unlabelled)
    fail({
      where: unlabelled.image,
      expected: 'a label',
      found: 'none in dataset.json',
      next: 'list only labelled cases under "training"',
    });
  const ids = dataset.cases.map(({ id }) => id);
  if (fold === 'all') return { train: ids, validation: [] };
  const split = folds(ids, count)[fold];
  return inner ? folds(split.train, count)[0] : split;
}

/** The search's two sets: Θ and α learn on different cases, split 4:1 by the seed. */
export function searchSets(config: Config, dataset: Dataset) {
  return innerSplit(splitOf(config, dataset).train, key(config.seed, 'inner split'));
}

/** What is told while cases are prepared. */
export interface CasesHooks {
  readonly signal?: AbortSignal;
  readonly progress?: (phase: string, total: number, from: number) => Progress;
  /** Threads; 0: this one. Default: as many as the work is worth. */
  readonly threads?: number;
}

/** The prepared cases of a run: from the cache, or put there, by worker threads where it is much work. Their voxels stay on disk. */
export async function runCases(
  config: Config,
  dataset: Dataset,
  ids: readonly string[],
  { signal, progress, threads }: CasesHooks = {},
): Promise<CachedCase[]> {
  const how = preprocessingOf(config);
  const folder = preparedFolder(config.task);
  const bar = progress?.('prepare', ids.length, 0);
  try {
    return await doAll<PrepareJob, CachedCase>({
      jobs: ids.map((id) => ({ kind: 'prepare', dataset, id, how, folder })),
      work: prepareInto,
      script: 'case-worker.ts',
      threads: threads ?? threadsFor(dataset.cases.map(({ image }) => image)),
      signal,
      onDone: (done) => bar?.update(done, {}),
    });
  } finally {
    bar?.done();
  }
}
