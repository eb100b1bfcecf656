/** How much memory a training step takes, about, and the micro-batch that fits what is at hand. */
import { type Network, parameterCount, type Shape3 } from '../engine/model';
import { methodOf } from '../networks/methods';
import { type TotalCost, totalCost } from '../paper/cost';
import { type NetworkOptions, supernet } from '../paper/network';
import type { Config } from './config';
import { typicalGenotype, typicalSamples } from './expected';
import { networkOf } from './model';
import { loadOperations } from './operations';
import { memoryBytes } from './pool';

/** Of the memory at hand a step may take this share: the rest is for the data, the weights and other programs. */
const SHARE = 0.8;
/** What the process holds before its first step, bytes. */
const BASE = 0.43 * 2 ** 30;
/** Θ, its gradients and Adam's two moments: bytes of a parameter. */
const PARAMETER = 16;
/**
 * Peak bytes of a step beside that, for each byte of the cells' outputs and of the activations that wait for the backward pass: the two cells of
 * full resolution decide it, whose gradients live at the same time. Fitted to measured peaks, from 0.4 to 8.3 GiB within a sixth
 * (results/plan.json, bench/plan.ts).
 */
const KEPT = { outputs: 4.6, held: 0.5 };
/** The same where activations are computed anew: a cell's own come and go. */
const ANEW = { outputs: 5.2, held: 0 };
/**
 * The same for a network designed by hand, whose layers are ops one by one: of the activations, and bytes of a parameter, of which convolutions
 * hold copies. Fitted to peaks of U-ResNet and nnU-Net from 0.6 to 3.3 GiB, within a third.
 */
const PEER = { held: 0.75, parameter: 144 };

export type PhaseName = 'search' | 'retrain';

/** The network of a phase, as its cost is asked for. */
export function networkOptions(config: Config, phase: PhaseName): NetworkOptions {
  const { inputs, classes, readings, operationsFile } = config;
  const { stem, recompute } = config[phase];
  const { operations } = loadOperations(operationsFile);
  return { inputs, classes: classes.length, stem, operations, readings, recompute };
}

/** The network that the configuration's method retrains: of a genotype of middling cost, or the one designed by hand. */
export function retrainNetwork(config: Config): Network {
  const options = networkOptions(config, 'retrain');
  const genotype = methodOf(config.method).genotype ? typicalGenotype(options, config.seed) : undefined;
  return networkOf(config, genotype, options.operations, 'plan');
}

/** Multiply-adds of one forward pass of one sample, parameters in use and activations: the mean over draws of the search, or of {@link retrainNetwork}. */
export function expectedCost(config: Config, phase: PhaseName, patch: Shape3 = config.patch): TotalCost {
  if (phase === 'retrain') return totalCost(retrainNetwork(config).cost(patch));
  const options = networkOptions(config, phase);
  const net = supernet(options);
  const costs = typicalSamples(net, config.seed).map((sample) => totalCost(net.cost(sample, patch)));
  const mean = (of: (c: TotalCost) => number) => costs.reduce((sum, c) => sum + of(c), 0) / costs.length;
  return {
    flops: mean((c) => c.flops),
    parameters: mean((c) => c.parameters),
    activationBytes: mean((c) => c.activationBytes),
  };
}

/** Whether a phase trains a network designed by hand. */
const byHand = ({ method }: Config, phase: PhaseName) =>
  phase === 'retrain' && methodOf(method).genotype === undefined;

/** About the peak bytes of a step for each sample of a micro-batch. */
export function sampleBytes(config: Config, phase: PhaseName, patch: Shape3 = config.patch): number {
  if (byHand(config, phase)) return PEER.held * expectedCost(config, phase, patch).activationBytes;
  const options = networkOptions(config, phase);
  const factor = options.recompute ? ANEW : KEPT;
  const voxels = patch[0] * patch[1] * patch[2];
  const outputs = supernet(options).plans.reduce(
    (sum, { channels, level }) => sum + (4 * channels * voxels) / 8 ** level,
    0,
  );
  return factor.outputs * outputs + factor.held * expectedCost(config, phase, patch).activationBytes;
}

/** The network whose parameters a phase trains. */
export function phaseNetwork(config: Config, phase: PhaseName) {
  return phase === 'search' ? supernet(networkOptions(config, phase)) : retrainNetwork(config);
}

/** What a phase holds whatever its micro-batch: the process, the parameters of the whole network and what Adam keeps of them. */
function fixedBytes(config: Config, phase: PhaseName): number {
  const parameter = byHand(config, phase) ? PEER.parameter : PARAMETER;
  return BASE + parameter * parameterCount(phaseNetwork(config, phase).parameters);
}

/** About the peak of a step, bytes. */
export function stepBytes(config: Config, phase: PhaseName, microBatch: number): number {
  return fixedBytes(config, phase) + microBatch * sampleBytes(config, phase);
}

/** The largest divisor of the phase's batch whose step fits the memory; 1 where none does. */
export function microBatchFor(config: Config, phase: PhaseName, memory = memoryBytes()): number {
  const { batch } = config[phase];
  if (config.readings.lossOver === 'batch') return batch;
  const [fixed, sample] = [fixedBytes(config, phase), sampleBytes(config, phase)];
  for (let micro = batch; micro > 1; micro--)
    if (batch % micro === 0 && fixed + micro * sample <= SHARE * memory) return micro;
  return 1;
}

/** Whether a step of the phase fits the memory. */
export function fits(config: Config, phase: PhaseName, memory = memoryBytes()): boolean {
  return stepBytes(config, phase, config[phase].microBatch) <= SHARE * memory;
}
