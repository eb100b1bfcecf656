/** The collapse alarm: searches by gradient are known to drift to operations without weights (skip connections, pooling). */
import { binomialTail } from '../evaluate/statistics';
import { operationCosts } from '../paper/cost';
import { cellTypes, type Genotype } from '../paper/genotype';
import type { Operation } from '../paper/operations';

/** As rare as this among cells of random choices, a count is alarming. */
const RARE = 0.001;

/** Names of the operations that have no weights. */
export function withoutWeights(operations: readonly Operation[]): string[] {
  const site = { width: 4, stride: 1, affine: true, poolNorm: false, identity: 'factorized reduce' } as const;
  return operationCosts(site, operations)
    .filter(({ parameters }) => parameters === 0)
    .map(({ name }) => name);
}

/**
 * What is alarming in a genotype's cells, a line each: an operation without weights, or all of them together, on more edges of a cell than
 * random choices would give in one cell of a thousand.
 *
 * $P(B \ge k) < 0.001$ with $B \sim \mathrm{Bin}(14, q)$, q the share of the operation, or of all of them, among the candidates
 * @param genotype its cells
 * @param operations candidate operations O
 * Departs from the paper: it has no such check. Source: Zela et al. 2020 and Liang et al. 2019 (DARTS+) describe the collapse.
 */
export function collapseWarnings(
  { cells }: Pick<Genotype, 'cells'>,
  operations: readonly Operation[],
): string[] {
  const free = withoutWeights(operations);
  const groups = [
    ...free.map((name) => ({ name, of: [name] })),
    { name: `without weights (${free.join(', ')})`, of: free },
  ];
  return cellTypes.flatMap((type) =>
    groups.flatMap(({ name, of }) => {
      const count = cells[type].filter(({ op }) => of.includes(op)).length;
      const chance = binomialTail(count, cells[type].length, of.length / operations.length);
      const rare = `random choices give as many in ${(100 * chance).toPrecision(1)} % of cells`;
      return chance < RARE
        ? [`cell ${type}: ${count} of ${cells[type].length} edges are ${name}; ${rare}`]
        : [];
    }),
  );
}
