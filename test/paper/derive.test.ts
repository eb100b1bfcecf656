import { describe, expect, it } from 'vitest';
import { fold, key, normal } from '../../src/engine/keys';
import { derive } from '../../src/paper/derive';
import { type CellType, cellTypes, edgesOf } from '../../src/paper/genotype';
import { operations } from '../../src/paper/operations';
import { defaultReadings, type Readings } from '../../src/paper/readings';

const names = operations.map((o) => o.name);
const zero = names.indexOf('zero');
const topTwo: Readings = { ...defaultReadings, derivation: 'top two edges' };
type Rows = Record<CellType, number[][]>;

const cellsOf = (row: (type: CellType, edge: number) => number[], nodes = 4): Rows =>
  Object.fromEntries(
    cellTypes.map((type) => [type, edgesOf(nodes).map((_, e) => row(type, e))]),
  ) as unknown as Rows;
const random = (seed: number, nodes = 4) =>
  cellsOf((type, e) => [...normal(fold(key(seed, 'derive test'), type, e), 8)], nodes);
/** A row whose strongest operation is `op`. */
const strong = (op: string, by = 1) => names.map((name, o) => (name === op ? by : 0.01 * o));
/** Probability of each operation, by the definition. */
const shares = (row: readonly number[]) =>
  row.map((v) => Math.exp(v) / row.reduce((sum, w) => sum + Math.exp(w), 0));

describe('argmax', () => {
  it('takes the strongest operation of every edge, zero included, and keeps edges in order', () => {
    const alpha = random(1);
    const { genotype } = derive(alpha, operations, defaultReadings, { seed: 1 });
    for (const type of cellTypes) {
      const expected = edgesOf(4).map(({ from, to }, e) => {
        const row = alpha[type][e];
        return { from, to, op: names[row.indexOf(Math.max(...row))] };
      });
      expect(genotype.cells[type]).toEqual(expected);
    }
    expect(Object.values(genotype.cells).some((cell) => cell.some((e) => e.op === 'zero'))).toBe(true);
    expect(genotype.operations).toEqual(names);
    expect(genotype.source).toEqual({ seed: 1 });
  });

  it('takes the first of equals', () => {
    const { genotype } = derive(
      cellsOf(() => [0, 2, 1, 2, 0, 0, 0, 0]),
      operations,
      defaultReadings,
      {},
    );
    expect(genotype.cells.enc.every((e) => e.op === names[1])).toBe(true);
  });

  it('reads two nodes from five rows', () => {
    const { genotype } = derive(random(2, 2), operations, defaultReadings, {});
    expect(genotype.cells.dec.map(({ from, to }) => [from, to])).toEqual(
      edgesOf(2).map(({ from, to }) => [from, to]),
    );
  });
});

describe('margins', () => {
  it('are the probability of the first less that of the second', () => {
    const p = [0.05, 0.4, 0.1, 0.05, 0.25, 0.05, 0.05, 0.05];
    const q = [0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.04, 0.84];
    const alpha = cellsOf((type, e) => (type === 'red' && e === 3 ? q : p).map((v) => Math.log(v) + 7));
    for (const readings of [defaultReadings, topTwo]) {
      const { margins } = derive(alpha, operations, readings, {});
      expect(margins.enc).toHaveLength(14);
      for (const type of cellTypes) {
        margins[type].forEach((margin, e) => {
          expect(margin).toBeCloseTo(type === 'red' && e === 3 ? 0.8 : 0.15, 12);
        });
      }
    }
  });

  it('are 0 for equals', () => {
    expect(
      derive(
        cellsOf(() => new Array<number>(8).fill(3)),
        operations,
        defaultReadings,
        {},
      ).margins.exp,
    ).toEqual(new Array<number>(14).fill(0));
  });
});

describe('warnings', () => {
  it('name the cell and the node that only zero edges reach, and no other', () => {
    const edges = edgesOf(4);
    const alpha = cellsOf((type, e) =>
      strong((type === 'red' && edges[e].to === 3) || (type === 'dec' && e === 0) ? 'zero' : 'sep3'),
    );
    expect(derive(alpha, operations, defaultReadings, {}).warnings).toEqual([
      'cell red: node 3 has only zero edges and stays zero',
    ]);
    expect(derive(alpha, operations, topTwo, {}).warnings).toEqual([]);
  });

  it('are none without zero edges, one a node where all are zero', () => {
    const all = (op: string) =>
      derive(
        cellsOf(() => strong(op)),
        operations,
        defaultReadings,
        {},
      ).warnings;
    expect(all('conv3')).toEqual([]);
    expect(all('zero')).toHaveLength(16);
  });
});

describe('top two edges', () => {
  it.each([2, 4])(
    'keeps the two strongest edges of each node, of %i, by their best operation but zero',
    (nodes) => {
      for (let seed = 0; seed < 20; seed++) {
        const alpha = random(seed, nodes);
        const { genotype, warnings } = derive(alpha, operations, topTwo, {});
        expect(warnings).toEqual([]);
        for (const type of cellTypes) {
          const best = alpha[type].map((row) => {
            const p = shares(row).map((v, o) => (o === zero ? 0 : v));
            return { strength: Math.max(...p), op: names[p.indexOf(Math.max(...p))] };
          });
          for (let to = 2; to < nodes + 2; to++) {
            const into = edgesOf(nodes).flatMap((edge, e) => (edge.to === to ? [e] : []));
            const kept = [...into].sort((e, f) => best[f].strength - best[e].strength).slice(0, 2);
            for (const e of into) {
              expect(genotype.cells[type][e].op).toBe(kept.includes(e) ? best[e].op : 'zero');
            }
          }
        }
      }
    },
  );

  it('keeps an edge whose strongest operation is zero, with its next', () => {
    const row = strong('zero', 3).map((v, o) => (names[o] === 'avgpool' ? 2 : v));
    const { genotype } = derive(
      cellsOf(() => row, 2),
      operations,
      topTwo,
      {},
    );
    expect(genotype.cells.enc[0].op).toBe('avgpool');
    expect(genotype.cells.enc[1].op).toBe('avgpool');
  });
});

it('keeps two edges a node where all are equally strong, the first two', () => {
  const rows = cellsOf(() => new Array<number>(8).fill(0));
  const { genotype } = derive(rows, operations, topTwo, {});
  for (const type of cellTypes) {
    const kept = genotype.cells[type].filter((e) => e.op !== 'zero');
    expect(kept.map((e) => e.to)).toEqual([2, 2, 3, 3, 4, 4, 5, 5]);
    expect(kept.every((e) => e.from < 2)).toBe(true);
  }
});

it('refuses to disconnect edges where the table has no zero', () => {
  const without = operations.filter((o) => !o.zero);
  const rows = cellsOf(() => new Array<number>(7).fill(0));
  expect(() => derive(rows, without, topTwo, {})).toThrow(/expected an operation zero/);
});
