/** Where a configuration begins: the paper's numbers. */
import { defaultReadings } from '../paper/readings';
import type * as o from './options';

const phase = { batch: 4, microBatch: 1, recompute: true, stepsPerEpoch: 250 };

/** The paper's numbers; what the data decide (task, inputs, classes, patch) comes with the plan. */
export const defaults: o.Options = {
  schema: 'scnas-config-1',
  name: 'defaults',
  data: '',
  task: '',
  dataHash: '',
  plan: '',
  inputs: 1,
  classes: [],
  fold: 0,
  folds: 5,
  inner: false,
  seed: 0,
  method: 'scnas',
  operations: [],
  operationsFile: null,
  operationsHash: '',
  patch: [128, 128, 128],
  spacing: 'native',
  maskStatistics: false,
  intensities: [],
  foreground: 0.33,
  mirror: true,
  augment: 'none',
  flips: true,
  search: {
    stem: 48,
    ...phase,
    steps: 50_000,
    theta: { rate: 0.025, beta1: 0.1, beta2: 0.001 },
    alpha: { rate: 0.003, beta1: 0.5, beta2: 0.999 },
    plateau: { patience: 20, factor: 10 },
    tau: { kind: 'linear', from: 10, to: 0.1 },
  },
  retrain: {
    stem: 68,
    ...phase,
    batch: 8,
    steps: 125_000,
    adam: { rate: 3e-4, beta1: 0.9, beta2: 0.999 },
    plateau: { patience: 30, factor: 5 },
    minRate: 1e-7,
    decay: 0,
  },
  match: { multiplyAdds: 0 },
  checkpoint: { steps: 250, seconds: 300 },
  ahead: 2,
  readings: defaultReadings,
};
