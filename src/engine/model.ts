/**
 * What a network is to the code that trains, stores and evaluates it: a list of parameters, a forward pass, a cost.
 * Layout everywhere: NDHWC, [batch, x, y, z, channel], float32.
 */
import { fold, type Key, normal } from './keys';
import { tf } from './tf';

export type Shape3 = readonly [number, number, number];
export type Tensor5D = tf.Tensor5D;
/** The value of every parameter, by name. Θ in the paper. */
export type Theta = Readonly<Record<string, tf.Tensor>>;

/** One trainable tensor. `group` names the operation it belongs to: Adam counts steps by group. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** `he`: normal with standard deviation gain / √fanIn, gain² = 2 / (1 + slope²) for LeakyReLU's slope. */
  readonly init: 'he' | 'ones' | 'zeros';
  readonly fanIn?: number;
  readonly group: string;
}

/** What a layer costs for one sample of a patch. */
export interface LayerCost {
  readonly name: string;
  /** Multiply-adds, each counted once. */
  readonly multiplyAdds: number;
  readonly parameters: number;
  /** Bytes of the activations that a backward pass needs, float32. */
  readonly activationBytes: number;
}

export interface Network {
  readonly name: string;
  /** Input channels. */
  readonly inputs: number;
  /** Classes, the background included. */
  readonly classes: number;
  readonly parameters: readonly ParameterSpec[];
  /** Logits [batch, x, y, z, classes] of a batch [batch, x, y, z, inputs]. */
  forward(theta: Theta, x: Tensor5D): Tensor5D;
  /** Cost of each layer for one sample of the patch. */
  cost(patch: Shape3): readonly LayerCost[];
}

/** LeakyReLU's slope for negative inputs. */
export const SLOPE = 0.01;
/** InstanceNorm's ε, added to the variance. */
export const EPSILON = 1e-5;

/** How many numbers the parameters hold. */
export function parameterCount(parameters: readonly Pick<ParameterSpec, 'shape'>[]): number {
  return parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** Starting values for parameters: each depends on (key, its name) alone. */
export function initialise(parameters: readonly ParameterSpec[], k: Key): Record<string, tf.Tensor> {
  return Object.fromEntries(parameters.map((spec) => [spec.name, initialValue(spec, k)]));
}

function initialValue({ name, shape, init, fanIn }: ParameterSpec, k: Key): tf.Tensor {
  if (init === 'ones') return tf.ones(shape as number[]);
  if (init === 'zeros') return tf.zeros(shape as number[]);
  const n = parameterCount([{ shape }]);
  const sd = Math.sqrt(2 / (1 + SLOPE * SLOPE) / (fanIn ?? n));
  return tf.tensor(
    normal(fold(k, name), n).map((v) => v * sd),
    shape as number[],
  );
}
