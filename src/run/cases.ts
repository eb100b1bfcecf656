/** The cases of a run: opened, checked against the configuration, split, prepared and put into shared memory. */
import { type Dataset, loadCase, openDataset } from '../data/msd';
import { type PreparedCase, prepareCase } from '../data/preprocess';
import { type Fold, folds, innerSplit } from '../data/splits';
import { fail } from '../engine/errors';
import { key } from '../engine/keys';
import { type Config, preprocessingOf } from './config';
import { sharedCase } from './prefetch';

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

/** Training and validation cases: one of nnU-Net's folds, or every case and none. */
export function splitOf({ fold, folds: count }: Config, dataset: Dataset): Fold {
  const unlabelled = dataset.cases.find(({ label }) => label === undefined);
  if (unlabelled)
    fail({
      where: unlabelled.image,
      expected: 'a label',
      found: 'none in dataset.json',
      next: 'list only labelled cases under "training"',
    });
  const ids = dataset.cases.map(({ id }) => id);
  return fold === 'all' ? { train: ids, validation: [] } : folds(ids, count)[fold];
}

/** The search's two sets: Θ and α learn on different cases, split 4:1 by the seed. */
export function searchSets(config: Config, dataset: Dataset) {
  return innerSplit(splitOf(config, dataset).train, key(config.seed, 'inner split'));
}

/** Loads and prepares cases, in shared memory; `onCase` is told how many are done. */
export function loadCases(
  config: Config,
  dataset: Dataset,
  ids: readonly string[],
  onCase?: (done: number) => void,
): PreparedCase[] {
  return ids.map((id, i) => {
    const prepared = prepareCase(loadCase(dataset, id), config.classes.length, preprocessingOf(config));
    onCase?.(i + 1);
    return sharedCase(prepared);
  });
}
