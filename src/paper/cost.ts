/**
 * What a network costs (§3: "419.59 GFLOPs (3D U-ResNet) vs. 424.76 GFLOPs (SCNAS)"), summed from the records that build it.
 */
import { type LayerCost, parameterCount } from '../engine/model';
import { type Operation, operations as paperOperations, type Site } from './operations';
import type { Readings } from './readings';

/** Sums over a network. */
export interface TotalCost {
  /** Multiply-adds of a forward pass of one sample; counted once or, in the other reading, twice. */
  readonly flops: number;
  readonly parameters: number;
  readonly activationBytes: number;
}

/**
 * The cost of a whole network.
 *
 * Rule: sums over the layers; a multiply-add counts once (then both of the paper's figures are plausible), or twice.
 * @param layers cost of each layer for one sample, [layers]
 * @param flops how a multiply-add counts
 * Source: §3; reading: FLOPs.
 */
export function totalCost(layers: readonly LayerCost[], flops: Readings['flops'] = 'once'): TotalCost {
  const sum = (of: (l: LayerCost) => number) => layers.reduce((total, l) => total + of(l), 0);
  return {
    flops: sum((l) => l.multiplyAdds) * (flops === 'once' ? 1 : 2),
    parameters: sum((l) => l.parameters),
    activationBytes: sum((l) => l.activationBytes),
  };
}

/** What the paper says of the brain task (§3), 4 × 128³ and four classes: multiply-adds of a forward pass, by method. */
export const paperFlops: Readonly<Record<string, number>> = { uresnet: 419.59e9, scnas: 424.76e9 };

/** A row of the table of operations. */
export interface OperationCost {
  readonly name: string;
  readonly paperName: string;
  /** Multiply-adds for each output voxel. */
  readonly multiplyAdds: number;
  readonly parameters: number;
  /** Bytes kept for each output voxel. */
  readonly bytes: number;
}

/**
 * The candidate operations side by side, at a site.
 *
 * Rule: each record's own `cost` and the sizes of its own parameters.
 * @param site width c in channels, stride, norms
 * @param table candidate operations O, [operations]
 * Source: §3.
 */
export function operationCosts(
  site: Site,
  table: readonly Operation[] = paperOperations,
): readonly OperationCost[] {
  return table.map((operation) => {
    const { multiplyAdds, kept } = operation.cost(site);
    const parameters = parameterCount(operation.build(site).parameters);
    return {
      name: operation.name,
      paperName: operation.paperName,
      multiplyAdds,
      parameters,
      bytes: 4 * kept,
    };
  });
}
