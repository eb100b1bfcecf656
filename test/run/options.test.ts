import { describe, expect, it } from 'vitest';
import {
  between,
  differences,
  either,
  listOf,
  nearest,
  oneOf,
  overlay,
  parseSetting,
  patchSides,
  whole,
} from '../../src/run/options';

const base = { seed: 0, name: 'a', patch: [16, 16, 16], search: { steps: 10, rate: 0.1 } };

describe('layers of options', () => {
  it('are laid over each other key by key, lists whole', () => {
    expect(overlay(base, { search: { steps: 5 }, patch: [24, 24, 24] }, 'file', {})).toEqual({
      ...base,
      patch: [24, 24, 24],
      search: { steps: 5, rate: 0.1 },
    });
    expect(base.search.steps).toBe(10);
  });

  it.each([
    [{ serch: { steps: 1 } }, {}, 'file: expected a known key, found serch; did you mean search?'],
    [{ search: { step: 1 } }, {}, 'found search.step; did you mean search.steps?'],
    [{ zzz: 1 }, {}, 'there are seed, name, patch, search'],
    [{ toString: 1 }, {}, 'expected a known key, found toString'],
    [{ seed: 'one' }, {}, 'expected seed to be a number, found "one"'],
    [{ search: 3 }, {}, 'expected an object at search, found 3'],
    [
      { search: { steps: 0 } },
      { 'search.steps': whole(1) },
      'search.steps to be a whole number of at least 1',
    ],
    [[], {}, 'expected an object, found []'],
  ])('refuse %j', (layer, rules, message) => {
    expect(() => overlay(base, layer, 'file', rules)).toThrow(message);
  });
});

describe('--set', () => {
  it.each([
    ['search.steps=100', { search: { steps: 100 } }],
    ['patch=40,56,40', { patch: [40, 56, 40] }],
    ['patch=[40,56,40]', { patch: [40, 56, 40] }],
    ['flips=false', { flips: false }],
    ['name=my run', { name: 'my run' }],
    ['retrain.minRate=1e-7', { retrain: { minRate: 1e-7 } }],
    ['name=a=b', { name: 'a=b' }],
  ])('%s', (text, layer) => {
    expect(parseSetting(text)).toEqual(layer);
  });

  it.each(['steps', '=3', ''])('refuses %j', (text) => {
    expect(() => parseSetting(text)).toThrow('expected key=value');
  });
});

describe('rules', () => {
  it.each([
    [patchSides, [40, 56, 40], true],
    [patchSides, [16, 16, 16], true],
    [patchSides, [8, 16, 16], false],
    [patchSides, [16, 16, 20], false],
    [patchSides, [16, 16], false],
    [patchSides, ['16', 16, 16], false],
    [whole(1), 1, true],
    [whole(1), 1.5, false],
    [whole(0), -1, false],
    [between(0, 1), 1, true],
    [between(0, 1), 1.01, false],
    [oneOf('a', null), null, true],
    [oneOf('a'), 'b', false],
    [either(whole(0), oneOf('all')), 'all', true],
    [either(whole(0), oneOf('all')), 'some', false],
    [listOf(whole(0)), [1, 2], true],
    [listOf(whole(0)), [1, -2], false],
    [listOf(whole(0)), 1, false],
  ])('%#: %j is right: %s', (rule, value, right) => {
    expect(rule(value as never) === undefined).toBe(right);
  });
});

describe('differences', () => {
  it('names every key with both values', () => {
    expect(differences(base, { ...base, seed: 1, search: { steps: 10, rate: 0.2 } })).toEqual([
      { key: 'seed', before: '0', now: '1' },
      { key: 'search.rate', before: '0.1', now: '0.2' },
    ]);
    expect(differences({ a: 1 }, { b: 1 }).map(({ key }) => key)).toEqual(['a', 'b']);
    expect(differences(base, structuredClone(base))).toEqual([]);
  });
});

describe('the nearest name', () => {
  it.each([
    ['lapto', 'laptop'],
    ['papper', 'paper'],
    ['xyzzy-and-more', undefined],
  ])('of %s is %s', (name, near) => {
    expect(nearest(name, ['paper', 'laptop', 'smoke'])).toBe(near);
  });
});
