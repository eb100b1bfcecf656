/**
 * How long a configuration takes on this machine, from a few timed steps: the real networks on a part of the patch that a step of seconds can
 * hold, scaled by multiply-adds. A narrower network would mislead: the kernels' rate depends on the width, hardly on the extent.
 */

import { key } from '../engine/keys';
import { initialise, type Shape3 } from '../engine/model';
import { tf } from '../engine/tf';
import { windowStarts } from '../evaluate/window';
import { methodOf } from '../networks/methods';
import { temperature } from '../paper/anneal';
import { initialSearch, searchStep } from '../paper/bilevel';
import { totalCost } from '../paper/cost';
import { type BatchTensors, sampleNetwork } from '../paper/first-order';
import { type Sample, supernet } from '../paper/network';
import { initialRetrain, retrainStep } from '../paper/retrain';
import { disposeState } from './checkpoint';
import type { Config } from './config';
import { expectedCost, networkOptions, type PhaseName, retrainNetwork } from './memory';

/** Seconds of one step of each phase with its whole batch, and of one window of the prediction with all its flips. */
export interface StepSeconds {
  readonly search: number;
  readonly retrain: number;
  readonly window: number;
}

export interface CalibrationOptions {
  /** Seconds that the timing of each phase may take, about. */
  readonly budget?: number;
  /** Seconds now. */
  readonly clock?: () => number;
}

/** Timed steps at each part of the patch. */
const STEPS = 3;
/** Parts of the patch's sides that are tried, smallest first. */
const PARTS = [1 / 4, 3 / 8, 1 / 2, 3 / 4, 1];

/** One timed piece of work: its seconds, its passes through the network, and its multiply-adds forward. */
export interface Timed {
  readonly seconds: number;
  readonly passes: number;
  readonly multiplyAdds: number;
}

/** Timed work of a method, good for every task: what depends on a task are the multiply-adds. */
export interface Rates {
  /** Absent where the method does not search. */
  readonly search?: Line;
  readonly retrain: Line;
  readonly window: Line;
}

/** Times each phase of a configuration. */
export function calibrate(config: Config, options: CalibrationOptions = {}): StepSeconds {
  const own: Config = { ...config, method: 'scnas' };
  return stepSeconds(own, ratesOf(own, options));
}

/** Times the work of the configuration's method on a part of its patch. */
export function ratesOf(
  config: Config,
  { budget = 20, clock = () => performance.now() / 1000 }: CalibrationOptions = {},
): Rates {
  // A network designed by hand may halve a side five times, where the whole patch allows it.
  const byHand = methodOf(config.method).genotype === undefined;
  const sizes = partsOf(config.patch, byHand ? [32, 16, 8] : [8]);
  const line = (timed: typeof timedForward) =>
    timeOf(sizes, (patch, steps) => timed(config, patch, steps, clock), budget, clock);
  const searches = methodOf(config.method).genotype === 'searched';
  return {
    ...(searches ? { search: line(timedSearch) } : {}),
    retrain: line(timedRetrain),
    window: line(timedForward),
  };
}

/** What the rates of a method come to in a configuration. */
export function stepSeconds(config: Config, { search, retrain, window }: Rates): StepSeconds {
  // A step of the search passes Θ's batch and α's; each micro-batch is a pass of its own.
  const step = (phase: PhaseName, passes: number, { fixed, rate }: Line) => {
    const { batch, microBatch } = config[phase];
    return passes * (batch / microBatch) * fixed + passes * batch * expectedCost(config, phase).flops * rate;
  };
  return {
    search: search ? step('search', 2, search) : 0,
    retrain: step('retrain', 1, retrain),
    window: (config.flips ? 8 : 1) * (window.fixed + window.rate * expectedCost(config, 'retrain').flops),
  };
}

/** Windows that a volume of this shape is predicted in. */
export function windowsOf(shape: Shape3, patch: Shape3): number {
  return shape.reduce((n, size, axis) => n * windowStarts(size, patch[axis]).length, 1);
}

/** Seconds of a pass: a fixed part, which dispatch takes, and one for each multiply-add. */
export interface Line {
  readonly fixed: number;
  readonly rate: number;
}

type Measure = (patch: Shape3, steps: number) => readonly Timed[];

/** Times growing parts of the patch, two at least, until the next would take longer than the budget. */
function timeOf(sizes: readonly Shape3[], measure: Measure, budget: number, clock: () => number): Line {
  const began = clock();
  // What runs for the first time is compiled on its way.
  measure(sizes[0], 3);
  const timed: Timed[] = [];
  for (const [i, size] of sizes.entries()) {
    const started = clock();
    timed.push(...measure(size, STEPS));
    const next = sizes[i + 1];
    const growth = next ? volume(next) / volume(size) : 1;
    if (i > 0 && clock() - began + (clock() - started) * growth > budget) break;
  }
  return lineThrough(timed);
}

/** The line with the least squares of relative errors; neither part below 0. */
export function lineThrough(timed: readonly Timed[]): Line {
  // Divided by the seconds: 1 = fixed · u + rate · v.
  const sum = (of: (u: number, v: number) => number) =>
    timed.reduce(
      (s, { passes, multiplyAdds, seconds }) => s + of(passes / seconds, multiplyAdds / seconds),
      0,
    );
  const [uu, uv, vv] = [sum((u) => u * u), sum((u, v) => u * v), sum((_, v) => v * v)];
  const [u1, v1] = [sum((u) => u), sum((_, v) => v)];
  const determinant = uu * vv - uv * uv;
  const fixed = (u1 * vv - v1 * uv) / determinant;
  const rate = (uu * v1 - uv * u1) / determinant;
  if (determinant > 1e-9 * uu * vv && fixed >= 0 && rate > 0) return { fixed, rate };
  return rate > 0 || !(fixed > 0) ? { fixed: 0, rate: v1 / vv } : { fixed: u1 / uu, rate: 0 };
}

const volume = (shape: Shape3) => shape[0] * shape[1] * shape[2];

/** Parts of a patch, smallest first; sides are multiples of the first of the steps that the patch's own are multiples of. */
function partsOf(patch: Shape3, steps: readonly number[]): Shape3[] {
  const step = steps.find((n) => patch.every((side) => side % n === 0)) ?? 8;
  const side = (n: number, part: number) =>
    Math.min(n, Math.max(16, step, Math.round((n * part) / step) * step));
  const sizes = PARTS.map(
    (part): Shape3 => [side(patch[0], part), side(patch[1], part), side(patch[2], part)],
  );
  return sizes.filter((size, i) => i === 0 || volume(size) > volume(sizes[i - 1]));
}

function timedSearch(config: Config, patch: Shape3, steps: number, clock: () => number): Timed[] {
  const { search, seed } = config;
  const net = supernet(networkOptions(config, 'search'));
  const options = { ...search, batch: search.microBatch };
  const tau = temperature(search.tau, 0, Math.ceil(search.steps / search.stepsPerEpoch));
  const samples = search.microBatch;
  const cost = (sample: Sample) => totalCost(net.cost(sample, patch)).flops * samples;
  return timedSteps(
    initialSearch(net, search, seed),
    batchOf(config, patch, samples),
    steps,
    clock,
    2,
    (state, batch) => searchStep(net, options, seed, state, { theta: batch, alpha: batch }).state,
    (state) =>
      (['theta', 'alpha'] as const).reduce((sum, purpose) => {
        const k = key(seed, 'search', state.step, purpose);
        return sum + cost(sampleNetwork(net, state.alpha, tau, k).sample);
      }, 0),
  );
}

function timedRetrain(config: Config, patch: Shape3, steps: number, clock: () => number): Timed[] {
  const { retrain, seed, readings } = config;
  const net = retrainNetwork(config);
  const multiplyAdds = totalCost(net.cost(patch)).flops * retrain.microBatch;
  return timedSteps(
    initialRetrain(net, retrain, seed),
    batchOf(config, patch, retrain.microBatch),
    steps,
    clock,
    1,
    (state, batch) => retrainStep(net, retrain, state, batch, readings).state,
    () => multiplyAdds,
  );
}

function timedForward(config: Config, patch: Shape3, steps: number, clock: () => number): Timed[] {
  const net = retrainNetwork(config);
  const theta = initialise(net.parameters, key(config.seed, 'theta'));
  const batch = batchOf(config, patch, 1);
  const multiplyAdds = totalCost(net.cost(patch)).flops;
  const timed = Array.from({ length: steps + 1 }, () => {
    const began = clock();
    const out = tf.tidy(() => net.forward(theta, batch.x));
    out.dataSync();
    out.dispose();
    return { seconds: clock() - began, passes: 1, multiplyAdds };
  });
  tf.dispose([batch.x, batch.y]);
  tf.dispose(theta);
  return timed.slice(1);
}

/** Steps after one that is not timed: the first builds what later ones find. */
function timedSteps<State extends object>(
  first: State,
  batch: BatchTensors,
  steps: number,
  clock: () => number,
  passes: number,
  step: (state: State, batch: BatchTensors) => State,
  costOf: (state: State) => number,
): Timed[] {
  let state = step(first, batch);
  const timed = Array.from({ length: steps }, () => {
    const multiplyAdds = costOf(state);
    const began = clock();
    state = step(state, batch);
    return { seconds: clock() - began, passes, multiplyAdds };
  });
  disposeState(state);
  tf.dispose([batch.x, batch.y]);
  return timed;
}

function batchOf({ inputs }: Config, patch: Shape3, n: number): BatchTensors {
  return {
    x: tf.randomNormal([n, ...patch, inputs], 0, 1, 'float32', 1) as BatchTensors['x'],
    y: tf.zeros([n, ...patch], 'int32') as BatchTensors['y'],
  };
}
