/** Two genotypes of one space against each other: how many choices they share, and a drawing of where they differ. */
import { binomialTail } from '../evaluate/statistics';
import { type CellType, cellTypes, type Genotype } from '../paper/genotype';
import { type DrawnEdge, genotypeSvg } from './cells';
import { type DrawingFigure, drawing } from './figure';

type Cells = Pick<Genotype, 'cells'>;

/** Edges of each cell type on which both genotypes have the same operation. */
export function sharedChoices(a: Cells, b: Cells): Readonly<Record<CellType, number>> {
  const same = (type: CellType) => a.cells[type].filter(({ op }, e) => op === b.cells[type][e].op).length;
  return { enc: same('enc'), red: same('red'), dec: same('dec'), exp: same('exp') };
}

/**
 * How likely two random genotypes share at least as many choices.
 *
 * $P(B \ge k)$ with $B \sim \mathrm{Bin}(n, 1/|\mathcal{O}|)$, for n edges in all
 * @param shared k
 * @param edges n, 56 in the paper's space
 * @param operations |O|
 */
export function chanceOfSharing(shared: number, edges: number, operations: number): number {
  return binomialTail(shared, edges, 1 / operations);
}

/**
 * Two genotypes in one drawing: a choice that both made is one thick line, where they differ stand both operations, the first one's first.
 *
 * @param names of the two, for the caption
 */
export async function differenceFigure(
  a: Cells,
  b: Cells,
  names: readonly [string, string],
  title = 'Two genotypes',
): Promise<DrawingFigure> {
  const shared = sharedChoices(a, b);
  const drawn = (type: CellType): DrawnEdge[] =>
    a.cells[type].map((edge, e) => {
      const { op } = b.cells[type][e];
      return op === edge.op ? edge : { ...edge, other: op };
    });
  const weigh = (type: CellType) => drawn(type).map(({ other }) => (other === undefined ? 0.9 : 0.2));
  const cells = { enc: drawn('enc'), red: drawn('red'), dec: drawn('dec'), exp: drawn('exp') };
  const weights = { enc: weigh('enc'), red: weigh('red'), dec: weigh('dec'), exp: weigh('exp') };
  const all = cellTypes.flatMap((type) => a.cells[type]).length;
  const sum = cellTypes.reduce((count, type) => count + shared[type], 0);
  const note = `Thick: both alike. Two labels: ${names[0]}, then ${names[1]}.`;
  const svg = await genotypeSvg({ cells }, title, { zero: 'pale', steady: true, weights }, note);
  const each = cellTypes.map((type) => `${type} ${shared[type]}`).join(', ');
  return drawing(svg, { title, caption: `${sum} of ${all} choices are the same: ${each}` });
}
