/** How much memory a training step takes, about, and the micro-batch that fits what is at hand. */
import type { Shape3 } from '../engine/model';
import { type TotalCost, totalCost } from '../paper/cost';
import { derivedNetwork, type NetworkOptions, supernet } from '../paper/network';
import type { Config } from './config';
import { typicalGenotype, typicalSamples } from './expected';
import { loadOperations } from './operations';
import { memoryBytes } from './pool';

/** Of the memory at hand a step may take this share: the rest is for the data, the weights and other programs. */
const SHARE = 0.8;
/** What the process holds before its first step, bytes. */
const BASE = 0.5 * 2 ** 30;
/** Peak bytes of a step for each byte of activations: gradients on their way and the allocator's slack (measured, see results/large.json). */
const PEAK = 3.2;

export type PhaseName = 'search' | 'retrain';

/** The network of a phase, as its cost is asked for. */
export function networkOptions(config: Config, phase: PhaseName): NetworkOptions {
  const { inputs, classes, readings, operationsFile } = config;
  const { stem, recompute } = config[phase];
  const { operations } = loadOperations(operationsFile);
  return { inputs, classes: classes.length, stem, operations, readings, recompute };
}

/** Multiply-adds of one forward pass of one sample, parameters in use and activations: the mean over draws of the search, or of a random genotype. */
export function expectedCost(config: Config, phase: PhaseName, patch: Shape3 = config.patch): TotalCost {
  const options = networkOptions(config, phase);
  if (phase === 'retrain')
    return totalCost(derivedNetwork(options, typicalGenotype(options, config.seed)).cost(patch));
  const net = supernet(options);
  const costs = typicalSamples(net, config.seed).map((sample) => totalCost(net.cost(sample, patch)));
  const mean = (of: (c: TotalCost) => number) => costs.reduce((sum, c) => sum + of(c), 0) / costs.length;
  return {
    flops: mean((c) => c.flops),
    parameters: mean((c) => c.parameters),
    activationBytes: mean((c) => c.activationBytes),
  };
}

/** Bytes of activations that a step holds at once for one sample: all, or with recomputation the cells' outputs and the largest cell's own. */
export function heldBytes(config: Config, phase: PhaseName, patch: Shape3 = config.patch): number {
  const options = networkOptions(config, phase);
  if (!options.recompute) return expectedCost(config, phase, patch).activationBytes;
  const net = supernet(options);
  const [sample] = typicalSamples(net, config.seed);
  const cells = new Map<string, number>();
  const layers =
    phase === 'search'
      ? net.cost(sample, patch)
      : derivedNetwork(options, typicalGenotype(options, config.seed)).cost(patch);
  for (const { name, activationBytes: bytes } of layers) {
    const cell = name.split('/')[0];
    cells.set(cell, (cells.get(cell) ?? 0) + bytes);
  }
  const voxels = patch[0] * patch[1] * patch[2];
  const outputs = net.plans.reduce(
    (sum, { channels, level }) => sum + (4 * channels * voxels) / 8 ** level,
    0,
  );
  return outputs + Math.max(...cells.values());
}

/** About the peak of a step, bytes. */
export function stepBytes(config: Config, phase: PhaseName, microBatch: number): number {
  return BASE + PEAK * microBatch * heldBytes(config, phase);
}

/** The largest divisor of the phase's batch whose step fits the memory; 1 where none does. */
export function microBatchFor(config: Config, phase: PhaseName, memory = memoryBytes()): number {
  const { batch } = config[phase];
  if (config.readings.lossOver === 'batch') return batch;
  const held = heldBytes(config, phase);
  for (let micro = batch; micro > 1; micro--)
    if (batch % micro === 0 && BASE + PEAK * micro * held <= SHARE * memory) return micro;
  return 1;
}

/** Whether a step of the phase fits the memory. */
export function fits(config: Config, phase: PhaseName, memory = memoryBytes()): boolean {
  return stepBytes(config, phase, config[phase].microBatch) <= SHARE * memory;
}
