/** A careful look at one case: everything that is wrong with it, and the facts that a plan is made from. */
import { ScnasError } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { boundingBox, cut, nonzeroMask } from './crop';
import { type Dataset, type DatasetCase, loadCase, loadLabel, type RawCase } from './msd';
import { readNifti } from './nifti';
import type { Spacing } from './resample';

/** Of the foreground's voxels every tenth is kept for statistics, as nnU-Net v1 does it. */
const EVERY = 10;

/** Facts of a case. */
export interface CaseFacts {
  /** Voxels on disk, and of the nonzero box. */
  readonly shape: Shape3;
  readonly cropped: Shape3;
  readonly spacing: Spacing;
  /** Voxels of each class in the whole volume. */
  readonly counts: readonly number[];
  /** For each channel the values of every tenth foreground voxel of the box: sorted, each once, with how often. */
  readonly foreground: readonly { readonly values: readonly number[]; readonly counts: readonly number[] }[];
}

/** What a look found: each problem as a line of its own; facts where there is none. */
export interface CaseLook {
  readonly id: string;
  readonly problems: readonly string[];
  readonly facts?: CaseFacts;
}

/** Looks at a case of a data set. Never throws for what a file holds: that is a problem in the list. */
export function lookAtCase(dataset: Dataset, id: string): CaseLook {
  const raw = attempt(() => loadCase(dataset, id));
  if (typeof raw === 'string') {
    const entry = dataset.cases.find((candidate) => candidate.id === id);
    return { id, problems: entry ? allProblems(dataset, entry, raw) : [raw] };
  }
  const mask = nonzeroMask(raw.image, raw.shape, raw.channels);
  const box = boundingBox(mask, raw.shape);
  if (!box)
    return {
      id,
      problems: [
        `${raw.file ?? id}: expected a voxel other than 0, found none; correct the volume, or leave its case out of dataset.json`,
      ],
    };
  const counts = new Array<number>(dataset.classes.length).fill(0);
  for (const label of raw.label ?? []) counts[label]++;
  const { shape, spacing } = raw;
  return {
    id,
    problems: [],
    facts: { shape, cropped: box.shape, spacing, counts, foreground: foregroundOf(raw, box) },
  };
}

/** The first problem of a case, and those that it hides: each file is tried for itself, the label beside the image's shape. */
function allProblems(dataset: Dataset, { image, label }: DatasetCase, first: string): string[] {
  const volume = attempt(() => readNifti(image));
  const map = label === undefined ? undefined : attempt(() => readNifti(label));
  const found = [first];
  if (typeof volume === 'string') found.push(volume);
  if (typeof map === 'string') found.push(map);
  if (typeof volume === 'object' && typeof map === 'object' && label !== undefined) {
    const pair = attempt(() => loadLabel(label, volume, dataset.classes, image));
    if (typeof pair === 'string') found.push(pair);
  }
  return [...new Set(found)];
}

/** What `work` gives, or the line of its ScnasError. */
function attempt<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    if (error instanceof ScnasError) return error.message;
    throw error;
  }
}

function foregroundOf(
  { image, label, shape, channels }: RawCase,
  box: { readonly origin: Shape3; readonly shape: Shape3 },
): CaseFacts['foreground'] {
  if (!label) return Array.from({ length: channels }, () => ({ values: [], counts: [] }));
  const inBox = cut(label, shape, 1, box);
  const voxels = inBox.reduce((n, value) => n + Number(value > 0), 0);
  const kept = Array.from({ length: channels }, () => new Float32Array(Math.ceil(voxels / EVERY)));
  const [x0, y0, z0] = box.origin;
  const [X, Y, Z] = box.shape;
  let seen = 0;
  for (let x = 0, i = 0; x < X; x++)
    for (let y = 0; y < Y; y++)
      for (let z = 0; z < Z; z++, i++) {
        if (inBox[i] === 0 || seen++ % EVERY !== 0) continue;
        const from = (((x0 + x) * shape[1] + y0 + y) * shape[2] + z0 + z) * channels;
        for (let c = 0; c < channels; c++) kept[c][(seen - 1) / EVERY] = image[from + c];
      }
  return kept.map((values) => tally(values.sort()));
}

/** Sorted values, each once, with how often. */
function tally(sorted: Float32Array): { values: number[]; counts: number[] } {
  const values: number[] = [];
  const counts: number[] = [];
  for (const value of sorted) {
    if (values[values.length - 1] === value) counts[counts.length - 1]++;
    else {
      values.push(value);
      counts.push(1);
    }
  }
  return { values, counts };
}
