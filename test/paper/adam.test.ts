import { describe, expect, it } from 'vitest';
import { tf } from '../../src/engine/tf';
import { type AdamState, adamStep, adamStepScalars, betasOf, initialAdam } from '../../src/paper/adam';
import fixture from '../fixtures/torch_training.json';

/** Largest ‖a − b‖ / ‖b‖ of float32 tensors against PyTorch in float64, each parameter and moment by itself. */
const TOLERANCE = 1e-6;

/** The formula of test/oracles/torch_training.py. */
function torchValues(shape: readonly number[], salt: number): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, (_, i) => ((7919 * i + 104729 * salt) % 2003) / 1001.5 - 1);
}

/** ‖a − b‖ / ‖b‖, with no floor under ‖b‖: second moments may be 1e-19. */
function relative(a: ArrayLike<number>, b: readonly number[]): number {
  const distance = Math.hypot(...b.map((v, i) => a[i] - v));
  return distance / (Math.hypot(...b) || 1);
}

type Row = Record<string, { theta: number[]; m: number[]; v: number[]; peak?: number[]; steps: number }>;

const { parameters } = fixture;
const specs = parameters.map(({ name, shape }) => ({
  name,
  shape,
  init: 'zeros' as const,
  group: name.split('/')[0],
}));
const groups = Object.fromEntries(specs.map(({ name, group }) => [name, group]));
const start = () =>
  Object.fromEntries(specs.map(({ name, shape }, i) => [name, tf.tensor(torchValues(shape, i), shape)]));

/** The gradients of a step, counted from 1: only of the parameters that have one. */
function gradientsOf(step: number): Record<string, tf.Tensor> {
  const rows = parameters.flatMap(({ name, shape, scale, at }, i) => {
    const values = torchValues(shape, 10 * step + i).map((v) => v * scale);
    return (at as number[]).includes(step) ? [[name, tf.tensor(values, shape)] as const] : [];
  });
  return Object.fromEntries(rows);
}

describe.each(fixture.adam)('Adam of tensors, $name: η $rate, β₁ $beta1, β₂ $beta2', (options) => {
  const history = options.history as unknown as Row[];

  it("meets PyTorch's parameters, moments and step counts after every step", () => {
    let theta: Record<string, tf.Tensor> = start();
    let state: AdamState = initialAdam(specs, options);
    history.forEach((row, s) => {
      ({ theta, state } = adamStep(theta, state, gradientsOf(s + 1), groups, options));
      for (const { name, shape, group } of specs) {
        const expected = row[name];
        expect(theta[name].shape, name).toEqual(shape);
        expect(relative(theta[name].dataSync(), expected.theta), `Θ ${name} ${s}`).toBeLessThan(TOLERANCE);
        expect(relative(state.m[name].dataSync(), expected.m), `m ${name} ${s}`).toBeLessThan(TOLERANCE);
        expect(relative(state.v[name].dataSync(), expected.v), `v ${name} ${s}`).toBeLessThan(TOLERANCE);
        const peak = state.peak?.[name].dataSync() ?? [];
        expect(relative(peak, expected.peak ?? []), `peak ${name} ${s}`).toBeLessThan(TOLERANCE);
        // the two parameters of group a share a gradient's steps, so PyTorch's count by parameter is the group's
        expect(state.steps[group], name).toBe(expected.steps);
      }
    });
  });
});

describe('Adam of tensors', () => {
  const options = { rate: 0.025, beta1: 0.9, beta2: 0.999 };

  it('leaves a parameter without a gradient, its moments and its count as they are: the same tensors', () => {
    const theta = start();
    const state = initialAdam(specs);
    const next = adamStep(theta, state, gradientsOf(2), groups, options);
    for (const name of ['b/weight', 'c/gamma', 'd/never']) {
      expect(next.theta[name]).toBe(theta[name]);
      expect(next.state.m[name]).toBe(state.m[name]);
      expect(next.state.v[name]).toBe(state.v[name]);
      expect(next.theta[name].isDisposed).toBe(false);
    }
    expect(next.state.steps).toEqual({ a: 1, b: 0, c: 0, d: 0 });
    expect(state.steps.a).toBe(0);
  });

  it('does nothing without a gradient', () => {
    const theta = start();
    const state = initialAdam(specs);
    const next = adamStep(theta, state, {}, groups, options);
    expect(next.theta).toBe(theta);
    expect(next.state).toBe(state);
  });

  it('holds no more tensors after a step than before, and leaves the gradients to the caller', () => {
    let theta: Record<string, tf.Tensor> = start();
    let state: AdamState = initialAdam(specs);
    for (let step = 1; step <= 5; step++) {
      const gradients = gradientsOf(step);
      const before = tf.memory().numTensors;
      const old = theta['a/weight'];
      ({ theta, state } = adamStep(theta, state, gradients, groups, options));
      expect(tf.memory().numTensors).toBe(before);
      expect(old.isDisposed || old === theta['a/weight']).toBe(true);
      expect(Object.values(gradients).every((g) => !g.isDisposed)).toBe(true);
      tf.dispose(gradients);
    }
  });

  it('keeps its results beyond a tidy', () => {
    const results: tf.Tensor[] = [];
    tf.tidy(() => {
      const next = adamStep(start(), initialAdam(specs), gradientsOf(1), groups, options);
      results.push(next.theta['a/weight'], next.state.m['a/weight'], next.state.v['a/weight']);
    });
    expect(results.map((t) => t.isDisposed)).toEqual([false, false, false]);
  });
});

describe.each(fixture.adam.filter(({ amsgrad }) => !amsgrad))('Adam of plain numbers, $name', (options) => {
  it("meets PyTorch's values and moments to 1e-12", () => {
    const { name, shape, scale } = parameters[1];
    let values: number[] = [...torchValues(shape, 1)];
    let state: { m: readonly number[]; v: readonly number[]; t: number } = {
      m: values.map(() => 0),
      v: values.map(() => 0),
      t: 0,
    };
    (options.history as unknown as Row[]).forEach((row, s) => {
      const gradient = [...torchValues(shape, 10 * (s + 1) + 1)].map((v) => v * scale);
      ({ values, state } = adamStepScalars(values, state, gradient, options));
      expect(relative(values, row[name].theta)).toBeLessThan(1e-12);
      expect(relative(state.m, row[name].m)).toBeLessThan(1e-12);
      expect(relative(state.v, row[name].v)).toBeLessThan(1e-12);
      expect(state.t).toBe(s + 1);
    });
  });
});

describe("the paper's betas", () => {
  const printed = { rate: 0.025, beta1: 0.1, beta2: 0.001 };

  it('are 1 − β in the old notation', () => {
    const { rate, beta1, beta2 } = betasOf(printed, 'old notation');
    expect([rate, beta1, beta2]).toEqual([0.025, 0.9, 0.999]);
  });

  it('are β itself when meant literally', () => {
    expect(betasOf(printed, 'literal')).toEqual(printed);
  });
});
