/** Every phase of one run, or what is left of it: search and derivation where its network is searched, retraining, evaluation. */
import type { Dataset } from '../data/msd';
import { methodOf } from '../networks/methods';
import type { Operation } from '../paper/operations';
import { type Evaluation, type LabelMaps, runEvaluate } from './evaluate';
import type { RunFolder } from './folder';
import type { Hooks } from './phase';
import { runRetrain } from './retrain';
import { runDerive, runSearch } from './search';

/**
 * Runs the phases that are not done yet.
 *
 * @param run a run folder
 * @param dataset what it began with
 * @param operations candidate operations O
 * @param hooks progress and stop
 * @param maps where the label maps of the validation cases go
 */
export async function runAll(
  run: RunFolder,
  dataset: Dataset,
  operations: readonly Operation[],
  hooks: Hooks<unknown> = {},
  maps?: LabelMaps,
): Promise<Evaluation> {
  if (methodOf(run.config.method).genotype === 'searched') {
    await runSearch(run, dataset, operations, hooks);
    runDerive(run, operations);
  }
  await runRetrain(run, dataset, operations, hooks);
  return runEvaluate(run, dataset, hooks, maps);
}
