/** The plan of a run: what follows from the data and the memory at hand. */
import { type Fingerprint, normalisations, shapeAt, usesMask } from '../data/fingerprint';
import type { Dataset } from '../data/msd';
import type { Spacing } from '../data/resample';
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { type Config, type Layers, preprocessingOf, resolveConfig } from './config';
import type { SpacingRule } from './config-rules';
import { factsOf } from './look';
import { microBatchFor } from './memory';
import { type PhasePlan, PLAN_VERSION, type Plan, readPlan } from './plan-file';

/** The paper's patch side, the largest that is planned. */
const LARGEST_SIDE = 128;

/** The target spacing that a rule gives: 0.7 mm along each axis (the paper's), the median of each axis (nnU-Net's), or as it is given. */
export function spacingOf(rule: 'native' | SpacingRule | Spacing, facts: Fingerprint): 'native' | Spacing {
  if (rule === 'iso07') return [0.7, 0.7, 0.7];
  return rule === 'median' ? facts.medianSpacing : rule;
}

/** The patch for a median shape: each side up to a multiple of 8, from 16 to 128 (the paper's). */
export function patchFor(shape: Shape3): Shape3 {
  const side = (n: number) => Math.min(LARGEST_SIDE, Math.max(16, Math.ceil(n / 8) * 8));
  return [side(shape[0]), side(shape[1]), side(shape[2])];
}

/** A configuration with its plan. */
export interface Planned {
  readonly config: Config;
  readonly plan: Plan;
}

/**
 * Resolves a configuration over what the data decide, and writes down as a plan what came out.
 *
 * The spacing, patch, batches and micro-batches that the configuration names itself stay; the plan fills in the others.
 * @param dataset open data set
 * @param facts its fingerprint
 * @param layers the configuration's file, settings and the command line's own options
 * @param memory bytes at hand
 */
export function planned(dataset: Dataset, facts: Fingerprint, layers: Layers, memory?: number): Planned {
  const rule = resolveConfig({ ...layers, plan: {} }).spacing;
  const spacing = spacingOf(rule, facts);
  const medianShape = shapeAt(facts, spacing);
  const data = {
    data: dataset.root,
    task: dataset.name,
    dataHash: dataset.hash,
    inputs: dataset.modalities.length,
    classes: dataset.classes,
    patch: patchFor(medianShape),
    maskStatistics: usesMask(facts),
    intensities: normalisations(facts),
  };
  const draft = settled(resolveConfig({ ...layers, plan: data }), spacing);
  const micro = {
    search: { microBatch: microBatchFor(draft, 'search', memory) },
    retrain: { microBatch: microBatchFor(draft, 'retrain', memory) },
  };
  const config = settled(resolveConfig({ ...layers, plan: { ...data, ...micro } }), spacing);
  return { config, plan: planFrom(config, facts, typeof rule === 'string' ? rule : 'given', medianShape) };
}

/** The plan that a resolved configuration amounts to. */
function planFrom(
  config: Config,
  fingerprint: Fingerprint,
  rule: Plan['preprocess']['rule'],
  medianShape: Shape3,
): Plan {
  const { task, dataHash, inputs, classes, patch, search, retrain } = config;
  const { spacing, maskStatistics, channels } = preprocessingOf(config);
  const phase = ({ batch, microBatch }: PhasePlan) => ({ batch, microBatch });
  return {
    schema: 'scnas-plan',
    version: PLAN_VERSION,
    task,
    dataHash,
    inputs,
    classes,
    preprocess: { rule, spacing, maskStatistics, intensities: channels },
    medianShape,
    patch,
    search: phase(search),
    retrain: phase(retrain),
    fingerprint,
  };
}

const settled = (config: Config, spacing: 'native' | Spacing): Config => ({
  ...config,
  spacing,
  plan: 'plan.json',
});

/** A configuration that obeys a plan read from a file. Errors: a ScnasError where it is another data set's, or the spacing is asked for anew. */
export function obeying(plan: Plan, dataset: Dataset, layers: Layers, where: string): Planned {
  if (plan.dataHash !== dataset.hash)
    fail({
      where,
      expected: `the plan of ${dataset.root} (hash ${dataset.hash.slice(0, 12)})`,
      found: `one of ${plan.task} (hash ${plan.dataHash.slice(0, 12)})`,
      next: 'plan this data set anew with scnas plan',
    });
  const { rule, spacing, maskStatistics, intensities } = plan.preprocess;
  const { patch, search, retrain, inputs, classes, task, dataHash } = plan;
  const data = { data: dataset.root, task, dataHash, inputs, classes };
  const layer = { ...data, patch, spacing, maskStatistics, intensities, search, retrain };
  const config = resolveConfig({ ...layers, plan: layer });
  const same = JSON.stringify(config.spacing) === JSON.stringify(spacing) || config.spacing === rule;
  if (!same)
    fail({
      where,
      expected: `spacing ${JSON.stringify(config.spacing)}, as the configuration asks`,
      found: `${JSON.stringify(spacing)} (${rule})`,
      next: 'leave the spacing to the plan, or plan anew',
    });
  const obeyed = settled(config, spacing);
  return { config: obeyed, plan: planFrom(obeyed, plan.fingerprint, rule, plan.medianShape) };
}

/** The configuration and plan of an open data set: by the plan in a file if one is named, else by a look at the data. */
export async function planFor(
  dataset: Dataset,
  layers: Layers,
  planFile: string | undefined,
  hooks: Parameters<typeof factsOf>[1] = {},
): Promise<Planned> {
  const named = planFile ?? resolveConfig({ ...layers, plan: {} }).plan;
  if (named) return obeying(readPlan(named), dataset, layers, named);
  return planned(dataset, await factsOf(dataset, hooks), layers);
}
