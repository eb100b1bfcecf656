/** Widths: what a level's channels are, and the width that meets a number of multiply-adds. */
import type { Network, Shape3 } from '../engine/model';
import { totalCost } from '../paper/cost';

/** What a network that somebody designed is built from. */
export interface PeerOptions {
  /** Image channels. */
  readonly inputs: number;
  /** Classes, the background included. */
  readonly classes: number;
  /** Channels at full resolution; doubled with each level, then rounded, so that a width between whole numbers lies between them in cost. */
  readonly width: number;
}

/** Channels of a level: width · 2^level, rounded. */
export const channelsAt = (width: number, level: number): number => Math.round(width * 2 ** level);

/** Widths are tried up to this. */
const WIDEST = 128;

/**
 * The width whose multiply-adds for a patch come nearest to a number, of the multiples of a step: an eighth for peers, the nodes of a cell for cells.
 * @param multiplyAdds the number to meet
 * @param patch sides, voxels
 * @param build the network of a width; wider never costs less
 * @param step what widths are multiples of, at least 1 of them
 */
export function widthOfCost(
  multiplyAdds: number,
  patch: Shape3,
  build: (width: number) => Network,
  step = 1 / 8,
): number {
  const cost = (steps: number) => totalCost(build(steps * step).cost(patch)).flops;
  let [low, high] = [Math.max(1, Math.round(1 / step)), Math.round(WIDEST / step)];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (cost(middle) < multiplyAdds) low = middle;
    else high = middle;
  }
  return (multiplyAdds - cost(low) <= cost(high) - multiplyAdds ? low : high) * step;
}
