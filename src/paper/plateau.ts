/**
 * The plateau rule (§3): "If a plateau for 20 epochs on the training loss was detected, the learning rate was reduced by a factor of 10", and by 5
 * after 30 epochs in retraining. The rule is nnU-Net v1's: a moving average of the training loss, 0.93 old, must gain more than 1e-3.
 */
import type { Readings } from './readings';

export interface PlateauOptions {
  /** Epochs without gain that are borne. */
  readonly patience: number;
  /** What the rate is divided by. */
  readonly factor: number;
}

/** What one optimiser remembers of the training loss. */
export interface PlateauState {
  readonly rate: number;
  readonly average: number | null;
  readonly best: number | null;
  /** Epochs since the last gain. */
  readonly bad: number;
}

/**
 * Steps of an epoch, after which τ falls and the plateau rule looks at the loss.
 *
 * Rule: a fixed number of batches, 250 as nnU-Net's; or one pass, ⌈cases / batch⌉.
 * @param stepsPerEpoch the fixed number of batches
 * @param cases training cases of the set
 * @param batch patches in a step
 * @param epoch how long an epoch is
 * Source: §3; reading: epoch, nnU-Net.
 */
export function epochLength(
  stepsPerEpoch: number,
  cases: number,
  batch: number,
  epoch: Readings['epoch'],
): number {
  return epoch === 'batches' ? stepsPerEpoch : Math.ceil(cases / batch);
}

/** A gain is a fall of the loss by more than this. */
const GAIN = 1e-3;
/** Weight of the old average. */
const MEMORY = 0.93;

/**
 * The state before the first epoch.
 *
 * Rule: nothing seen yet.
 * @param rate η, the first learning rate
 * Source: §3.
 */
export function initialPlateau(rate: number): PlateauState {
  return { rate, average: null, best: null, bad: 0 };
}

/**
 * The state after an epoch; its rate is the one to go on with.
 *
 * Rule: $a \leftarrow 0.93\,a + 0.07\,l$; where a has not fallen 1e-3 below its best for more than `patience` epochs, the rate is divided by
 * `factor` and the count begins anew.
 * @param state what was seen so far
 * @param loss l, mean training loss of the epoch
 * @param options patience and factor
 * @param on what a plateau is seen on
 * Source: §3; reading: plateau, nnU-Net.
 */
export function afterEpoch(
  state: PlateauState,
  loss: number,
  { patience, factor }: PlateauOptions,
  on: Readings['plateauOn'],
): PlateauState {
  const average =
    state.average === null || on === 'raw' ? loss : MEMORY * state.average + (1 - MEMORY) * loss;
  if (state.best === null || average < state.best - GAIN) return { ...state, average, best: average, bad: 0 };
  const bad = state.bad + 1;
  if (bad <= patience) return { ...state, average, bad };
  return { rate: state.rate / factor, average, best: state.best, bad: 0 };
}
