/** Which genotypes cost about a given number of multiply-adds: what random ones cost, and the nearest of them. */
import { fold, type Key } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import { totalCost } from '../paper/cost';
import { EQUAL_COST, type Genotype, intermediateNodes, randomGenotype } from '../paper/genotype';
import { derivedNetwork, type NetworkOptions } from '../paper/network';

/** What random genotypes cost beside a number of multiply-adds. */
export interface Reach {
  readonly draws: number;
  /** Multiply-adds: the least, the middle and the most of the draws. */
  readonly least: number;
  readonly median: number;
  readonly most: number;
  /** Share of the draws within a tenth of the number. */
  readonly share: number;
  /** The draw that comes nearest to it. */
  readonly nearest: { readonly genotype: Genotype; readonly multiplyAdds: number };
}

/**
 * Draws random genotypes and sets their multiply-adds beside a number.
 * @param options of the network; `operations` are drawn uniformly on each edge
 * @param target multiply-adds to reach
 * @param patch sides, voxels
 * @param draws how many genotypes
 * @param k key of the draws
 */
export function reach(options: NetworkOptions, target: number, patch: Shape3, draws: number, k: Key): Reach {
  const drawn = Array.from({ length: draws }, (_, i) => {
    const genotype = randomGenotype(options.operations, fold(k, i), intermediateNodes(options.readings));
    return { genotype, multiplyAdds: totalCost(derivedNetwork(options, genotype).cost(patch)).flops };
  }).sort((a, b) => a.multiplyAdds - b.multiplyAdds);
  const apart = (d: { multiplyAdds: number }) => Math.abs(d.multiplyAdds - target);
  return {
    draws,
    least: drawn[0].multiplyAdds,
    median: drawn[draws >> 1].multiplyAdds,
    most: drawn[draws - 1].multiplyAdds,
    share: drawn.filter((d) => apart(d) <= EQUAL_COST * target).length / draws,
    nearest: drawn.reduce((best, d) => (apart(d) < apart(best) ? d : best)),
  };
}
