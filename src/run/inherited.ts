/** Dice before retraining: the derived network with the weights Θ that its operations had in the supernet. */
import type { Dataset } from '../data/msd';
import { fail } from '../engine/errors';
import { tf } from '../engine/tf';
import type { SearchState } from '../paper/bilevel';
import { derivedNetwork } from '../paper/network';
import type { Operation } from '../paper/operations';
import { readCheckpoint, unpack } from './checkpoint';
import { scoreCases } from './evaluate';
import { checkpointFile, type RunFolder, readGenotype, updateRecord } from './folder';
import type { Hooks } from './phase';
import { diceOfLines } from './scores';

/** A line a case, as cases.jsonl. */
const FILE = 'cases-before.jsonl';

/**
 * Scores the fold's validation cases with the search's weights, into cases-before.jsonl and the record's fact `beforeRetraining`.
 *
 * Rule: stem, entries and out cell, and of each edge the chosen operation, keep the supernet's Θ; norms are those of the search.
 * Errors: a ScnasError where the search is not finished and derived.
 * Departs from the paper: a measure that it lacks.
 */
export async function scoreInherited(
  run: RunFolder,
  dataset: Dataset,
  operations: readonly Operation[],
  hooks: Hooks<unknown> = {},
): Promise<Readonly<Record<string, number | null>>> {
  const { inputs, classes, search, readings } = run.config;
  const genotype = readGenotype(run, operations);
  if (!genotype)
    return fail({
      where: run.dir,
      expected: 'genotype.json',
      found: 'none',
      next: `scnas derive --run ${run.dir}`,
    });
  const options = { inputs, classes: classes.length, stem: search.stem, operations, readings };
  const load = () => {
    const network = derivedNetwork(options, genotype, 'search');
    const saved = readCheckpoint(checkpointFile(run, 'search'));
    const own = (unpack(saved) as SearchState).theta;
    const theta = Object.fromEntries(network.parameters.map(({ name }) => [name, own[name]]));
    const kept = new Set(Object.values(theta));
    tf.dispose(Object.values(saved.tensors).filter((tensor) => !kept.has(tensor)));
    return { network, theta };
  };
  const cases = await scoreCases(run, dataset, FILE, load, hooks);
  const dice = diceOfLines(cases, classes);
  updateRecord(run, { facts: { beforeRetraining: { dice, cases: cases.length } } });
  return dice;
}
