import { describe, expect, it } from 'vitest';
import { mersenneTwister } from '../../src/data/mt19937';
import { folds, innerSplit } from '../../src/data/splits';
import { key } from '../../src/engine/keys';
import oracle from '../fixtures/data/folds.json';
import { errorOf } from './folder';

const ids = (n: number) => Array.from({ length: n }, (_, i) => `case_${String(i).padStart(3, '0')}`);

describe('folds', () => {
  it('the generator begins as MT19937 seeded with 12345 does', () => {
    expect(mersenneTwister(12345)()).toBe(3992670690);
  });

  it.each(Object.entries(oracle))('%s cases are divided as by scikit-learn', (n, expected) => {
    const all = ids(Number(n));
    const ours = folds([...all].reverse());
    expect(ours.map((fold) => fold.validation)).toEqual(expected.map((fold) => fold.map((i) => all[i])));
    for (const { train, validation } of ours) expect([...train, ...validation].sort()).toEqual(all);
  });

  it('ids are sorted as strings, so that case 10 comes before case 2', () => {
    const numbers = Array.from({ length: 20 }, (_, i) => String(i + 1));
    const sorted = [...numbers].sort();
    expect(folds(numbers)[0].validation).toEqual([3, 8, 13, 16].map((i) => sorted[i]));
  });

  it('fewer cases than folds, and an id twice, are errors', () => {
    expect(errorOf(() => folds(ids(4)))).toContain('at least 5 cases for 5 folds');
    expect(errorOf(() => folds([...ids(6), 'case_002']))).toContain('case_002 twice');
    expect(errorOf(() => folds(ids(4), 1))).toContain('two folds');
  });
});

describe('the split of a search', () => {
  it.each([
    [2, 1],
    [5, 1],
    [16, 3],
    [166, 33],
  ])('%i cases give α %i of them', (n, alpha) => {
    const split = innerSplit(ids(n), key(1, 'inner'));
    expect(split.alpha).toHaveLength(alpha);
    expect([...split.alpha, ...split.theta].sort()).toEqual(ids(n));
  });

  it('depends on the key and not on the order of the list', () => {
    const one = innerSplit(ids(20), key(1, 'inner'));
    expect(innerSplit([...ids(20)].reverse(), key(1, 'inner'))).toEqual(one);
    expect(innerSplit(ids(20), key(2, 'inner'))).not.toEqual(one);
  });

  it('one case cannot be split', () => {
    expect(errorOf(() => innerSplit(ids(1), key(1)))).toContain('at least two');
  });
});
