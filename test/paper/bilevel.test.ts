import { describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import { tf } from '../../src/engine/tf';
import { initialSearch, searchStep } from '../../src/paper/bilevel';
import { alphaGradients, sampleNetwork, thetaGradients, zHatGradients } from '../../src/paper/first-order';
import { cellTypes } from '../../src/paper/genotype';
import { jaccardDistance } from '../../src/paper/jaccard';
import { supernet, zHatOf } from '../../src/paper/network';
import { defaultReadings } from '../../src/paper/readings';
import { batch, options, relative, searchOptions } from './small';

const net = supernet(options);
const data = (t: Readonly<Record<string, tf.Tensor>>) =>
  Object.fromEntries(Object.entries(t).map(([name, v]) => [name, v.dataSync().slice()]));

describe('one step of the search', () => {
  it('moves only sampled operations and the shared parts; moments and counts of the others stay', () => {
    const before = initialSearch(net, searchOptions, 3);
    const values = data(before.theta);
    const sample = sampleNetwork(net, before.alpha, 10, key(3, 'search', 0, 'theta')).sample;
    const used = new Set(net.used(sample));
    const { state } = searchStep(net, searchOptions, 3, before, { theta: batch(1), alpha: batch(2) });
    const groups = new Set(net.parameters.filter((p) => used.has(p.name)).map((p) => p.group));
    const moved = net.parameters.filter((p) => relative(state.theta[p.name].dataSync(), values[p.name]) > 0);
    expect(used.size).toBeGreaterThan(100);
    expect(used.size).toBeLessThan(net.parameters.length / 2);
    expect(moved.every((p) => used.has(p.name))).toBe(true);
    expect(moved.length).toBeGreaterThan(0.9 * used.size);
    for (const { name, group } of net.parameters) {
      expect(state.adamTheta.steps[group]).toBe(groups.has(group) ? 1 : 0);
      if (!used.has(name)) expect(Math.max(...state.adamTheta.v[name].dataSync())).toBe(0);
    }
    tf.dispose([state.theta, state.adamTheta.m, state.adamTheta.v]);
  });

  it('α gets a gradient from every operation sampled as one of two, and from no other', () => {
    const state = initialSearch(net, searchOptions, 4);
    const { sample } = sampleNetwork(net, state.alpha, 5, key(4, 'alpha test'));
    const { gradient } = zHatGradients(net, state.theta, batch(3), sample, 1);
    const byAlpha = alphaGradients(net, sample, gradient, 5);
    cellTypes.forEach((type, site) => {
      byAlpha[type].forEach((row, e) => {
        const { operations } = sample[site][e];
        row.forEach((g, o) => {
          expect(Number.isFinite(g)).toBe(true);
          expect(g !== 0).toBe(operations.length === 2 && operations.includes(o));
        });
      });
    });
    tf.dispose([state.theta, state.adamTheta.m, state.adamTheta.v]);
  });

  it('the gradient by ẑ equals finite differences of the loss', () => {
    const state = initialSearch(net, searchOptions, 5);
    const { sample } = sampleNetwork(net, state.alpha, 2, key(5, 'differences'));
    const { x, y } = batch(3);
    const { gradient } = zHatGradients(net, state.theta, { x, y }, sample, 1);
    const z = zHatOf(sample);
    const norm = Math.hypot(...gradient);
    const loss = (h: number) =>
      tf.tidy(() => {
        const moved = z.map((v, i) => v + (h * gradient[i]) / norm);
        const logits = net.forward(state.theta, x, sample, tf.tensor1d(moved));
        return jaccardDistance(logits, y, defaultReadings).dataSync()[0];
      });
    // along the gradient the slope is its norm; float32 losses and curvature: 5 %
    const slope = (loss(4e-4) - loss(-4e-4)) / 8e-4;
    expect(Math.abs(slope / norm - 1)).toBeLessThan(0.05);
    tf.dispose([x, y, state.theta, state.adamTheta.m, state.adamTheta.v]);
  });

  it('Θ’s step leaves α alone, and α’s step leaves Θ alone', () => {
    const before = initialSearch(net, { ...searchOptions, alpha: { rate: 0, beta1: 0.5, beta2: 0.999 } }, 6);
    const alphaBefore = JSON.stringify(before.alpha);
    const still = { ...searchOptions, alpha: { ...searchOptions.alpha, rate: 0 } };
    const one = searchStep(net, still, 6, before, { theta: batch(1), alpha: batch(2) }).state;
    expect(JSON.stringify(one.alpha)).toBe(alphaBefore);
    const frozen = {
      ...one,
      plateauTheta: { ...one.plateauTheta, rate: 0 },
      plateauAlpha: { ...one.plateauAlpha, rate: 0.003 },
    };
    const values = data(one.theta);
    const two = searchStep(net, searchOptions, 6, frozen, { theta: batch(1), alpha: batch(2) }).state;
    for (const name of Object.keys(values))
      expect(relative(two.theta[name].dataSync(), values[name])).toBe(0);
    expect(JSON.stringify(two.alpha)).not.toBe(alphaBefore);
    tf.dispose([two.theta, two.adamTheta.m, two.adamTheta.v]);
  });

  it('keeps the number of tensors constant and learns', () => {
    let state = initialSearch(net, searchOptions, 7);
    const [b1, b2] = [batch(1), batch(2)];
    const losses: number[] = [];
    const tensors: number[] = [];
    for (let i = 0; i < 6; i++) {
      const result = searchStep(net, searchOptions, 7, state, { theta: b1, alpha: b2 });
      state = result.state;
      losses.push(result.report.lossTheta);
      tensors.push(tf.memory().numTensors);
      expect(result.report.entropyAlpha).toBeLessThanOrEqual(Math.log(8) + 1e-9);
      expect(result.report.operationsPerEdge).toBeGreaterThan(1);
    }
    expect(new Set(tensors).size).toBe(1);
    expect(losses[5]).toBeLessThan(losses[0]);
    expect(state.step).toBe(6);
    tf.dispose([b1.x, b1.y, b2.x, b2.y, state.theta, state.adamTheta.m, state.adamTheta.v]);
  });

  it('depends on seed, step and state alone: the same step twice gives the same numbers', () => {
    const run = () => {
      const state = initialSearch(net, searchOptions, 8);
      const result = searchStep(net, searchOptions, 8, state, { theta: batch(1), alpha: batch(2) });
      const weight = [...result.state.theta['stem/weight0'].dataSync()];
      tf.dispose([result.state.theta, result.state.adamTheta.m, result.state.adamTheta.v]);
      return { report: result.report, alpha: result.state.alpha, weight };
    };
    expect(run()).toEqual(run());
  });

  it('stops with one clear error where the loss is not a number', () => {
    const state = initialSearch(net, searchOptions, 9);
    const bad = { x: tf.fill([1, 16, 16, 16, 1], Number.NaN) as tf.Tensor5D, y: batch(1).y };
    expect(() => searchStep(net, searchOptions, 9, state, { theta: bad, alpha: bad })).toThrow(
      /Θ loss, step 1: expected a number/,
    );
    tf.dispose([state.theta, state.adamTheta.m, state.adamTheta.v]);
  });

  it('draws per cell in the other reading, α still shared', () => {
    const perCell = supernet({ ...options, readings: { ...defaultReadings, share: 'cell' } });
    const state = initialSearch(perCell, searchOptions, 1);
    const { sample } = sampleNetwork(perCell, state.alpha, 10, key(1));
    expect(sample).toHaveLength(12);
    expect(JSON.stringify(sample[1])).not.toBe(JSON.stringify(sample[3]));
    const g = alphaGradients(perCell, sample, new Float32Array(2 * 12 * 14).fill(1), 10);
    expect(g.enc).toHaveLength(14);
    tf.dispose([state.theta, state.adamTheta.m, state.adamTheta.v]);
  });
});

describe('micro-batches', () => {
  it('give the gradient of the whole batch', () => {
    const state = initialSearch(net, searchOptions, 10);
    const { sample } = sampleNetwork(net, state.alpha, 5, key(10));
    const b = batch(5, 3);
    const whole = thetaGradients(net, state.theta, b, sample, 3);
    const parts = thetaGradients(net, state.theta, b, sample, 1);
    expect(parts.loss).toBeCloseTo(whole.loss, 5);
    const all = (g: Readonly<Record<string, tf.Tensor>>) =>
      Object.keys(g)
        .sort()
        .flatMap((name) => [...g[name].dataSync()]);
    // twelve cells of norms amplify float32 rounding; a wrong weight of a part would show as 0.1 and more
    expect(relative(all(parts.gradients), all(whole.gradients))).toBeLessThan(2e-3);
    tf.dispose([
      b.x,
      b.y,
      whole.gradients,
      parts.gradients,
      state.theta,
      state.adamTheta.m,
      state.adamTheta.v,
    ]);
  });
});

describe('recomputation', () => {
  it('gives the gradients of the stored path bit for bit, for Θ and for ẑ', () => {
    const again = supernet({ ...options, recompute: true });
    const state = initialSearch(net, searchOptions, 11);
    const { sample } = sampleNetwork(net, state.alpha, 5, key(11));
    const b = batch(6, 2);
    const stored = thetaGradients(net, state.theta, b, sample, 1);
    const recomputed = thetaGradients(again, state.theta, b, sample, 1);
    expect(recomputed.loss).toBe(stored.loss);
    for (const name of Object.keys(stored.gradients)) {
      expect(
        Buffer.from(recomputed.gradients[name].dataSync().buffer).equals(
          Buffer.from(stored.gradients[name].dataSync().buffer),
        ),
        name,
      ).toBe(true);
    }
    const z = zHatGradients(net, state.theta, b, sample, 1).gradient;
    expect([...zHatGradients(again, state.theta, b, sample, 1).gradient]).toEqual([...z]);
    tf.dispose([
      b.x,
      b.y,
      stored.gradients,
      recomputed.gradients,
      state.theta,
      state.adamTheta.m,
      state.adamTheta.v,
    ]);
  });
});
