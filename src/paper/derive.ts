/**
 * From α to an architecture (§2.2, Fig. 1c): "the operation with the highest strength on each edge".
 */

import { fail } from '../engine/errors';
import type { Alpha } from './first-order';
import { type CellType, cellTypes, edgesOf, type Genotype, genotypeOf } from './genotype';
import { softmax } from './gumbel';
import type { Operation } from './operations';
import type { Readings } from './readings';

/** A derived architecture, and how clear each choice was. */
export interface Derived {
  readonly genotype: Genotype;
  /** For each edge, probability of the chosen operation less that of the next, 0 to 1. */
  readonly margins: Readonly<Record<CellType, readonly number[]>>;
  /** What a person should know, as that a node has only zero edges. */
  readonly warnings: readonly string[];
}

/**
 * The genotype of α.
 *
 * $$o^{(i,j)} = \mathrm{argmax}_{o} \alpha^{(i,j)}_o$$
 * An edge whose argmax is "zero" is disconnected. In the other reading each node keeps its two edges with the strongest operation other than zero.
 * @param alpha α, [edges, operations] for each cell type
 * @param operations candidate operations O, [operations]
 * @param readings `derivation`
 * @param source where it comes from: run, task, seed, steps
 * @throws ScnasError where the rows are of no cell, or a table without zero is to disconnect edges
 * Source: §2.2; reading: derivation, DARTS.
 */
export function derive(
  alpha: Alpha,
  operations: readonly Operation[],
  readings: Readings,
  source: Genotype['source'],
): Derived {
  const cells = Object.fromEntries(
    cellTypes.map((type) => [type, deriveCell(alpha[type], operations, readings)]),
  ) as Record<CellType, CellChoice>;
  const edges = edgesOf(nodesOf(alpha.enc.length));
  const genotype = genotypeOf(
    operations,
    (type) => edges.map((edge, e) => ({ ...edge, op: operations[cells[type].chosen[e]].name })),
    source,
  );
  const empty = (type: CellType) =>
    [...new Set(edges.map((e) => e.to))]
      .filter((to) => edges.every((edge, e) => edge.to !== to || operations[cells[type].chosen[e]].zero))
      .map((to) => `cell ${type}: node ${to} has only zero edges and stays zero`);
  const margins = Object.fromEntries(cellTypes.map((type) => [type, cells[type].margins]));
  return { genotype, margins: margins as Derived['margins'], warnings: cellTypes.flatMap(empty) };
}

interface CellChoice {
  readonly chosen: readonly number[];
  readonly margins: readonly number[];
}

function nodesOf(edges: number): number {
  const n = [1, 2, 3, 4, 5, 6].find((count) => edgesOf(count).length === edges);
  return (
    n ??
    fail({ where: 'α', expected: '14 rows a cell type (or 5)', found: String(edges), next: 'search again' })
  );
}

function deriveCell(rows: Alpha[CellType], operations: readonly Operation[], readings: Readings): CellChoice {
  const p = rows.map((row) => softmax(row));
  const best = (row: readonly number[], among: (o: number) => boolean = () => true) =>
    row.reduce((top, v, o) => (among(o) && (top < 0 || v > row[top]) ? o : top), -1);
  const margins = p.map((row) => {
    const top = best(row);
    return row[top] - row[best(row, (o) => o !== top)];
  });
  if (readings.derivation === 'argmax') return { chosen: p.map((row) => best(row)), margins };

  const zero = operations.findIndex((o) => o.zero);
  if (zero < 0) {
    const next = 'add zero to the table, or set readings.derivation=argmax';
    fail({ where: 'readings.derivation=top two edges', expected: 'an operation zero', found: 'none', next });
  }
  const strongest = p.map((row) => best(row, (o) => o !== zero));
  const edges = edgesOf(nodesOf(rows.length));
  const chosen = edges.map(({ to }, e) => {
    const own = p[e][strongest[e]];
    // of equally strong edges the first comes first
    const before = edges.filter((other, f) => {
      const strength = p[f][strongest[f]];
      return other.to === to && (strength > own || (strength === own && f < e));
    });
    return before.length < 2 ? strongest[e] : zero;
  });
  return { chosen, margins };
}
