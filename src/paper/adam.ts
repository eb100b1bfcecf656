/**
 * Adam (Kingma and Ba 2015) over named tensors, all of one step in one call of a kernel.
 *
 * Each group of parameters (an operation on an edge of a cell) counts its own steps: an operation that a step did not sample is not touched,
 * neither its weights nor its moments nor its count (reading `unsampled`).
 */
import { kernels } from '../engine/kernels';
import type { ParameterSpec } from '../engine/model';
import { tf } from '../engine/tf';
import type { Readings } from './readings';

/** Learning rate η and decay rates β₁, β₂. */
export interface AdamOptions {
  readonly rate: number;
  readonly beta1: number;
  readonly beta2: number;
}

/** A variant of Adam: what nnU-Net adds to it. */
export interface AdamVariant {
  /** Divide by the greatest second moment so far (Reddi et al. 2018). */
  readonly amsgrad?: boolean;
  /** λ of an L2 penalty, whose gradient λθ is added to the loss's. */
  readonly weightDecay?: number;
}

/** First and second moments by parameter, steps by group. */
export interface AdamState {
  readonly m: Readonly<Record<string, tf.Tensor>>;
  readonly v: Readonly<Record<string, tf.Tensor>>;
  /** With amsgrad: the greatest second moment so far. */
  readonly peak?: Readonly<Record<string, tf.Tensor>>;
  readonly steps: Readonly<Record<string, number>>;
}

/**
 * The β₁, β₂ that a pair of numbers in the paper means.
 *
 * Rule: the paper's (0.1, 0.001) for Θ are 1 − β in the old notation of climin, which Kayalibay's code uses, so (0.9, 0.999); or they are meant literally.
 * @param options η and the two numbers as the paper prints them
 * @param notation how they are read
 * Source: §3; reading: Adam of Θ.
 */
export function betasOf(options: AdamOptions, notation: Readings['thetaBetas']): AdamOptions {
  if (notation === 'literal') return options;
  return { rate: options.rate, beta1: 1 - options.beta1, beta2: 1 - options.beta2 };
}

/** Added to the root of the second moment. */
const STABILISER = 1e-8;

/**
 * Moments of zero for every parameter.
 *
 * $m_0 = v_0 = 0$, t = 0
 * @param parameters the parameters to be trained, [parameters]
 * @param variant whether the greatest second moments are kept too
 * Source: Kingma and Ba 2015.
 */
export function initialAdam(parameters: readonly ParameterSpec[], { amsgrad }: AdamVariant = {}): AdamState {
  const zeros = () =>
    Object.fromEntries(parameters.map(({ name, shape }) => [name, tf.zeros(shape as number[])]));
  const steps = Object.fromEntries(parameters.map(({ group }) => [group, 0]));
  return { m: zeros(), v: zeros(), ...(amsgrad ? { peak: zeros() } : {}), steps };
}

/**
 * One step of Adam on the parameters that have a gradient; all others stay as they are.
 *
 * $$m \leftarrow \beta_1 m + (1-\beta_1) g,\quad v \leftarrow \beta_2 v + (1-\beta_2) g^2,\quad
 * \theta \leftarrow \theta - \eta\, \frac{m/(1-\beta_1^t)}{\sqrt{v/(1-\beta_2^t)} + 10^{-8}}$$
 * With a weight decay λ, $g \leftarrow g + \lambda\theta$ before; where the state has a peak (amsgrad), $\max_{s \le t} v_s$ stands for v in the last.
 * Consumes the old tensors of the parameters that move: the native kernels write over them.
 * @param theta Θ, value of every parameter by name
 * @param state moments and step counts
 * @param gradients g by name, shapes as Θ's; only these parameters move
 * @param groups the group of every parameter, by name
 * @param options η, β₁, β₂, λ
 * Source: Kingma and Ba 2015; §3; reading: unsampled. Amsgrad and λ as torch.optim.Adam has them.
 */
export function adamStep<T extends Readonly<Record<string, tf.Tensor>>>(
  theta: T,
  state: AdamState,
  gradients: Readonly<Record<string, tf.Tensor>>,
  groups: Readonly<Record<string, string>>,
  { rate, beta1, beta2, weightDecay = 0 }: AdamOptions & AdamVariant,
): { theta: T; state: AdamState } {
  const names = Object.keys(gradients).sort();
  if (names.length === 0) return { theta, state };
  const steps = { ...state.steps };
  for (const group of new Set(names.map((name) => groups[name]))) steps[group]++;

  const of = (list: Readonly<Record<string, tf.Tensor>>) => names.map((name) => list[name]);
  const fresh = kernels().adam({
    g: of(gradients),
    m: of(state.m),
    v: of(state.v),
    peak: state.peak && of(state.peak),
    theta: of(theta),
    rate,
    weightDecay,
    beta1,
    beta2,
    stabiliser: STABILISER,
    scales: names.map((name) => {
      const t = steps[groups[name]];
      return [1 / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)];
    }),
  });
  const replaced = <R extends Readonly<Record<string, tf.Tensor>>>(old: R, by: readonly tf.Tensor[]): R => {
    const kept = by.map((tensor) => tf.keep(tensor));
    const same = kept.every((tensor, i) => tensor === old[names[i]]);
    return same ? old : { ...old, ...Object.fromEntries(names.map((name, i) => [name, kept[i]])) };
  };
  const peak = state.peak && fresh.peak && { peak: replaced(state.peak, fresh.peak) };
  return {
    theta: replaced(theta, fresh.theta),
    state: { m: replaced(state.m, fresh.m), v: replaced(state.v, fresh.v), ...peak, steps },
  };
}

/** Moments of a small table of plain numbers, as α's is. */
export interface ScalarAdamState {
  readonly m: readonly number[];
  readonly v: readonly number[];
  readonly t: number;
}

/**
 * One step of Adam on plain float64 numbers.
 *
 * $\theta \leftarrow \theta - \eta\, \hat m / (\sqrt{\hat v} + 10^{-8})$
 * @param values θ, [values]
 * @param state moments and step count
 * @param gradient g, [values]
 * @param options η, β₁, β₂
 * Source: Kingma and Ba 2015; §3.
 */
export function adamStepScalars(
  values: readonly number[],
  state: ScalarAdamState,
  gradient: readonly number[],
  { rate, beta1, beta2 }: AdamOptions,
): { values: number[]; state: ScalarAdamState } {
  const t = state.t + 1;
  const m = gradient.map((g, i) => beta1 * state.m[i] + (1 - beta1) * g);
  const v = gradient.map((g, i) => beta2 * state.v[i] + (1 - beta2) * g * g);
  const step = (i: number) => m[i] / (1 - beta1 ** t) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + STABILISER);
  return { values: values.map((x, i) => x - rate * step(i)), state: { m, v, t } };
}
