/** What the data decide: a look at the volumes, and the part of a configuration that follows from it. */
import { boundingBox, nonzeroMask } from '../data/crop';
import { type Dataset, loadCase, openDataset } from '../data/msd';
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';

/** Facts of a data set; volumes are looked at up to a fixed number, evenly over the sorted cases. */
export interface Fingerprint {
  readonly task: string;
  readonly cases: number;
  readonly lookedAt: number;
  readonly modalities: readonly string[];
  readonly classes: readonly string[];
  /** Median shape after cropping to the nonzero box, voxels. */
  readonly medianShape: Shape3;
  readonly smallestShape: Shape3;
  readonly largestShape: Shape3;
  /** Median spacing, mm. */
  readonly medianSpacing: readonly [number, number, number];
  /** Median share of a volume's voxels that the crop keeps. */
  readonly kept: number;
  /** Mean share of the cropped voxels that each class has. */
  readonly classShares: readonly number[];
}

/** More volumes than this add little to a median. */
const LOOK_AT = 20;
/** The paper's patch side, the largest that is planned. */
const LARGEST_SIDE = 128;

/** Opens the data set that the command line names: `--data`, else SCNAS_DATA. */
export function openData(data: string | undefined, task: string | undefined): Dataset {
  const dir = data ?? process.env.SCNAS_DATA;
  if (!dir)
    return fail({
      where: 'data',
      expected: '--data DIR, or SCNAS_DATA set',
      found: 'neither',
      next: 'point one at a folder in MSD layout, or make one with scnas phantom',
    });
  return openDataset(dir, task);
}

/** Looks at a data set. */
export function fingerprint(dataset: Dataset): Fingerprint {
  const { cases } = dataset;
  const n = Math.min(LOOK_AT, cases.length);
  const seen = Array.from({ length: n }, (_, i) => cases[Math.floor((i * cases.length) / n)].id).map((id) => {
    const raw = loadCase(dataset, id);
    const box = boundingBox(nonzeroMask(raw.image, raw.shape, raw.channels), raw.shape);
    const shape = box?.shape ?? raw.shape;
    const shares = new Array<number>(dataset.classes.length).fill(0);
    for (const label of raw.label ?? []) shares[label] += 1 / (raw.label?.length ?? 1);
    return { shape, spacing: raw.spacing, kept: product(shape) / product(raw.shape), shares };
  });
  const axes = <T extends readonly number[]>(of: (axis: number) => number) =>
    [0, 1, 2].map(of) as unknown as T;
  return {
    task: dataset.name,
    cases: cases.length,
    lookedAt: n,
    modalities: dataset.modalities,
    classes: dataset.classes,
    medianShape: axes<Shape3>((a) => Math.round(median(seen.map((s) => s.shape[a])))),
    smallestShape: axes<Shape3>((a) => Math.min(...seen.map((s) => s.shape[a]))),
    largestShape: axes<Shape3>((a) => Math.max(...seen.map((s) => s.shape[a]))),
    medianSpacing: axes((a) => median(seen.map((s) => s.spacing[a]))),
    kept: median(seen.map((s) => s.kept)),
    classShares: dataset.classes.map((_, k) => seen.reduce((sum, s) => sum + s.shares[k], 0) / n),
  };
}

/** The layer of a configuration that follows from the data: what it is, the patch (median shape, sides up to a multiple of 8), the statistics' mask. */
export function planLayer(dataset: Dataset, facts: Fingerprint) {
  return {
    data: dataset.root,
    task: dataset.name,
    dataHash: dataset.hash,
    inputs: dataset.modalities.length,
    classes: dataset.classes,
    patch: facts.medianShape.map((side) => Math.min(LARGEST_SIDE, Math.max(16, Math.ceil(side / 8) * 8))),
    maskStatistics: facts.kept < 3 / 4,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
