import { describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import { edgesOf, parseGenotype, randomGenotype, spaceSize } from '../../src/paper/genotype';
import { operations } from '../../src/paper/operations';

const genotype = randomGenotype(operations, key(5));
const json = () => JSON.parse(JSON.stringify(genotype));

describe('genotype', () => {
  it('has 14 edges a cell, every i < j into every intermediate node', () => {
    expect(edgesOf(4)).toHaveLength(14);
    expect(edgesOf(4).every(({ from, to }) => from < to && to >= 2 && to <= 5)).toBe(true);
    expect(new Set(edgesOf(4).map((e) => `${e.from}-${e.to}`)).size).toBe(14);
  });

  it('counts the space: 8^14 a cell type, 8^56 in all', () => {
    expect(spaceSize(8, 4) / 3.7414e50).toBeCloseTo(1, 3);
  });

  it('survives a round trip through JSON, also with edges in another order', () => {
    expect(parseGenotype(json(), operations, 'g.json')).toEqual(genotype);
    const shuffled = json();
    shuffled.cells.enc.reverse();
    expect(parseGenotype(shuffled, operations, 'g.json').cells).toEqual(genotype.cells);
  });

  it('draws every operation about equally often', () => {
    const counts = new Map(operations.map((o) => [o.name, 0]));
    for (let seed = 0; seed < 100; seed++) {
      for (const edge of Object.values(randomGenotype(operations, key(seed)).cells).flat()) {
        counts.set(edge.op, (counts.get(edge.op) ?? 0) + 1);
      }
    }
    // 5,600 draws, 700 expected each, standard deviation 25
    for (const count of counts.values()) expect(Math.abs(count - 700)).toBeLessThan(100);
  });

  type Broken = ReturnType<typeof json>;
  const broken: [string, (g: Broken) => void, RegExp][] = [
    [
      'unknown operation',
      (g) => (g.cells.enc[0].op = 'conv5'),
      /g\.json, cell enc, edge 0 .*conv3.*found "conv5"/,
    ],
    [
      'cyclic edge',
      (g) => Object.assign(g.cells.red[3], { from: 4, to: 2 }),
      /cell red, edge 3.*close a cycle/,
    ],
    [
      'double edge',
      (g) => Object.assign(g.cells.dec[1], { from: 0, to: 2 }),
      /cell dec: expected one edge 0 → 2, found 2/,
    ],
    ['missing edge', (g) => g.cells.exp.pop(), /cell exp: expected 14 edges/],
    ['missing cell', (g) => delete g.cells.exp, /cell exp: expected a list of edges/],
    ['another schema', (g) => (g.schema = 'scnas-genotype-9'), /expected schema "scnas-genotype-1"/],
    ['no cells', (g) => (g.cells = null), /cells: expected an object/],
    ['edge as text', (g) => (g.cells.enc[2] = '0-2'), /cell enc, edge 2: expected an object/],
  ];
  it.each(broken)('refuses a genotype with %s', (_, spoil, message) => {
    const g = json();
    spoil(g);
    expect(() => parseGenotype(g, operations, 'g.json')).toThrow(message);
  });

  it('refuses what is not an object', () => {
    for (const value of [null, 3, [], 'x'])
      expect(() => parseGenotype(value, operations, 'g.json')).toThrow(/g\.json/);
  });
});
