import { describe, expect, it } from 'vitest';
import { gumbel, key, uniform } from '../../src/engine/keys';
import { coincidence, operationsPerEdge } from '../../src/paper/coincidence';
import { relax, sampleTwo } from '../../src/paper/gumbel';

const equal = (n: number) => new Array<number>(n).fill(0);

describe('the chance that two draws coincide', () => {
  it('is 2/3 for two equal operations at τ = 1, where Z̄ is uniform', () => {
    expect(coincidence(equal(2), 1)).toBeCloseTo(2 / 3, 9);
  });

  it('of two operations is a mean over a logistic variable', () => {
    const [a, tau] = [1.3, 0.6];
    // ε_0 − ε_1 is logistic
    let sum = 0;
    const h = 0.005;
    for (let l = -60; l < 60; l += h) {
      const z = 1 / (1 + Math.exp(-(l + a) / tau));
      sum += (h * (z * z + (1 - z) ** 2)) / (2 + Math.exp(l) + Math.exp(-l));
    }
    expect(coincidence([a, 0], tau)).toBeCloseTo(sum, 7);
  });

  it.each([
    [30, equal(8)],
    [2.5, equal(8)],
    [0.33, equal(8)],
    [0.1, equal(8)],
    [0.7, [1, 0, 0.5]],
    [2, [3, -1, 0, 0, 0]],
  ])('at τ = %d is the mean of Σ Z̄² over 40,000 draws, within four standard errors', (tau, alpha) => {
    const squares = Array.from({ length: 40_000 }, (_, i) =>
      relax(alpha, gumbel(key(3, tau, i), alpha.length), tau).reduce((sum, z) => sum + z * z, 0),
    );
    const mean = squares.reduce((a, b) => a + b) / squares.length;
    const variance = squares.reduce((sum, v) => sum + (v - mean) ** 2, 0) / squares.length;
    const error = Math.sqrt(variance / squares.length);
    expect(Math.abs(coincidence(alpha, tau) - mean)).toBeLessThan(4 * error);
  });

  it('does not move when all strengths move, nor with their order', () => {
    const before = coincidence([1, 0, 0.5], 0.7);
    expect(coincidence([41, 40, 40.5], 0.7)).toBeCloseTo(before, 9);
    expect(coincidence([0.5, 1, 0], 0.7)).toBeCloseTo(before, 9);
  });
});

describe('operations on an edge', () => {
  it('go from 15/8 to one as τ falls', () => {
    expect(operationsPerEdge(equal(8), 100)).toBeCloseTo(15 / 8, 3);
    expect(operationsPerEdge(equal(8), 0.01)).toBeLessThan(1.01);
  });

  it('are what Algorithm 1 draws with replacement, within four standard errors of 20,000 draws', () => {
    const count = Array.from({ length: 20_000 }, (_, i) =>
      sampleTwo(equal(8), gumbel(key(9, 'e', i), 8), 1, uniform(key(9, 'u', i), 2), 'with replacement'),
    ).reduce((sum, draw) => sum + draw.operations.length, 0);
    const p = 0.355;
    const error = Math.sqrt((p * (1 - p)) / 20_000);
    expect(Math.abs(count / 20_000 - operationsPerEdge(equal(8), 1))).toBeLessThan(4 * error);
  });
});
