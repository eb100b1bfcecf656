/**
 * The search: stochastic bi-level optimisation with operation sampling (§2.2, Eq. (2)–(4), Algorithm 1).
 *
 * $$\min_\alpha\ \mathbb{E}_{Z \sim P_\alpha}[\mathcal{L}_{val}(\Theta^{*}(Z), Z)] \quad\text{s.t.}\quad
 * \Theta^{*}(Z) = \mathrm{argmin}_\Theta\ \mathcal{L}_{train}(\Theta, Z) \qquad (3)$$
 * A step updates Θ on a batch of the Θ set, then α on a batch of the α set, each with a sample of its own; the α gradient is first order: Θ* is taken
 * to be the present Θ. Both sets are parts (4:1) of the training cases; validation cases are never seen.
 */
import { fail } from '../engine/errors';
import { key, normal } from '../engine/keys';
import { initialise, type Theta } from '../engine/model';
import { tf } from '../engine/tf';
import {
  type AdamOptions,
  type AdamState,
  adamStep,
  adamStepScalars,
  betasOf,
  initialAdam,
  type ScalarAdamState,
} from './adam';
import { type Schedule, temperature } from './anneal';
import {
  type Alpha,
  alphaGradients,
  type BatchTensors,
  sampleNetwork,
  thetaGradients,
  zHatGradients,
} from './first-order';
import { type CellType, cellTypes, edgesOf, intermediateNodes } from './genotype';
import { type Draw, entropy, softmax } from './gumbel';
import type { Supernet } from './network';
import { afterEpoch, initialPlateau, type PlateauOptions, type PlateauState } from './plateau';

/** How a search runs; plain JSON. */
export interface SearchOptions {
  readonly steps: number;
  readonly stepsPerEpoch: number;
  /** Samples computed at a time; the batch's gradient is their mean. */
  readonly microBatch: number;
  readonly tau: Schedule;
  /** Adam of Θ; its betas as the paper prints them, (0.1, 0.001): see the reading `thetaBetas`. */
  readonly theta: AdamOptions;
  readonly alpha: AdamOptions;
  readonly plateau: PlateauOptions;
}

/** All that a search carries from step to step. */
export interface SearchState {
  readonly step: number;
  readonly theta: Theta;
  readonly alpha: Alpha;
  readonly adamTheta: AdamState;
  readonly adamAlpha: ScalarAdamState;
  readonly plateauTheta: PlateauState;
  readonly plateauAlpha: PlateauState;
  /** Sum of the Θ losses of the epoch so far. */
  readonly epochLoss: number;
}

/** What a step tells. */
export interface SearchReport {
  readonly step: number;
  readonly epoch: number;
  readonly lossTheta: number;
  readonly lossAlpha: number;
  readonly tau: number;
  /** Mean entropy over the edges of softmax(α), nats. */
  readonly entropyAlpha: number;
  /** Mean entropy over the edges of the Θ step's Z̄, nats. */
  readonly entropyZBar: number;
  /** Mean number of distinct operations computed on an edge, 1 to 2. */
  readonly operationsPerEdge: number;
  readonly rateTheta: number;
  readonly rateAlpha: number;
}

/**
 * The state before the first step.
 *
 * Rule: Θ He normal, α = 1e-3 · normal, all from the seed's keys; moments zero.
 * @param net the supernet
 * @param options rates
 * @param seed of the whole run
 * Source: §2.2, §3; reading: initialisation, DARTS.
 */
export function initialSearch(net: Supernet, options: SearchOptions, seed: number): SearchState {
  const count = net.options.operations.length;
  const edges = edgesOf(intermediateNodes(net.options.readings)).length;
  const alpha = Object.fromEntries(
    cellTypes.map((type) => {
      const noise = normal(key(seed, 'alpha', type), edges * count);
      return [
        type,
        Array.from({ length: edges }, (_, e) =>
          [...noise.slice(e * count, (e + 1) * count)].map((v) => 1e-3 * v),
        ),
      ];
    }),
  ) as unknown as Alpha;
  const n = cellTypes.length * edges * count;
  return {
    step: 0,
    theta: initialise(net.parameters, key(seed, 'theta')),
    alpha,
    adamTheta: initialAdam(net.parameters),
    adamAlpha: { m: new Array<number>(n).fill(0), v: new Array<number>(n).fill(0), t: 0 },
    plateauTheta: initialPlateau(options.theta.rate),
    plateauAlpha: initialPlateau(options.alpha.rate),
    epochLoss: 0,
  };
}

/**
 * One step of the search: Θ, then α (or α first).
 *
 * Rule: τ is the epoch's; samples come from the keys (seed, 'search', step, purpose); at the end of an epoch the plateau rule looks at the mean Θ loss.
 * Consumes the tensors of the old state that it replaces.
 * @param net the supernet
 * @param options rates, schedule, epoch
 * @param seed of the whole run
 * @param state the state before the step
 * @param batches a batch of the Θ set and one of the α set
 * @throws ScnasError where a loss is not a number
 * Source: §2.2, §3; reading: order in a step.
 */
export function searchStep(
  net: Supernet,
  options: SearchOptions,
  seed: number,
  state: SearchState,
  batches: { readonly theta: BatchTensors; readonly alpha: BatchTensors },
): { state: SearchState; report: SearchReport } {
  const { readings } = net.options;
  const epoch = Math.floor(state.step / options.stepsPerEpoch);
  const tau = temperature(options.tau, epoch, Math.ceil(options.steps / options.stepsPerEpoch));
  const order =
    readings.order === 'theta first' ? (['theta', 'alpha'] as const) : (['alpha', 'theta'] as const);
  let { theta, adamTheta, alpha, adamAlpha } = state;
  let [lossTheta, lossAlpha] = [Number.NaN, Number.NaN];
  let drawn: ReturnType<typeof sampleNetwork> | undefined;

  for (const purpose of order) {
    const sampled = sampleNetwork(net, alpha, tau, key(seed, 'search', state.step, purpose));
    if (purpose === 'theta') {
      drawn = sampled;
      const { loss, gradients: g } = thetaGradients(
        net,
        theta,
        batches.theta,
        sampled.sample,
        options.microBatch,
      );
      lossTheta = checked(loss, 'Θ', state.step);
      const all = readings.unsampled === 'untouched' ? g : withZeros(net, g);
      const groups = Object.fromEntries(net.parameters.map((p) => [p.name, p.group]));
      const rates = { ...betasOf(options.theta, readings.thetaBetas), rate: state.plateauTheta.rate };
      ({ theta, state: adamTheta } = adamStep(theta, adamTheta, all, groups, rates));
      tf.dispose(all);
    } else {
      const { loss, gradient } = zHatGradients(net, theta, batches.alpha, sampled.sample, options.microBatch);
      lossAlpha = checked(loss, 'α', state.step);
      const g = flatten(alphaGradients(net, sampled.sample, gradient, tau));
      const rates = { ...options.alpha, rate: state.plateauAlpha.rate };
      const updated = adamStepScalars(flatten(alpha), adamAlpha, g, rates);
      alpha = unflatten(updated.values, alpha);
      adamAlpha = updated.state;
    }
  }

  const draws = drawn ?? { sample: [], zBar: [] };
  const report: SearchReport = {
    step: state.step + 1,
    epoch,
    lossTheta,
    lossAlpha,
    tau,
    entropyAlpha: alphaEntropy(alpha),
    entropyZBar: mean(draws.zBar.flat().map(entropy)),
    operationsPerEdge: mean(draws.sample.flat().map((d: Draw) => d.operations.length)),
    rateTheta: state.plateauTheta.rate,
    rateAlpha: state.plateauAlpha.rate,
  };
  const epochLoss = state.epochLoss + lossTheta;
  const next = { ...state, step: state.step + 1, theta, alpha, adamTheta, adamAlpha, epochLoss };
  return { state: next.step % options.stepsPerEpoch === 0 ? endOfEpoch(net, options, next) : next, report };
}

function endOfEpoch(net: Supernet, options: SearchOptions, state: SearchState): SearchState {
  const { plateauOn, plateauCuts } = net.options.readings;
  const loss = state.epochLoss / options.stepsPerEpoch;
  const after = (p: PlateauState) => afterEpoch(p, loss, options.plateau, plateauOn);
  const plateauAlpha = plateauCuts === 'both' ? after(state.plateauAlpha) : state.plateauAlpha;
  return { ...state, plateauTheta: after(state.plateauTheta), plateauAlpha, epochLoss: 0 };
}

/**
 * Mean entropy over all edges of softmax(α), in nats: ln 8 = 2.08 where nothing has been learnt.
 *
 * $\frac{1}{4E} \sum_{C, (i,j)} H(\mathrm{softmax}(\alpha^{(i,j)}_C))$
 * @param alpha α, [edges, operations] for each cell type
 * Source: §2.2.
 */
export function alphaEntropy(alpha: Alpha): number {
  return mean(cellTypes.flatMap((type) => alpha[type].map((row) => entropy(softmax(row)))));
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function checked(loss: number, which: string, step: number): number {
  if (Number.isFinite(loss)) return loss;
  const next = 'begin a new run with a lower search.theta.rate';
  return fail({ where: `${which} loss, step ${step + 1}`, expected: 'a number', found: String(loss), next });
}

/** Gradients of zero for what was not sampled: the other reading of Adam. */
function withZeros(net: Supernet, g: Record<string, tf.Tensor>): Record<string, tf.Tensor> {
  return Object.fromEntries(
    net.parameters.map(({ name, shape }) => [name, g[name] ?? tf.zeros(shape as number[])]),
  );
}

const flatten = (alpha: Alpha): number[] => cellTypes.flatMap((type) => alpha[type].flat());

function unflatten(values: readonly number[], like: Alpha): Alpha {
  let at = 0;
  const rows = (type: CellType) =>
    like[type].map((row) => {
      at += row.length;
      return values.slice(at - row.length, at);
    });
  // in the order of cellTypes
  return { enc: rows('enc'), red: rows('red'), dec: rows('dec'), exp: rows('exp') };
}
