/** How large a notebook's own runs are: in a minute, in an hour or two, as in the paper. */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import type { SearchOptions } from '../paper/bilevel';
import type { RetrainOptions } from '../paper/retrain';

export type SizeName = 'smoke' | 'laptop' | 'paper';

export interface CourseSize {
  readonly name: SizeName;
  /** One line for the reader. */
  readonly say: string;
  /** Channels of the stem's output. */
  readonly stem: number;
  readonly patch: Shape3;
  readonly batch: number;
  /** Share of a batch that must hold foreground. */
  readonly foreground: number;
  readonly search: SearchOptions;
  readonly retrain: RetrainOptions;
  /** How long each takes on two cores, in words. */
  readonly expect: { readonly search: string; readonly retrain: string };
}

const search = {
  tau: { kind: 'linear', from: 10, to: 0.1 },
  theta: { rate: 0.025, beta1: 0.1, beta2: 0.001 },
  alpha: { rate: 0.003, beta1: 0.5, beta2: 0.999 },
  plateau: { patience: 20, factor: 10 },
} as const;

const retrain = {
  adam: { rate: 3e-4, beta1: 0.9, beta2: 0.999 },
  plateau: { patience: 30, factor: 5 },
  minRate: 1e-7,
} as const;

const sizes: readonly CourseSize[] = [
  {
    name: 'smoke',
    say: 'smoke: seconds a cell, on two cores; numbers that show how it works, not how well',
    stem: 8,
    patch: [24, 32, 24],
    batch: 1,
    foreground: 1,
    search: { ...search, steps: 30, stepsPerEpoch: 3, microBatch: 1 },
    // The paper's rate is for tens of thousands of steps; so few need a higher one that falls.
    retrain: {
      ...retrain,
      steps: 100,
      stepsPerEpoch: 10,
      microBatch: 1,
      adam: { ...retrain.adam, rate: 0.02 },
      decay: 0.9,
    },
    expect: { search: '15 seconds', retrain: '25 seconds' },
  },
  {
    name: 'laptop',
    say: 'laptop: an hour or two on two cores; the network that configs/laptop.json searches',
    stem: 16,
    patch: [40, 56, 40],
    batch: 2,
    foreground: 0.33,
    search: { ...search, steps: 600, stepsPerEpoch: 50, microBatch: 2 },
    retrain: { ...retrain, steps: 1500, stepsPerEpoch: 50, microBatch: 2, decay: 0.9 },
    expect: { search: 'an hour', retrain: 'half an hour' },
  },
  {
    name: 'paper',
    say: 'paper: 48 and 68 channels, 128³ patches, days on a GPU; run it from the command line rather than in a cell',
    stem: 48,
    patch: [128, 128, 128],
    batch: 4,
    foreground: 0.33,
    search: { ...search, steps: 50_000, stepsPerEpoch: 250, microBatch: 1 },
    retrain: { ...retrain, steps: 125_000, stepsPerEpoch: 250, microBatch: 1 },
    expect: { search: 'days', retrain: 'days' },
  },
];

/** The size of that name: smoke, laptop or paper. */
export function courseSize(name: string): CourseSize {
  const found = sizes.find((size) => size.name === name);
  const known = sizes.map((size) => size.name).join(', ');
  return (
    found ??
    fail({
      where: 'size',
      expected: `one of ${known}`,
      found: String(name),
      next: 'correct it in the first cell',
    })
  );
}

/** What a notebook itself sets for each size. */
export function bySize<Value>({ name }: CourseSize, values: Readonly<Record<SizeName, Value>>): Value {
  return values[name];
}
