/** Retraining in a run: the genotype's network, or a peer, from scratch on the whole training part. */
import fs from 'node:fs';
import path from 'node:path';
import type { Dataset } from '../data/msd';
import { fail } from '../engine/errors';
import { key } from '../engine/keys';
import { methodOf } from '../networks/methods';
import { totalCost } from '../paper/cost';
import { type Genotype, intermediateNodes, randomGenotype, randomGenotypeOfCost } from '../paper/genotype';
import type { Operation } from '../paper/operations';
import { epochLength } from '../paper/plateau';
import {
  initialRetrain,
  isFinished,
  type RetrainReport,
  type RetrainState,
  retrainStep,
} from '../paper/retrain';
import { type CasesHooks, runCases, splitOf } from './cases';
import { disposeState } from './checkpoint';
import type { Config } from './config';
import { checkpointFile, type RunFolder, readGenotype, updateRecord, writeGenotype } from './folder';
import { networkOf, saveModel } from './model';
import { type Hooks, type Phase, runPhase } from './phase';
import { batchOptions } from './prefetch';

/** Retraining as a phase, with its cases prepared. A method whose genotype is drawn draws it here. */
export async function retrainPhase(
  run: RunFolder,
  dataset: Dataset,
  operations: readonly Operation[],
  hooks: CasesHooks = {},
): Promise<Phase<RetrainState, RetrainReport>> {
  const { config } = run;
  const { retrain, seed, readings } = config;
  const { genotype, training } = methodOf(config.method);
  if (genotype === 'drawn' && !readGenotype(run, operations))
    writeGenotype(run, randomOf(config, operations));
  const network = networkOf(config, readGenotype(run, operations), operations, run.dir);
  const layers = network.cost(config.patch);
  const { flops: multiplyAdds, parameters } = totalCost(layers);
  const { flops } = totalCost(layers, readings.flops);
  updateRecord(run, { facts: { multiplyAdds, flops, parameters } });
  const train = splitOf(config, dataset).train;
  const stepsPerEpoch = epochLength(retrain.stepsPerEpoch, train.length, retrain.batch, readings.epoch);
  const options = { ...retrain, stepsPerEpoch, training };
  return {
    name: 'retrain',
    total: retrain.steps,
    sets: { train: await runCases(config, dataset, train, hooks) },
    batch: batchOptions(config, 'retrain'),
    draws: (step) => [{ set: 'train', key: key(seed, 'batch', 'retrain', step) }],
    initial: () => initialRetrain(network, options, seed),
    step: (state, [batch]) => retrainStep(network, options, state, batch, readings),
    finished: (state) => isFinished(options, state),
    shown: ({ loss, rate }) => ({ loss, rate }),
  };
}

/** The random genotype of a run: any, or one of about the multiply-adds that the configuration asks for. */
export function randomOf(config: Config, operations: readonly Operation[]): Genotype {
  const { seed, readings, match, patch } = config;
  const drawn = key(seed, 'random genotype');
  const nodes = intermediateNodes(readings);
  if (match.multiplyAdds === 0) return randomGenotype(operations, drawn, nodes);
  const cost = (genotype: Genotype) =>
    totalCost(networkOf(config, genotype, operations, 'random genotype').cost(patch)).flops;
  return randomGenotypeOfCost(operations, drawn, nodes, { ...match, cost });
}

/** Trains until the end, from the checkpoint if there is one, and writes model.safetensors. */
export async function runRetrain(
  run: RunFolder,
  dataset: Dataset,
  operations: readonly Operation[],
  hooks: Hooks<RetrainReport> = {},
): Promise<void> {
  const weights = path.join(run.dir, 'model.safetensors');
  if (fs.existsSync(weights) && !fs.existsSync(checkpointFile(run, 'retrain')))
    fail({
      where: run.dir,
      expected: 'a run to train',
      found: 'trained weights',
      next: 'give its genotype.json with --genotype to a new run',
    });
  const state = await runPhase(run, await retrainPhase(run, dataset, operations, hooks), hooks);
  await saveModel(run, state.theta);
  disposeState(state);
}
