/** What a data set is, from a look at each of its cases; and the target spacings and shapes that follow. Pure: no file is read here. */
import type { Shape3 } from '../engine/model';
import type { CaseFacts } from './look';
import type { Normalisation } from './normalise';
import { resampledShape, type Spacing } from './resample';
import { roundHalfEven } from './round';

/** Statistics of a channel's foreground over all cases, in the volumes' units. */
export interface Intensities {
  readonly modality: string;
  /** The 0.5 and 99.5 percentile. */
  readonly low: number;
  readonly high: number;
  readonly mean: number;
  readonly sd: number;
  readonly least: number;
  readonly greatest: number;
}

/** Facts of a data set. */
export interface Fingerprint {
  readonly task: string;
  readonly cases: number;
  readonly modalities: readonly string[];
  readonly classes: readonly string[];
  /** After cropping to the nonzero box, voxels. */
  readonly medianShape: Shape3;
  readonly smallestShape: Shape3;
  readonly largestShape: Shape3;
  /** mm. */
  readonly medianSpacing: Spacing;
  readonly smallestSpacing: Spacing;
  readonly largestSpacing: Spacing;
  /** Median share of a volume's voxels that the crop keeps. */
  readonly kept: number;
  /** Mean share of a volume's voxels that each class has. */
  readonly classShares: readonly number[];
  /** One a channel; null where no case has foreground. */
  readonly intensities: readonly (Intensities | null)[];
}

/** What is known of the data set beside its cases. */
export interface Described {
  readonly name: string;
  readonly modalities: readonly string[];
  readonly classes: readonly string[];
}

/** The facts of a data set from those of its cases, of which there is at least one. */
export function fingerprintOf(
  { name, modalities, classes }: Described,
  cases: readonly CaseFacts[],
): Fingerprint {
  const shapes = cases.map(({ cropped }) => cropped);
  const spacings = cases.map(({ spacing }) => spacing);
  const voxels = (c: CaseFacts) => product(c.shape);
  const mean = (of: (c: CaseFacts) => number) => cases.reduce((sum, c) => sum + of(c), 0) / cases.length;
  return {
    task: name,
    cases: cases.length,
    modalities,
    classes,
    medianShape: medianOf(shapes).map(roundHalfEven) as unknown as Shape3,
    smallestShape: eachAxis(shapes, (v) => Math.min(...v)),
    largestShape: eachAxis(shapes, (v) => Math.max(...v)),
    medianSpacing: medianOf(spacings),
    smallestSpacing: eachAxis(spacings, (v) => Math.min(...v)),
    largestSpacing: eachAxis(spacings, (v) => Math.max(...v)),
    kept: median(cases.map((c) => product(c.cropped) / product(c.shape))),
    classShares: classes.map((_, k) => mean((c) => c.counts[k] / voxels(c))),
    intensities: modalities.map((modality, channel) => intensitiesOf(modality, cases, channel)),
  };
}

/**
 * Mean, spread and percentiles of a channel's foreground over all cases.
 *
 * Rule: over every tenth foreground voxel of each case; percentiles by linear interpolation between the two nearest ranks, as numpy's.
 * Source: nnU-Net v1's `_compute_stats`.
 */
function intensitiesOf(modality: string, cases: readonly CaseFacts[], channel: number): Intensities | null {
  const merged = new Map<number, number>();
  for (const { foreground } of cases) {
    const { values, counts } = foreground[channel];
    for (const [i, value] of values.entries()) merged.set(value, (merged.get(value) ?? 0) + counts[i]);
  }
  if (merged.size === 0) return null;
  const sorted = [...merged].sort(([a], [b]) => a - b);
  const n = sorted.reduce((sum, [, count]) => sum + count, 0);
  const mean = sorted.reduce((sum, [value, count]) => sum + value * count, 0) / n;
  const squares = sorted.reduce((sum, [value, count]) => sum + (value - mean) ** 2 * count, 0);
  const ranked = (rank: number) => {
    let before = 0;
    for (const [value, count] of sorted) {
      before += count;
      if (before > rank) return value;
    }
    return sorted[sorted.length - 1][0];
  };
  const percentile = (p: number) => {
    const rank = (p / 100) * (n - 1);
    const [low, high] = [ranked(Math.floor(rank)), ranked(Math.ceil(rank))];
    return low + (high - low) * (rank - Math.floor(rank));
  };
  return {
    modality,
    low: percentile(0.5),
    high: percentile(99.5),
    mean,
    sd: Math.sqrt(squares / n),
    least: sorted[0][0],
    greatest: sorted[sorted.length - 1][0],
  };
}

/** How each channel is normalised: by the CT rule where its modality is CT, else by its own statistics. Source: nnU-Net v1. */
export function normalisations({ intensities, modalities }: Fingerprint): readonly Normalisation[] {
  const rules = modalities.map((modality, channel): Normalisation => {
    const found = intensities[channel];
    if (modality.trim().toLowerCase() !== 'ct' || !found) return { scheme: 'z' };
    const { low, high, mean, sd } = found;
    return { scheme: 'ct', low, high, mean, sd };
  });
  return rules.every(({ scheme }) => scheme === 'z') ? [] : rules;
}

/** The statistics come from the nonzero mask where cropping took away more than a quarter, never for CT. Source: nnU-Net v1. */
export function usesMask({ kept, modalities }: Fingerprint): boolean {
  return kept < 3 / 4 && !modalities.some((modality) => modality.trim().toLowerCase() === 'ct');
}

/** The median shape on a target spacing, voxels; `native`: as it is. */
export function shapeAt({ medianShape, medianSpacing }: Fingerprint, spacing: 'native' | Spacing): Shape3 {
  return spacing === 'native' ? medianShape : resampledShape(medianShape, medianSpacing, spacing);
}

function eachAxis<T>(rows: readonly (readonly number[])[], of: (values: number[]) => number): T {
  return [0, 1, 2].map((axis) => of(rows.map((row) => row[axis]))) as unknown as T;
}

function medianOf(rows: readonly (readonly number[])[]): Spacing {
  return eachAxis(rows, median);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
