/** plan.json: a plan as a versioned file, checked when it is read, and held against the configuration of the run that it lies in. */
import fs from 'node:fs';
import path from 'node:path';
import type { Fingerprint } from '../data/fingerprint';
import type { Normalisation } from '../data/normalise';
import type { Spacing } from '../data/resample';
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { type Config, preprocessingOf } from './config';
import type { SpacingRule } from './config-rules';
import { readJson } from './files';
import * as o from './options';

export const PLAN_VERSION = 1;

/** What a plan says of a phase. */
export interface PhasePlan {
  readonly batch: number;
  readonly microBatch: number;
}

export interface Plan {
  readonly schema: 'scnas-plan';
  readonly version: typeof PLAN_VERSION;
  readonly task: string;
  readonly dataHash: string;
  readonly inputs: number;
  readonly classes: readonly string[];
  /** What decides a prepared case; the cache is reused while this and the files are the same. */
  readonly preprocess: {
    /** How the target spacing was chosen. */
    readonly rule: SpacingRule | 'native' | 'given';
    readonly spacing: 'native' | Spacing;
    readonly maskStatistics: boolean;
    readonly intensities: readonly Normalisation[];
  };
  /** Median shape of a prepared case, voxels. */
  readonly medianShape: Shape3;
  readonly patch: Shape3;
  readonly search: PhasePlan;
  readonly retrain: PhasePlan;
  readonly fingerprint: Fingerprint;
}

const number: o.Rule = (v) => (typeof v === 'number' && Number.isFinite(v) ? undefined : 'a number');
const text: o.Rule = (v) => (typeof v === 'string' && v !== '' ? undefined : 'a text');
const three =
  (rule: o.Rule): o.Rule =>
  (v) =>
    Array.isArray(v) && v.length === 3 && v.every((n) => rule(n) === undefined)
      ? undefined
      : 'a list of three numbers';

/** What each part of a plan must be; parts that are not here are for readers only. */
const rules: o.Rules = {
  schema: o.oneOf('scnas-plan'),
  version: o.oneOf(PLAN_VERSION),
  task: text,
  dataHash: text,
  inputs: o.whole(1),
  classes: o.listOf(text),
  'preprocess.rule': o.oneOf('iso07', 'median', 'native', 'given'),
  'preprocess.spacing': o.either(o.oneOf('native'), o.spacing),
  'preprocess.maskStatistics': o.oneOf(true, false),
  'preprocess.intensities': o.listOf(o.normalisation),
  medianShape: three(o.whole(1)),
  patch: o.patchSides,
  'search.batch': o.whole(1),
  'search.microBatch': o.whole(1),
  'retrain.batch': o.whole(1),
  'retrain.microBatch': o.whole(1),
  'fingerprint.task': text,
  'fingerprint.cases': o.whole(1),
  'fingerprint.medianShape': three(o.whole(1)),
  'fingerprint.medianSpacing': three(o.positive),
  'fingerprint.kept': number,
};

/** Reads a plan. Errors: a ScnasError that names the file, the key and what it should be; a plan of a later version is refused. */
export function readPlan(file: string): Plan {
  const json = readJson(file, 'make one with scnas plan --out FILE');
  const at = (key: string) =>
    key.split('.').reduce<unknown>((value, name) => {
      const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
      return inside ? (value as Record<string, unknown>)[name] : undefined;
    }, json);
  for (const [key, rule] of Object.entries(rules)) {
    const value = at(key);
    const wrong = value === undefined ? 'there' : rule(value as o.Json);
    if (wrong)
      fail({
        where: file,
        expected: `${key} to be ${wrong}`,
        found: JSON.stringify(value) ?? 'nothing',
        next:
          key === 'version'
            ? 'it was made by another version of scnas: plan anew'
            : 'plan anew with scnas plan',
      });
  }
  return json as Plan;
}

/** Where a run keeps its plan. */
export const planFileOf = (dir: string): string => path.join(dir, 'plan.json');

/** Refuses a run whose plan.json was changed after its configuration was resolved; a run of an earlier version has none. */
export function checkRunPlan(dir: string, config: Config): void {
  const file = planFileOf(dir);
  if (!fs.existsSync(file)) return;
  const { preprocess, dataHash } = readPlan(file);
  const { spacing, maskStatistics, channels } = preprocessingOf(config);
  const own = { spacing, maskStatistics, intensities: channels, dataHash };
  const { rule: _, ...planned } = { ...preprocess, dataHash };
  const [difference] = o.differences(planned as unknown as o.Options, own as unknown as o.Options);
  if (difference)
    fail({
      where: file,
      expected: `${difference.key} ${difference.now}, as config.json of the run has it`,
      found: difference.before,
      next: 'restore the file, or begin a new run with --plan',
    });
}
