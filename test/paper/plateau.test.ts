import { describe, expect, it } from 'vitest';
import { afterEpoch, initialPlateau, type PlateauState } from '../../src/paper/plateau';
import fixture from '../fixtures/torch_training.json';

const { losses, rates } = fixture.plateau;
const options = { patience: 3, factor: 5 };

/** The state after each epoch. */
function follow(given: readonly number[], on: 'moving average' | 'raw'): PlateauState[] {
  let state = initialPlateau(0.025);
  return given.map((loss) => {
    state = afterEpoch(state, loss, options, on);
    return state;
  });
}

describe.each(['moving average', 'raw'] as const)('plateau on the %s', (on) => {
  it("cuts the rate in the epochs of PyTorch's ReduceLROnPlateau", () => {
    const found = follow(losses, on).map((s) => s.rate);
    expect(losses.length).toBeGreaterThanOrEqual(60);
    expect(new Set(rates[on]).size).toBeGreaterThan(3);
    found.forEach((rate, e) => {
      expect(rate / rates[on][e], `epoch ${e}`).toBeCloseTo(1, 12);
    });
  });

  it('bears exactly `patience` epochs without gain, then cuts and counts anew', () => {
    const found = follow(new Array<number>(10).fill(0.5), on);
    expect(found.map((s) => s.bad)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1]);
    const cuts = found.map((s) => Math.round(Math.log(0.025 / s.rate) / Math.log(5)));
    expect(cuts).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2]);
  });
});

describe('plateau', () => {
  it('is seen in other epochs by the two readings', () => {
    expect(rates['moving average']).not.toEqual(rates.raw);
  });

  it('keeps 0.93 of the old average', () => {
    const [, second, third] = follow([1, 0.5, 0], 'moving average');
    expect(second.average).toBeCloseTo(0.93 + 0.07 * 0.5, 12);
    expect(third.average).toBeCloseTo(0.93 * (0.93 + 0.07 * 0.5), 12);
  });

  it('counts a fall of 1e-3 or less as no gain, of more as one', () => {
    expect(follow([0.5, 0.4995], 'raw')[1]).toMatchObject({ best: 0.5, bad: 1 });
    expect(follow([0.5, 0.4985], 'raw')[1]).toMatchObject({ best: 0.4985, bad: 0 });
  });
});
