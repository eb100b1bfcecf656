/**
 * Retraining (§3): a network of a genotype, or any other, trained from scratch; the paper's networks with Adam on the Jaccard distance.
 *
 * Adam 3e-4 / (0.9, 0.999); where the training loss has not fallen for 30 epochs the rate is divided by 5; the end is 500 epochs or a rate below 1e-7.
 */
import { fail } from '../engine/errors';
import { gradients } from '../engine/gradients';
import { key } from '../engine/keys';
import { initialise, type Network, type Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { mergeGradients, microBatches } from './accumulate';
import { type AdamOptions, type AdamState, adamStep, initialAdam } from './adam';
import type { BatchTensors } from './first-order';
import { afterEpoch, initialPlateau, type PlateauOptions, type PlateauState } from './plateau';
import type { Readings } from './readings';
import { losses, optimisers, type Training } from './training';

/** How a network is trained; plain JSON. */
export interface RetrainOptions {
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Samples computed at a time; the batch's gradient is their mean. */
  readonly microBatch: number;
  readonly adam: AdamOptions;
  readonly plateau: PlateauOptions;
  /** Training ends where the rate falls below this. */
  readonly minRate: number;
  /** Loss and optimiser; absent: the paper's. */
  readonly training?: Training;
  /** Where set, the rate also falls to 0 as (1 − step/steps)^decay: for runs too short for a plateau. */
  readonly decay?: number;
}

const PAPER: Training = { loss: 'jaccard', optimiser: 'adam' };

/** All that training carries from step to step. */
export interface RetrainState {
  readonly step: number;
  readonly theta: Theta;
  readonly adam: AdamState;
  readonly plateau: PlateauState;
  /** Sum of the losses of the epoch so far. */
  readonly epochLoss: number;
}

/** What a step tells. */
export interface RetrainReport {
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly rate: number;
  /** True after the last step. */
  readonly finished: boolean;
}

/**
 * The state before the first step.
 *
 * Rule: Θ He normal from the seed's key; moments zero.
 * @param net the network
 * @param options the first rate
 * @param seed of the whole run
 * Source: §3, "retrained from scratch"; reading: initialisation.
 */
export function initialRetrain(net: Network, options: RetrainOptions, seed: number): RetrainState {
  return {
    step: 0,
    theta: initialise(net.parameters, key(seed, 'retrain')),
    adam: initialAdam(net.parameters, optimisers[(options.training ?? PAPER).optimiser]),
    plateau: initialPlateau(options.adam.rate),
    epochLoss: 0,
  };
}

/**
 * Whether training is over.
 *
 * Rule: all steps done, or the rate below its least.
 * @param options steps and least rate
 * @param state the state after a step
 * Source: §3, "500 epochs or if the learning rate was smaller than 10^-7".
 */
export function isFinished(options: RetrainOptions, state: RetrainState): boolean {
  return state.step >= options.steps || state.plateau.rate < options.minRate;
}

/**
 * One training step.
 *
 * $$\Theta \leftarrow \mathrm{Adam}(\Theta, \nabla_\Theta \mathcal{L}(\Theta))$$
 * Consumes the tensors of the old state that it replaces.
 * @param net the network
 * @param options rate, plateau, epoch
 * @param state the state before the step
 * @param batch images [n, x, y, z, channels] and classes [n, x, y, z]
 * @param readings the loss's and the plateau's
 * @throws ScnasError where the loss is not a number
 * Source: §3.
 */
export function retrainStep(
  net: Network,
  options: RetrainOptions,
  state: RetrainState,
  batch: BatchTensors,
  readings: Readings,
): { state: RetrainState; report: RetrainReport } {
  const names = net.parameters.map((p) => p.name);
  const { loss: lossName, optimiser } = options.training ?? PAPER;
  const parts = microBatches(batch, options.microBatch, ({ x, y }) =>
    gradients(
      () => losses[lossName](net.forward(state.theta, x), y, readings),
      names.map((name) => state.theta[name]),
    ),
  );
  const { loss, gradients: g } = mergeGradients(names, state.theta, parts);
  if (!Number.isFinite(loss)) {
    const next = 'begin a new run with a lower retrain.adam.rate';
    fail({ where: `loss, step ${state.step + 1}`, expected: 'a number', found: String(loss), next });
  }
  const groups = Object.fromEntries(net.parameters.map((p) => [p.name, p.group]));
  const rate = state.plateau.rate * (1 - state.step / options.steps) ** (options.decay ?? 0);
  const updated = adamStep(state.theta, state.adam, g, groups, {
    ...options.adam,
    ...optimisers[optimiser],
    rate,
  });
  tf.dispose(g);

  const step = state.step + 1;
  const epochLoss = state.epochLoss + loss;
  const ends = step % options.stepsPerEpoch === 0;
  const plateau = ends
    ? afterEpoch(state.plateau, epochLoss / options.stepsPerEpoch, options.plateau, readings.plateauOn)
    : state.plateau;
  const next = { step, theta: updated.theta, adam: updated.state, plateau, epochLoss: ends ? 0 : epochLoss };
  const epoch = Math.floor(state.step / options.stepsPerEpoch);
  return { state: next, report: { step, epoch, loss, rate, finished: isFinished(options, next) } };
}
