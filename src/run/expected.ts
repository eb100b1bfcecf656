/** What a search draws and derives on average, before there is one: draws at equal α, and a genotype of middling cost. */
import { key } from '../engine/keys';
import { totalCost } from '../paper/cost';
import { sampleNetwork } from '../paper/first-order';
import { cellTypes, edgesOf, type Genotype, intermediateNodes, randomGenotype } from '../paper/genotype';
import { derivedNetwork, type NetworkOptions, type Sample, type Supernet } from '../paper/network';

/** Draws that a mean is taken over. */
const DRAWS = 16;
/** Random genotypes of which the middling one is taken. */
const GENOTYPES = 9;

/** Draws of the supernet at equal α: what a search computes in its beginning. */
export function typicalSamples(net: Supernet, seed: number): readonly Sample[] {
  const { operations, readings } = net.options;
  const edges = edgesOf(intermediateNodes(readings)).length;
  const rows = Array.from({ length: edges }, () => operations.map(() => 0));
  const alpha = Object.fromEntries(cellTypes.map((type) => [type, rows])) as unknown as Parameters<
    typeof sampleNetwork
  >[1];
  return Array.from(
    { length: DRAWS },
    (_, i) => sampleNetwork(net, alpha, 1, key(seed, 'expected', i)).sample,
  );
}

/** Of several random genotypes the one with the middle number of multiply-adds. */
export function typicalGenotype(options: NetworkOptions, seed: number): Genotype {
  const { operations, readings } = options;
  const ranked = Array.from({ length: GENOTYPES }, (_, i) => {
    const genotype = randomGenotype(
      operations,
      key(seed, 'expected genotype', i),
      intermediateNodes(readings),
    );
    return { genotype, flops: totalCost(derivedNetwork(options, genotype).cost([16, 16, 16])).flops };
  }).sort((a, b) => a.flops - b.flops);
  return ranked[GENOTYPES >> 1].genotype;
}
