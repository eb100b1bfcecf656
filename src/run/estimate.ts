/** About what a configuration costs here: multiply-adds of a random genotype, and seconds, from one timed step of each phase. */
import { key } from '../engine/keys';
import { tf } from '../engine/tf';
import { initialSearch, searchStep } from '../paper/bilevel';
import { totalCost } from '../paper/cost';
import type { BatchTensors } from '../paper/first-order';
import { intermediateNodes, randomGenotype } from '../paper/genotype';
import { derivedNetwork, supernet } from '../paper/network';
import { initialRetrain, retrainStep } from '../paper/retrain';
import { disposeState } from './checkpoint';
import type { Config } from './config';
import { loadOperations } from './operations';

/** What is expected of a configuration. */
export interface Estimate {
  readonly multiplyAdds: number;
  readonly parameters: number;
  /** Of the whole phases; absent where no step was timed. */
  readonly seconds?: { readonly search: number; readonly retrain: number };
}

/** Estimates a run. One warm-up step and one timed step of each phase, on a batch of zeros. */
export function estimate(config: Config, timing: boolean): Estimate {
  const { inputs, readings, seed, patch, search, retrain } = config;
  const classes = config.classes.length;
  const { operations } = loadOperations(config.operationsFile);
  const genotype = randomGenotype(operations, key(seed, 'random genotype'), intermediateNodes(readings));
  const network = derivedNetwork(
    { inputs, classes, stem: retrain.stem, operations, readings, recompute: retrain.recompute },
    genotype,
  );
  const { flops: multiplyAdds, parameters } = totalCost(network.cost(patch), readings.flops);
  if (!timing) return { multiplyAdds, parameters };
  const net = supernet({
    inputs,
    classes,
    stem: search.stem,
    operations,
    readings,
    recompute: search.recompute,
  });
  const batchOf = (n: number): BatchTensors => ({
    x: tf.randomNormal([n, ...patch, inputs], 0, 1, 'float32', 1) as BatchTensors['x'],
    y: tf.zeros([n, ...patch], 'int32') as BatchTensors['y'],
  });
  const searching = timed(
    initialSearch(net, search, seed),
    batchOf(search.microBatch),
    (state, batch) => searchStep(net, search, seed, state, { theta: batch, alpha: batch }).state,
  );
  const retraining = timed(
    initialRetrain(network, retrain, seed),
    batchOf(retrain.microBatch),
    (state, batch) => retrainStep(network, retrain, state, batch, readings).state,
  );
  const all = (seconds: number, { steps, batch, microBatch }: Config['search'] | Config['retrain']) =>
    Math.round(seconds * steps * (batch / microBatch));
  return {
    multiplyAdds,
    parameters,
    seconds: { search: all(searching, search), retrain: all(retraining, retrain) },
  };
}

/** Seconds of the second of two steps. */
function timed<State extends object>(
  first: State,
  batch: BatchTensors,
  step: (state: State, batch: BatchTensors) => State,
): number {
  const second = step(first, batch);
  const began = performance.now();
  const last = step(second, batch);
  const seconds = (performance.now() - began) / 1000;
  disposeState(last);
  tf.dispose([batch.x, batch.y]);
  return seconds;
}
