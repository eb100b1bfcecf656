/** What each key of a configuration may hold, beyond the kind of its default. */
import { augments } from '../data/patches';
import { type Method, methodList } from '../networks/methods';
import type { Schedule } from '../paper/anneal';
import { readingTable } from '../paper/readings';
import * as o from './options';

export type { Method };

/** Target spacings that follow from the data: 0.7 mm along each axis (the paper's), or the median of each axis (nnU-Net's). */
export const spacingRules = ['iso07', 'median'] as const;
export type SpacingRule = (typeof spacingRules)[number];

/** Names of the methods; `src/networks/methods.ts` says what each is. */
export const methods: readonly Method[] = methodList.map(({ name }) => name);

const phaseRules = (name: string): o.Rules =>
  Object.fromEntries(
    Object.entries({
      stem: o.multipleOf(2),
      batch: o.whole(1),
      microBatch: o.whole(1),
      steps: o.whole(1),
      stepsPerEpoch: o.whole(1),
      'plateau.patience': o.whole(1),
      'plateau.factor': o.positive,
      ...Object.fromEntries(
        ['adam', 'theta', 'alpha'].flatMap((adam) => [
          [`${adam}.rate`, o.positive],
          [`${adam}.beta1`, o.between(0, 0.999999)],
          [`${adam}.beta2`, o.between(0, 0.999999)],
        ]),
      ),
    }).map(([key, rule]) => [`${name}.${key}`, rule]),
  );

/** The numbers that each schedule of τ needs. */
const schedules: Readonly<Record<Schedule['kind'], Readonly<Record<string, o.Rule>>>> = {
  linear: { from: o.positive, to: o.positive },
  exponential: { from: o.positive, rate: o.positive },
  constant: { value: o.positive },
  given: { values: o.listOf(o.positive) },
};

const tauRule: o.Rule = (v) => {
  const given = v as Readonly<Record<string, o.Json>> | null;
  const needed = schedules[given?.kind as Schedule['kind']];
  if (!given || !needed) return `an object with kind ${Object.keys(schedules).join(', ')}`;
  const fits = Object.keys(given).length === Object.keys(needed).length + 1;
  const right = Object.entries(needed).every(([name, rule]) => rule(given[name] ?? null) === undefined);
  return fits && right
    ? undefined
    : `{kind: "${given.kind}"} with positive ${Object.keys(needed).join(', ')} and nothing else`;
};

/** A rule by key; a key without one has only its default's kind to keep to. */
export const rules: o.Rules = {
  schema: o.oneOf('scnas-config-1'),
  fold: o.either(o.whole(0), o.oneOf('all')),
  folds: o.whole(2),
  seed: o.whole(0),
  method: o.oneOf(...methods),
  operationsFile: (v) => (v === null || typeof v === 'string' ? undefined : 'a file name or null'),
  patch: o.patchSides,
  spacing: o.either(o.oneOf('native', ...spacingRules), o.spacing),
  intensities: o.listOf(o.normalisation),
  foreground: o.between(0, 1),
  augment: o.oneOf(...augments),
  ...phaseRules('search'),
  ...phaseRules('retrain'),
  'search.tau': tauRule,
  'retrain.minRate': o.positive,
  'retrain.decay': o.between(0, 10),
  'match.multiplyAdds': o.whole(0),
  'checkpoint.steps': o.whole(1),
  'checkpoint.seconds': o.positive,
  ahead: o.whole(0),
  ...Object.fromEntries(readingTable.map(({ name, options }) => [`readings.${name}`, o.oneOf(...options)])),
};
