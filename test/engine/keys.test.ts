import { describe, expect, it } from 'vitest';
import { fold, gumbel, integers, type Key, key, normal, philox, uniform } from '../../src/engine/keys';
import { initialise, type ParameterSpec } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';

const N = 200_000;
const mean = (v: ArrayLike<number>) => Array.from(v).reduce((a, b) => a + b, 0) / v.length;
const variance = (v: ArrayLike<number>) => {
  const m = mean(v);
  return mean(Array.from(v, (a) => (a - m) ** 2));
};
const correlation = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const [ma, mb] = [mean(a), mean(b)];
  return mean(Array.from(a, (v, i) => (v - ma) * (b[i] - mb))) / Math.sqrt(variance(a) * variance(b));
};
/** A mean of N independent numbers of standard deviation 1 stays within this, but for one time in 10,000. */
const FOUR_SIGMA = 4 / Math.sqrt(N);

describe('philox', () => {
  // Known answers of Random123 (tests/kat_vectors, philox4x32 10).
  it.each([
    [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      '408f276d 41c83b0e a20bc7c6 6d5451fd',
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      'd16cfe09 94fdcceb 5001e420 24126ea1',
    ],
  ])('counter %j, key %j', (counter, [k0, k1], words) => {
    const hex = philox(counter, k0, k1).map((word) => word.toString(16).padStart(8, '0'));
    expect(hex.join(' ')).toBe(words);
  });
});

describe('keys', () => {
  it('numbers depend on the key alone, never on what was drawn before', () => {
    const k = key(7, 'gumbel', 3);
    const before = uniform(k, 1001);
    normal(key(8, 'other'), 17);
    expect(uniform(k, 1001)).toEqual(before);
    // A longer draw begins with the shorter one.
    expect(uniform(k, 2000).slice(0, 1001)).toEqual(before);
  });

  it('every seed, purpose, step and order of parts is a key of its own', () => {
    const keys: Key[] = [
      key(7),
      key(8),
      key(7 + 2 ** 32),
      key(7, 'a'),
      key(7, 'b'),
      key(7, 'a', 'b'),
      key(7, 'b', 'a'),
      key(7, 'ab'),
      key(7, 'a', ''),
      key(7, 1),
      key(7, '1'),
      key(7, 1, 2),
      key(7, 2, 1),
      key(7, 12),
      key(7, 2 ** 32 + 1),
      key(7, 97),
      key(7, ''),
      // the letters' codes are those of key(7, 97)
      key(7, 'a\u0000'),
    ];
    expect(new Set(keys.map(({ hi, lo }) => `${hi} ${lo}`)).size).toBe(keys.length);
  });

  it('folding in parts is the same at once and one after the other', () => {
    expect(fold(fold(key(1), 'step'), 5)).toEqual(key(1, 'step', 5));
  });

  it('streams of neighbouring steps are not correlated', () => {
    const [a, b, c] = [key(1, 'x', 1), key(1, 'x', 2), key(2, 'x', 1)].map((k) => uniform(k, N));
    expect(Math.abs(correlation(a, b))).toBeLessThan(FOUR_SIGMA);
    expect(Math.abs(correlation(a, c))).toBeLessThan(FOUR_SIGMA);
    expect(Math.abs(correlation(a.slice(1), a.slice(0, -1)))).toBeLessThan(FOUR_SIGMA);
  });
});

describe('distributions', () => {
  it('uniform: open interval, mean 1/2, variance 1/12, flat', () => {
    const u = uniform(key(1, 'uniform'), N);
    expect(u.every((v) => v > 0 && v < 1)).toBe(true);
    expect(Math.abs(mean(u) - 0.5)).toBeLessThan(FOUR_SIGMA * Math.sqrt(1 / 12));
    expect(Math.abs(variance(u) - 1 / 12)).toBeLessThan(FOUR_SIGMA * Math.sqrt(1 / 180));
    const counts = new Array(64).fill(0);
    for (const v of u) counts[Math.floor(64 * v)]++;
    const chiSquare = counts.reduce((sum, c) => sum + (c - N / 64) ** 2 / (N / 64), 0);
    // 63 degrees of freedom: 99.99 % of draws lie between 28 and 111.
    expect(chiSquare).toBeGreaterThan(28);
    expect(chiSquare).toBeLessThan(111);
  });

  // Keys whose first block holds the word 0, and the word 2³² − 1: found by trying them all from 0 on.
  it.each([
    { k: { hi: 0, lo: 302130064 }, at: 1, u: 2 ** -33 },
    { k: { hi: 0, lo: 842337537 }, at: 3, u: 1 - 2 ** -33 },
  ])('the ends of the 32 bits stay inside (0, 1), and their noise is finite: $u', ({ k, at, u }) => {
    expect(uniform(k, 4)[at]).toBe(u);
    expect(gumbel(k, 4).every(Number.isFinite)).toBe(true);
    expect(normal(k, 4).every(Number.isFinite)).toBe(true);
  });

  it('gumbel: mean is Euler’s constant, variance π²/6', () => {
    const g = gumbel(key(1, 'gumbel'), N);
    expect(Math.abs(mean(g) - 0.5772156649)).toBeLessThan(FOUR_SIGMA * Math.sqrt(Math.PI ** 2 / 6));
    // The fourth central moment of a Gumbel is 5.4 variances squared.
    expect(Math.abs(variance(g) - Math.PI ** 2 / 6)).toBeLessThan(
      FOUR_SIGMA * (Math.PI ** 2 / 6) * Math.sqrt(4.4),
    );
  });

  it('normal: mean 0, variance 1, kurtosis 3, for odd counts too', () => {
    const z = normal(key(1, 'normal'), N + 1);
    expect(z.length).toBe(N + 1);
    expect(z.every(Number.isFinite)).toBe(true);
    expect(Math.abs(mean(z))).toBeLessThan(FOUR_SIGMA);
    expect(Math.abs(variance(z) - 1)).toBeLessThan(FOUR_SIGMA * Math.sqrt(2));
    expect(Math.abs(mean(z.map((v) => v ** 4)) - 3)).toBeLessThan(FOUR_SIGMA * Math.sqrt(96));
    const pairs = Math.floor(N / 2);
    const [even, odd] = [0, 1].map((first) => Array.from({ length: pairs }, (_, i) => z[2 * i + first]));
    expect(Math.abs(correlation(even, odd))).toBeLessThan(4 / Math.sqrt(pairs));
  });

  it('integers: each value below the bound comes up as often', () => {
    const counts = new Array(7).fill(0);
    for (const v of integers(key(1, 'integers'), N, 7)) counts[v]++;
    expect(counts.length).toBe(7);
    for (const c of counts) expect(Math.abs(c - N / 7)).toBeLessThan(4 * Math.sqrt((N / 7) * (6 / 7)));
  });
});

describe('initialise', () => {
  const filter = (name: string): ParameterSpec => ({
    name,
    shape: [3, 3, 3, 16, 16],
    init: 'he',
    fanIn: 432,
    group: 'g',
  });

  it('a parameter depends on the key and its own name, whatever else there is', () => {
    tf.tidy(() => {
      const alone = initialise([filter('b')], key(1, 'theta'));
      const among = initialise([filter('c'), filter('b'), filter('a')], key(1, 'theta'));
      expect(among.b.dataSync()).toEqual(alone.b.dataSync());
      expect(among.a.dataSync()).not.toEqual(alone.b.dataSync());
    });
  });

  it('he: the standard deviation is √(2 / (1 + slope²) / fanIn)', () => {
    tf.tidy(() => {
      const { w } = initialise([filter('w')], key(1, 'theta'));
      const expected = 2 / (1 + 0.01 ** 2) / 432;
      expect(Math.abs(variance(w.dataSync()) / expected - 1)).toBeLessThan(4 * Math.sqrt(2 / w.size));
    });
  });

  it('ones and zeros are that', () => {
    tf.tidy(() => {
      const { gamma, beta } = initialise(
        [
          { name: 'gamma', shape: [3], init: 'ones', group: 'g' },
          { name: 'beta', shape: [3], init: 'zeros', group: 'g' },
        ],
        key(1),
      );
      expect([...gamma.dataSync(), ...beta.dataSync()]).toEqual([1, 1, 1, 0, 0, 0]);
    });
  });
});
