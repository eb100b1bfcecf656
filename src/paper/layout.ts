/**
 * The order, levels, channels and connections of the twelve cells (§2.1, §3, Fig. 1), as data that the network, its cost and its drawing all read.
 *
 * Stem, R E R E R I, X D X D X D, out: normal and resizing cells alternate, three times down and up; I, the inter-cell, is a copy of C_enc.
 * Level l has 1/2^l of the resolution; a cell's output has stem · 2^l channels, concatenated from its intermediate nodes.
 */
import type { CellType } from './genotype';
import type { Readings } from './readings';

/** Number of the stem where a cell's number is meant. */
export const STEM = -1;

/** One of a cell's two inputs. */
export interface CellInput {
  /** The cell whose output it is, or STEM. */
  readonly from: number;
  /** The encoder cell (or STEM) whose map is added to it: footnote 4. */
  readonly skip?: number;
  /** Level at which it arrives. */
  readonly level: number;
  readonly channels: number;
  /** How it gets to the level of the cell's first nodes. */
  readonly resize: 'none' | 'reduce' | 'expand';
}

/** One of the twelve cells. */
export interface CellPlan {
  readonly index: number;
  /** As in `03-enc`. */
  readonly name: string;
  readonly type: CellType;
  /** Level of its output. */
  readonly level: number;
  /** Channels of a node. */
  readonly width: number;
  /** Channels of its output. */
  readonly channels: number;
  /** The older input, then the newer. */
  readonly inputs: readonly [CellInput, CellInput];
}

const order: readonly CellType[] = [
  'red',
  'enc',
  'red',
  'enc',
  'red',
  'enc',
  'exp',
  'dec',
  'exp',
  'dec',
  'exp',
  'dec',
];

/**
 * The twelve cells of a network.
 *
 * Rule: cell i reads the outputs of cells i−2 (older) and i−1 (newer); the first reads the stem twice. A decoder cell's newer input is summed with
 * the encoder's map of that input's level (the normal cells' at levels 1 and 2, the stem's at 0, none at 3). Channels are stem · 2^level.
 * @param stem channels of the stem's output, a multiple of the number of intermediate nodes
 * @param nodes intermediate nodes of a cell
 * @param readings `decoderSum`
 * Source: §2.1, footnote 4, §3; reading: order of the 12 cells, channels of a node, footnote 4's sum.
 */
export function cellPlans(stem: number, nodes: number, readings: Readings): readonly CellPlan[] {
  const plans: CellPlan[] = [];
  let level = 0;
  order.forEach((type, index) => {
    if (type === 'red') level++;
    if (type === 'exp') level--;
    const older = inputOf(index - 2, type, level, false);
    const decoder = type === 'exp' || type === 'dec';
    const afterExpansion = order[index - 1] === 'exp';
    const sums = decoder && (readings.decoderSum === 'every' || afterExpansion);
    const newer = inputOf(index - 1, type, level, sums);
    const name = `${String(index).padStart(2, '0')}-${type}`;
    const width = (stem * 2 ** level) / nodes;
    plans.push({ index, name, type, level, width, channels: stem * 2 ** level, inputs: [older, newer] });
  });
  return plans;

  function inputOf(wanted: number, type: CellType, cellLevel: number, sums: boolean): CellInput {
    const from = Math.max(wanted, STEM);
    const inputLevel = from === STEM ? 0 : plans[from].level;
    const entry = type === 'red' ? cellLevel - 1 : cellLevel;
    const resize = inputLevel < entry ? 'reduce' : inputLevel > entry ? 'expand' : 'none';
    const skip = sums ? encoderMap(inputLevel) : undefined;
    return { from, skip, level: inputLevel, channels: stem * 2 ** inputLevel, resize };
  }

  /** The encoder's map at a level: its normal cell's, the stem's at level 0, none at the bottom. */
  function encoderMap(at: number): number | undefined {
    return at === 0 ? STEM : plans.find((p) => p.type === 'enc' && p.level === at && at < 3)?.index;
  }
}
