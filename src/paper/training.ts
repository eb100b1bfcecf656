/**
 * How a network is trained: the losses and the optimisers, one record each. The paper's networks share one pair (§3: "trained in the same way"),
 * nnU-Net has its own.
 */
import type { Tensor5D } from '../engine/model';
import type { tf } from '../engine/tf';
import type { AdamVariant } from './adam';
import { diceAndCrossEntropy } from './dice-loss';
import { jaccardDistance } from './jaccard';
import type { Readings } from './readings';

/** A loss of logits [n, x, y, z, classes] and labels [n, x, y, z] as one number. */
export type Loss = (logits: Tensor5D, labels: tf.Tensor4D, readings: Readings) => tf.Scalar;

/** The losses by name. */
export const losses = {
  /** The paper's: 1 − Jaccard. */
  jaccard: jaccardDistance,
  /** nnU-Net's: soft Dice of the foreground and cross-entropy. */
  'dice and cross-entropy': diceAndCrossEntropy,
} as const satisfies Readonly<Record<string, Loss>>;
export type LossName = keyof typeof losses;

/** The optimisers by name, each a variant of Adam. */
export const optimisers = {
  /** The paper's. */
  adam: {},
  /** nnU-Net's. */
  'amsgrad with weight decay': { amsgrad: true, weightDecay: 3e-5 },
} as const satisfies Readonly<Record<string, AdamVariant>>;
export type OptimiserName = keyof typeof optimisers;

/** How a network is trained beyond its rates and length. */
export interface Training {
  readonly loss: LossName;
  readonly optimiser: OptimiserName;
}
