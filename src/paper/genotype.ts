/**
 * An architecture as data (§2.1): for each of the four cell types, the operation on every edge of its DAG.
 *
 * Nodes 0 and 1 are the cell's inputs (0 the older), nodes 2 … the intermediate ones; edge (i, j) runs from every i < j into every
 * intermediate j, so four intermediate nodes give 2 + 3 + 4 + 5 = 14 edges.
 */
import { fail } from '../engine/errors';
import { fold, integers, type Key } from '../engine/keys';
import type { Operation } from './operations';
import type { Readings } from './readings';

export const cellTypes = ['enc', 'red', 'dec', 'exp'] as const;
/** C_enc encoder-normal, C_red reduction, C_dec decoder-normal, C_exp expansion. */
export type CellType = (typeof cellTypes)[number];

/** A connection of the DAG, by node numbers. */
export interface Edge {
  readonly from: number;
  readonly to: number;
}

/** An edge with its operation's name. */
export interface GenotypeEdge extends Edge {
  readonly op: string;
}

/** A versioned architecture: what genotype.json holds. */
export interface Genotype {
  readonly schema: 'scnas-genotype-1';
  /** Names of the candidate operations it was chosen from. */
  readonly operations: readonly string[];
  readonly cells: Readonly<Record<CellType, readonly GenotypeEdge[]>>;
  /** Where it comes from: run, seed, task, steps. */
  readonly source: Readonly<Record<string, unknown>>;
}

/**
 * How many intermediate nodes a cell has.
 *
 * Rule: four besides the two inputs; in the other reading the paper's "4 nodes" count the inputs, which leaves two.
 * @param readings choices for the paper's open questions
 * Source: §3, "each of which has 4 nodes"; reading: nodes.
 */
export function intermediateNodes(readings: Readings): number {
  return readings.nodes === 'four' ? 4 : 2;
}

/**
 * All edges of a cell's DAG, in the order that α's rows follow.
 *
 * Rule: (i, j) for j = 2 … n+1 and 0 ≤ i < j.
 * @param n number of intermediate nodes
 * Source: §2.1.
 */
export function edgesOf(n: number): readonly Edge[] {
  return Array.from({ length: n }, (_, k) => k + 2).flatMap((to) =>
    Array.from({ length: to }, (_, from) => ({ from, to })),
  );
}

/**
 * The number of architectures of a search space.
 *
 * $|\mathcal{O}|^{4E}$ with E edges a cell type: 8^14 = 4.4e12 a type, 3.7e50 in all.
 * @param operations number of candidate operations |O|
 * @param n intermediate nodes of a cell
 * Source: §2.1 (the number itself is computed here).
 */
export function spaceSize(operations: number, n: number): number {
  return operations ** (edgesOf(n).length * cellTypes.length);
}

/**
 * An architecture drawn uniformly: the control that every search is to be compared with.
 *
 * Rule: each edge's operation is uniform over the candidates.
 * @param operations candidate operations O, [operations]
 * @param k key of the draw
 * @param n intermediate nodes of a cell
 * Departs from the paper: a control that it lacks.
 * Source: DARTS, random search over the same space.
 */
export function randomGenotype(operations: readonly Operation[], k: Key, n = 4): Genotype {
  const edges = edgesOf(n);
  const draws = integers(k, edges.length * cellTypes.length, operations.length);
  const cell = (t: number) =>
    edges.map((e, i) => ({ ...e, op: operations[draws[t * edges.length + i]].name }));
  return genotypeOf(operations, (type) => cell(cellTypes.indexOf(type)), { random: { hi: k.hi, lo: k.lo } });
}

/** Multiply-adds within this share of those that are asked for count as equal cost. */
export const EQUAL_COST = 0.1;

/** What a random genotype is to cost. */
export interface CostTarget {
  /** Multiply-adds wanted, > 0. */
  readonly multiplyAdds: number;
  /** Multiply-adds of a genotype's network. */
  readonly cost: (genotype: Genotype) => number;
  /** Relative distance from the target that is borne; {@link EQUAL_COST} unless told otherwise. */
  readonly tolerance?: number;
  /** Draws before it is given up; 1,000 unless told otherwise. */
  readonly tries?: number;
}

/**
 * An architecture drawn uniformly from those of about a given cost: the control for a found one of that cost.
 *
 * Rule: draws of {@link randomGenotype} by the keys (k, 0), (k, 1), … until one is within the tolerance; all others are rejected.
 * @param operations candidate operations O, [operations]
 * @param k key of the draws
 * @param n intermediate nodes of a cell
 * @param target multiply-adds wanted, and how they are counted
 * @throws ScnasError where no draw costs about that much: it says what the draws cost
 * Departs from the paper: a control that it lacks.
 * Source: rejection sampling; DARTS, random search over the same space.
 */
export function randomGenotypeOfCost(
  operations: readonly Operation[],
  k: Key,
  n: number,
  { multiplyAdds, cost, tolerance = EQUAL_COST, tries = 1000 }: CostTarget,
): Genotype {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < tries; i++) {
    const genotype = randomGenotype(operations, fold(k, i), n);
    const found = cost(genotype);
    if (Math.abs(found - multiplyAdds) <= tolerance * multiplyAdds) return genotype;
    [least, most] = [Math.min(least, found), Math.max(most, found)];
  }
  const giga = (count: number) => `${(count / 1e9).toPrecision(4)} G`;
  return fail({
    where: 'random genotype of equal cost',
    expected: `one of ${giga(multiplyAdds)} multiply-adds, within ${100 * tolerance} %`,
    found: `${giga(least)} to ${giga(most)} in ${tries} draws`,
    next: 'change match.multiplyAdds, or reach that cost with another retrain.stem',
  });
}

/**
 * A genotype from the edges of each cell type.
 *
 * Rule: schema, operation names and source stand beside the cells.
 * @param operations candidate operations O, [operations]
 * @param edges gives the edges of a cell type with their operations, [edges]
 * @param source where it comes from
 * Source: §2.1.
 */
export function genotypeOf(
  operations: readonly Operation[],
  edges: (type: CellType) => readonly GenotypeEdge[],
  source: Genotype['source'],
): Genotype {
  return {
    schema: 'scnas-genotype-1',
    operations: operations.map((o) => o.name),
    cells: { enc: edges('enc'), red: edges('red'), dec: edges('dec'), exp: edges('exp') },
    source,
  };
}

/**
 * A genotype from JSON, checked: schema, cells, edges and operations are what this code builds.
 *
 * Rule: each cell holds every edge (i, j), i < j, exactly once, each with a known operation.
 * @param json parsed JSON
 * @param operations candidate operations O, [operations]
 * @param where the file, for errors
 * @throws ScnasError for a missing or unknown field, an edge that runs backwards (a cycle), is double or missing, an unknown operation.
 * Source: §2.1.
 */
export function parseGenotype(json: unknown, operations: readonly Operation[], where: string): Genotype {
  const g = record(json, where, 'a genotype object');
  if (g.schema !== 'scnas-genotype-1') {
    fail({
      where,
      expected: 'schema "scnas-genotype-1"',
      found: String(g.schema),
      next: 'derive the genotype again',
    });
  }
  const cells = record(g.cells, `${where}, cells`, 'an object with enc, red, dec and exp');
  const names = operations.map((o) => o.name);
  const parsed = Object.fromEntries(
    cellTypes.map((type) => [type, parseCell(cells[type], names, `${where}, cell ${type}`)]),
  );
  const counts = new Set(cellTypes.map((type) => parsed[type].length));
  if (counts.size > 1) {
    fail({
      where,
      expected: 'as many edges in every cell',
      found: [...counts].join(', '),
      next: 'correct the cells',
    });
  }
  return genotypeOf(operations, (type) => parsed[type], isRecord(g.source) ? g.source : {});
}

function parseCell(json: unknown, names: readonly string[], where: string): GenotypeEdge[] {
  if (!Array.isArray(json)) {
    return fail({
      where,
      expected: 'a list of edges',
      found: describe(json),
      next: 'derive the genotype again',
    });
  }
  const n = [2, 4].find((count) => edgesOf(count).length === json.length);
  if (!n)
    fail({ where, expected: '14 edges (or 5)', found: String(json.length), next: 'list every edge once' });
  const given = json.map((item, i) => {
    const e = record(item, `${where}, edge ${i}`, 'an object {from, to, op}');
    const at = `${where}, edge ${i} (${String(e.from)} → ${String(e.to)})`;
    if (!Number.isInteger(e.from) || !Number.isInteger(e.to) || Number(e.from) >= Number(e.to)) {
      fail({
        where: at,
        expected: 'from < to',
        found: 'an edge that would close a cycle',
        next: 'turn it round',
      });
    }
    if (typeof e.op !== 'string' || !names.includes(e.op)) {
      const next = `use one of them, or pass --operations with a table that has it`;
      fail({ where: at, expected: `an operation of ${names.join(', ')}`, found: describe(e.op), next });
    }
    return { from: Number(e.from), to: Number(e.to), op: String(e.op) };
  });
  return edgesOf(n ?? 4).map(({ from, to }) => {
    const same = given.filter((e) => e.from === from && e.to === to);
    if (same.length !== 1) {
      const next = 'list every edge exactly once';
      fail({ where, expected: `one edge ${from} → ${to}`, found: String(same.length), next });
    }
    return same[0];
  });
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function record(json: unknown, where: string, expected: string): Record<string, unknown> {
  return isRecord(json) ? json : fail({ where, expected, found: describe(json), next: 'correct the file' });
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
