/** What a plan costs, about how long it takes here, and both as lines of text. */
import { type CalibrationOptions, calibrate, windowsOf } from './calibrate';
import type { Config } from './config';
import { expectedCost, fits, type PhaseName, stepBytes } from './memory';
import type { Plan } from './plan-file';
import { memoryBytes } from './pool';

/** The cost of a phase. */
export interface PhaseCost {
  /** Of one forward pass of one sample, each counted once. */
  readonly multiplyAdds: number;
  readonly parameters: number;
  /** Of one sample, if nothing is recomputed. */
  readonly activationBytes: number;
  /** About the peak of a step with its micro-batch. */
  readonly stepBytes: number;
  readonly fits: boolean;
}

/** The cost of a plan: search and retraining for one sample, prediction for a volume of the median shape. */
export interface PlanCost {
  readonly memoryBytes: number;
  readonly search: PhaseCost;
  readonly retrain: PhaseCost;
  readonly inference: { readonly windows: number; readonly multiplyAdds: number };
}

/** What a plan costs; networks are those of a search's beginning and of a random genotype of middling cost. */
export function costOf(config: Config, { medianShape }: Plan): PlanCost {
  const phase = (name: PhaseName): PhaseCost => {
    const { flops, parameters, activationBytes } = expectedCost(config, name);
    return {
      multiplyAdds: Math.round(flops),
      parameters: Math.round(parameters),
      activationBytes: Math.round(activationBytes),
      stepBytes: Math.round(stepBytes(config, name, config[name].microBatch)),
      fits: fits(config, name),
    };
  };
  const [search, retrain] = [phase('search'), phase('retrain')];
  const windows = windowsOf(medianShape, config.patch);
  const passes = windows * (config.flips ? 8 : 1);
  return {
    memoryBytes: memoryBytes(),
    search,
    retrain,
    inference: { windows, multiplyAdds: passes * retrain.multiplyAdds },
  };
}

/** Minutes on this machine: of the whole search and retraining, and of one volume's prediction. */
export interface Minutes {
  readonly search: number;
  readonly retrain: number;
  readonly volume: number;
}

/** Predicts the minutes of a plan from a few timed steps. */
export function minutesOf(config: Config, { medianShape }: Plan, options: CalibrationOptions = {}): Minutes {
  const { search, retrain, window } = calibrate(config, options);
  return {
    search: (search * config.search.steps) / 60,
    retrain: (retrain * config.retrain.steps) / 60,
    volume: (window * windowsOf(medianShape, config.patch)) / 60,
  };
}

/** The plan for a reader. */
export function planLines(
  config: Config,
  plan: Plan,
  cost: PlanCost,
  minutes: Minutes | undefined,
): string[] {
  const { fingerprint: f, preprocess } = plan;
  const n = (values: readonly number[]) => values.map((v) => Number(v.toFixed(2))).join(' × ');
  const giga = (v: number) => `${(v / 1e9).toFixed(2)} G`;
  const gib = (v: number) => `${(v / 2 ** 30).toFixed(1)} GiB`;
  const time = (m: number) =>
    m < 1 ? `about ${Math.max(1, Math.round(m * 60))} s here` : `about ${hours(m)} here`;
  const phase = (name: PhaseName) => {
    const { stem, batch, microBatch, steps } = config[name];
    const { multiplyAdds, parameters, stepBytes: bytes, fits: enough } = cost[name];
    return [
      `  ${name}: stem ${stem}, batch ${batch} in parts of ${microBatch}, ${steps} steps${minutes ? `, ${time(minutes[name])}` : ''}`,
      `    ${giga(multiplyAdds)} multiply-adds a sample forward, ${(parameters / 1e6).toFixed(2)} M parameters, about ${gib(bytes)} of memory a step${enough ? '' : `: more than fits ${gib(cost.memoryBytes)}; lower ${name}.microBatch, or set ${name}.recompute=true`}`,
    ];
  };
  const intensities = f.intensities.flatMap((i) =>
    i ? [`${i.modality} ${[i.low, i.high].map((v) => Number(v.toPrecision(4))).join(' … ')}`] : [],
  );
  return [
    `${f.task}: ${f.cases} cases without a problem, ${f.modalities.join(' + ')}; classes ${f.classes.join(', ')}`,
    `  shape ${n(f.smallestShape)} to ${n(f.largestShape)}, median ${n(f.medianShape)} voxels; spacing ${n(f.smallestSpacing)} to ${n(f.largestSpacing)}, median ${n(f.medianSpacing)} mm`,
    `  class shares ${f.classShares.map((s) => `${(100 * s).toFixed(1)} %`).join(', ')}; foreground, 0.5 to 99.5 percentile: ${intensities.join(', ')}`,
    `plan: spacing ${preprocess.spacing === 'native' ? 'as each volume has it' : `${n(preprocess.spacing)} mm (${preprocess.rule})`}, median shape ${n(plan.medianShape)}, ${normalisation(plan)}`,
    `configuration ${config.name}: patch ${n(config.patch)}, fold ${config.fold} of ${config.folds}, seed ${config.seed}`,
    ...phase('search'),
    ...phase('retrain'),
    `  prediction: ${cost.inference.windows} window${cost.inference.windows === 1 ? '' : 's'} a volume${config.flips ? ', 8 flips each' : ''}, ${giga(cost.inference.multiplyAdds)} multiply-adds${minutes ? `, ${time(minutes.volume)}` : ''}`,
  ];
}

function normalisation({ preprocess: { intensities, maskStatistics } }: Plan): string {
  if (intensities.some(({ scheme }) => scheme === 'ct')) return 'CT clipped and normalised by the foreground';
  return `channels normalised by the statistics of ${maskStatistics ? 'the nonzero mask' : 'the whole box'}`;
}

function hours(minutes: number): string {
  if (minutes < 120) return `${Math.ceil(minutes)} min`;
  return minutes < 2880 ? `${(minutes / 60).toFixed(1)} hours` : `${(minutes / 1440).toFixed(1)} days`;
}
