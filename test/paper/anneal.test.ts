import { describe, expect, it } from 'vitest';
import { ScnasError } from '../../src/engine/errors';
import { type Schedule, schedules, temperature } from '../../src/paper/anneal';

const linear: Schedule = { kind: 'linear', from: 10, to: 0.1 };
const exponential: Schedule = { kind: 'exponential', from: 5, rate: 0.956 };
const given: Schedule = { kind: 'given', values: [4, 2, 1.5] };

/** Schedule, epoch, epochs, τ worked out by hand. */
const table: [Schedule, number, number, number][] = [
  [linear, 0, 100, 10],
  [linear, 99, 100, 0.1],
  [linear, 50, 101, 5.05],
  [linear, 1, 4, 6.7],
  [linear, 0, 1, 10],
  [linear, 7, 5, 0.1],
  [linear, 1, 1, 0.1],
  [{ kind: 'linear', from: 0.5, to: 2 }, 1, 3, 1.25],
  [exponential, 0, 100, 5],
  [exponential, 1, 100, 4.78],
  [exponential, 2, 100, 4.56968],
  [exponential, 0, 1, 5],
  [{ kind: 'exponential', from: 1, rate: 0.5 }, 10, 3, 1 / 1024],
  [{ kind: 'constant', value: 0.7 }, 0, 1, 0.7],
  [{ kind: 'constant', value: 0.7 }, 500, 100, 0.7],
  [given, 0, 3, 4],
  [given, 1, 3, 2],
  [given, 2, 3, 1.5],
  [given, 3, 3, 1.5],
  [given, 900, 1000, 1.5],
  [given, 0, 1, 4],
];

describe('temperature', () => {
  it.each(table)('of %j in epoch %i of %i is %d', (schedule, epoch, epochs, tau) => {
    expect(temperature(schedule, epoch, epochs)).toBeCloseTo(tau, 12);
  });

  it.each(Object.entries(schedules))('falls or stays, and is positive: %s', (_, schedule) => {
    for (const epochs of [1, 2, 250]) {
      const taus = Array.from({ length: epochs }, (__, e) => temperature(schedule, e, epochs));
      taus.forEach((tau, e) => {
        expect(tau).toBeGreaterThan(0);
        expect(tau).toBeLessThanOrEqual(e > 0 ? taus[e - 1] : tau);
      });
    }
  });

  it('has the linear fall from 10 to 0.1 as its default', () => {
    expect(Object.values(schedules)[0]).toEqual(linear);
  });

  const refused: [Schedule, number, string][] = [
    [{ kind: 'linear', from: 1, to: 0 }, 9, '0'],
    [{ kind: 'linear', from: 1, to: -1 }, 9, '-1'],
    [{ kind: 'exponential', from: -5, rate: 0.9 }, 0, '-5'],
    [{ kind: 'exponential', from: 5, rate: 0 }, 3, '0'],
    [{ kind: 'constant', value: 0 }, 0, '0'],
    [{ kind: 'constant', value: Number.NaN }, 0, 'NaN'],
    [{ kind: 'constant', value: Number.POSITIVE_INFINITY }, 0, 'Infinity'],
    [{ kind: 'given', values: [1, 0] }, 1, '0'],
    [{ kind: 'given', values: [] }, 0, 'undefined'],
  ];
  it.each(refused)('refuses %j in epoch %i', (schedule, epoch, found) => {
    const call = () => temperature(schedule, epoch, 10);
    expect(call).toThrow(ScnasError);
    expect(call).toThrow(
      `epoch ${epoch}: expected a positive temperature, found ${found}; change search.tau`,
    );
  });

  it('accepts a schedule until it reaches 0', () => {
    expect(temperature({ kind: 'linear', from: 1, to: 0 }, 8, 10)).toBeCloseTo(1 / 9, 12);
  });
});
