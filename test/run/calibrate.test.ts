/** Predicted seconds against measured ones, in processor time of this process, which other programs on the machine do not change much. */
import { describe, expect, it } from 'vitest';
import { tf } from '../../src/engine/tf';
import { initialSearch, searchStep } from '../../src/paper/bilevel';
import type { BatchTensors } from '../../src/paper/first-order';
import { derivedNetwork, supernet } from '../../src/paper/network';
import { initialRetrain, retrainStep } from '../../src/paper/retrain';
import { calibrate, lineThrough } from '../../src/run/calibrate';
import { disposeState } from '../../src/run/checkpoint';
import { resolveConfig } from '../../src/run/config';
import { typicalGenotype } from '../../src/run/expected';
import { networkOptions } from '../../src/run/memory';
import { loadOperations } from '../../src/run/operations';

const { operations, hash: operationsHash } = loadOperations(null);
const config = resolveConfig({
  file: 'smoke',
  set: [
    'patch=48,48,48',
    'search.stem=8',
    'retrain.stem=8',
    'readings.nodes=two',
    'search.batch=2',
    'retrain.batch=2',
  ],
  given: { classes: ['background', 'a', 'b'], operations: operations.map((o) => o.name), operationsHash },
});
const clock = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** A batch of the configuration's own size. */
const batch = (n: number, seed: number): BatchTensors => ({
  x: tf.randomNormal([n, ...config.patch, 1], 0, 1, 'float32', seed) as BatchTensors['x'],
  y: tf.zeros([n, ...config.patch], 'int32') as BatchTensors['y'],
});

/** Mean seconds of the steps behind the first four, in which the code is still being compiled. */
function measured<State extends object>(first: State, steps: number, step: (state: State) => State): number {
  let state = first;
  for (let i = 0; i < 4; i++) state = step(state);
  const began = clock();
  for (let i = 0; i < steps; i++) state = step(state);
  const seconds = (clock() - began) / steps;
  disposeState(state);
  return seconds;
}

describe('the line through timed steps', () => {
  const at = (passes: number, multiplyAdds: number, seconds: number) => ({ passes, multiplyAdds, seconds });

  it('is met exactly where the times lie on one', () => {
    const times = [at(2, 1e9, 2 * 0.3 + 0.5), at(2, 4e9, 2 * 0.3 + 2), at(1, 2e9, 0.3 + 1)];
    const { fixed, rate } = lineThrough(times);
    expect(fixed).toBeCloseTo(0.3, 9);
    expect(rate * 1e9).toBeCloseTo(0.5, 9);
  });

  it('has no part below 0', () => {
    expect(lineThrough([at(1, 1e9, 1), at(1, 2e9, 3)]).fixed).toBe(0);
    expect(lineThrough([at(1, 1e9, 2), at(1, 2e9, 1)]).rate).toBe(0);
    expect(lineThrough([at(1, 1e9, 2)])).toEqual({ fixed: 0, rate: 2e-9 });
  });
});

describe('a calibration that stops at a part of the patch', { timeout: 600_000 }, () => {
  // Seconds depend on what else the machine does: to be run alone, with SCNAS_TIMED=1.
  it.skipIf(!process.env.SCNAS_TIMED)('predicts a step of each phase within a factor of 1.5', () => {
    // The budget is spent at once, so that only 16³ and 24³ of the patch are timed.
    const predicted = calibrate(config, { clock, budget: 1e-9 });
    const { search, retrain, seed, readings } = config;
    const x = batch(2, 1);
    const net = supernet(networkOptions(config, 'search'));
    const searching = measured(
      initialSearch(net, search, seed + 1),
      8,
      (state) => searchStep(net, search, seed + 1, state, { theta: x, alpha: x }).state,
    );
    const options = networkOptions(config, 'retrain');
    const derived = derivedNetwork(options, typicalGenotype(options, seed));
    const retraining = measured(
      initialRetrain(derived, retrain, seed),
      8,
      (state) => retrainStep(derived, retrain, state, x, readings).state,
    );
    tf.dispose([x.x, x.y]);
    const ratios = { search: predicted.search / searching, retrain: predicted.retrain / retraining };
    for (const [phase, ratio] of Object.entries(ratios)) {
      expect(ratio, `${phase} ${JSON.stringify({ predicted, searching, retraining })}`).toBeGreaterThan(
        1 / 1.5,
      );
      expect(ratio, `${phase} ${JSON.stringify({ predicted, searching, retraining })}`).toBeLessThan(1.5);
    }
  });

  it('leaves no tensor behind', () => {
    const small = { ...config, patch: [16, 16, 16] as const };
    calibrate(small, { budget: 1e-9 });
    const before = tf.memory().numTensors;
    calibrate(small, { budget: 1e-9 });
    expect(tf.memory().numTensors).toBe(before);
  });
});
