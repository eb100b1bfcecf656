/**
 * The configuration of a run: defaults < plan < configs/NAME.json < --set key=value. What comes out is written to the run folder's
 * config.json, and that file is all that later steps read.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Normalisation } from '../data/normalise';
import type { Augment } from '../data/patches';
import type { Preprocessing } from '../data/preprocess';
import type { Spacing } from '../data/resample';
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import type { AdamOptions } from '../paper/adam';
import type { Schedule } from '../paper/anneal';
import type { PlateauOptions } from '../paper/plateau';
import type { Readings } from '../paper/readings';
import { defaults } from './config-defaults';
import { mayLack, renamed } from './config-older';
import { type Method, rules, type SpacingRule } from './config-rules';
import { readJson } from './files';
import * as o from './options';

/** How long a phase trains, on what batches. */
export interface PhaseOptions {
  /** Channels of the stem. */
  readonly stem: number;
  /** Patches in a step. */
  readonly batch: number;
  /** Patches held in memory at once; gradients are accumulated over the rest. */
  readonly microBatch: number;
  /** Compute activations anew in the backward pass: less memory, more time, the same numbers. */
  readonly recompute: boolean;
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly plateau: PlateauOptions;
}

export interface Config {
  readonly schema: 'scnas-config-1';
  /** Name of the configuration file it began as. */
  readonly name: string;
  /** Folder with dataset.json. */
  readonly data: string;
  readonly task: string;
  /** Hash of the data set: a resume on other data is refused. */
  readonly dataHash: string;
  /** A plan's file that the data-dependent keys come from; empty: a look at the data. In a run folder its own plan.json. */
  readonly plan: string;
  /** Channels of an image. */
  readonly inputs: number;
  /** Class names, background first. */
  readonly classes: readonly string[];
  /** Which of the folds is validated on; `all` trains on every case and validates on none. */
  readonly fold: number | 'all';
  readonly folds: number;
  /** Choices are made here: the fold's training part is split again, and its own fold 0 is validated on instead of the fold's cases. */
  readonly inner: boolean;
  readonly seed: number;
  readonly method: Method;
  /** Names of the candidate operations. */
  readonly operations: readonly string[];
  /** A file of one's own with `export const operations`, or null. */
  readonly operationsFile: string | null;
  /** Changes with an operation's name, parameters or, for a file of one's own, its text. */
  readonly operationsHash: string;
  /** Patch sides, voxels. */
  readonly patch: Shape3;
  /** Target spacing, mm, or `native`: each volume's own. In a configuration file also a rule that the plan turns into numbers. */
  readonly spacing: 'native' | SpacingRule | Spacing;
  /** Normalise by the statistics of the nonzero mask (nnU-Net's rule where the crop takes away more than a quarter). */
  readonly maskStatistics: boolean;
  /** How each channel is normalised; an empty list: z for all. */
  readonly intensities: readonly Normalisation[];
  /** Share of a batch that must hold foreground. */
  readonly foreground: number;
  /** Mirror patches in training. */
  readonly mirror: boolean;
  /** Elastic deformation, rotation, scale and gamma in training. */
  readonly augment: Augment;
  /** Average predictions over the 8 flips. */
  readonly flips: boolean;
  readonly search: PhaseOptions & {
    /** Adam of Θ; its betas as the paper prints them, see the reading `thetaBetas`. */
    readonly theta: AdamOptions;
    readonly alpha: AdamOptions;
    /** How τ falls over the epochs. */
    readonly tau: Schedule;
  };
  readonly retrain: PhaseOptions & {
    readonly adam: AdamOptions;
    /** Training stops when the rate falls below this. */
    readonly minRate: number;
    /** Above 0 the rate also falls to 0 as (1 − step/steps)^decay: for runs too short for a plateau. */
    readonly decay: number;
  };
  /**
   * Multiply-adds for a patch that what stands beside SCNAS is brought to: a peer by its width, a random genotype by drawing. 0: a peer's width is
   * retrain.stem, a genotype is whatever is drawn. The width of a searched or given genotype's network is always retrain.stem.
   */
  readonly match: { readonly multiplyAdds: number };
  /** A checkpoint is written after so many steps or seconds, whichever comes first. */
  readonly checkpoint: { readonly steps: number; readonly seconds: number };
  /** Batches drawn ahead by the worker; 0 draws in the main thread. */
  readonly ahead: number;
  readonly readings: Readings;
}

/** Keys that a resume may change: they move no number of the run. */
export const freeKeys: readonly string[] = [
  'data',
  'plan',
  'checkpoint.steps',
  'checkpoint.seconds',
  'ahead',
  'operationsFile',
];

/** With every batch whole: how it is cut into micro-batches follows from the machine and moves no number, since a step sums over its parts. */
export function wholeBatches(config: Config): Config {
  const uncut = <P extends PhaseOptions>(phase: P): P => ({
    ...phase,
    microBatch: phase.batch,
    recompute: false,
  });
  return { ...config, search: uncut(config.search), retrain: uncut(config.retrain) };
}

/** The layers of a configuration, each checked as it is laid on. */
export interface Layers {
  readonly plan?: unknown;
  /** A name under configs/, or a file. */
  readonly file?: string;
  /** `key=value`, in order. */
  readonly set?: readonly string[];
  /** What the command line's own options say (fold, seed, method). */
  readonly given?: Readonly<Record<string, unknown>>;
}

/** The resolved configuration. */
export function resolveConfig({ plan = {}, file, set = [], given = {} }: Layers): Config {
  let out = o.overlay(defaults, plan, 'plan', rules);
  if (file !== undefined) {
    const found = findConfig(file);
    out = o.overlay(out, readJson(found, 'give a name under configs/ or a file'), found, rules);
    out = { ...out, name: path.basename(found, '.json') };
  }
  for (const setting of set) out = o.overlay(out, o.parseSetting(setting), `--set ${setting}`, rules);
  return checked(o.overlay(out, given, 'command line', rules), file ?? 'configuration');
}

/** What the configuration does to a volume before it is cut into patches. Errors: a ScnasError where the spacing is still a rule. */
export function preprocessingOf({ spacing, maskStatistics, intensities, name }: Config): Preprocessing {
  if (typeof spacing === 'string' && spacing !== 'native')
    return fail({
      where: `configuration ${name}`,
      expected: 'spacing as native or three numbers in mm',
      found: spacing,
      next: 'resolve it with scnas plan, which knows the data',
    });
  return { spacing, maskStatistics, channels: intensities };
}

/** A configuration read back from a run folder: complete, and checked like a new one. */
export function parseConfig(json: unknown, where: string, set: readonly string[] = []): Config {
  const given = renamed(json);
  let out = o.overlay(defaults, given, where, rules);
  const missing = Object.keys(defaults).filter((name) => !(name in (given as object)) && !mayLack(name));
  if (missing.length > 0)
    fail({
      where,
      expected: `key ${missing[0]}`,
      found: 'nothing',
      next: 'this is no resolved configuration',
    });
  for (const setting of set) out = o.overlay(out, o.parseSetting(setting), `--set ${setting}`, rules);
  return checked(out, where);
}

/** What single values cannot show. */
function checked(options: o.Options, where: string): Config {
  const config = options as unknown as Config;
  if (config.fold !== 'all' && config.fold >= config.folds)
    fail({
      where,
      expected: `fold to be 0 … ${config.folds - 1} or all`,
      found: String(config.fold),
      next: 'correct the fold',
    });
  if (config.inner && config.fold === 'all')
    fail({
      where,
      expected: 'inner with fold 0 to 4',
      found: 'fold all, which leaves no case unseen',
      next: 'choose a fold',
    });
  for (const name of ['search', 'retrain'] as const) {
    const { batch, microBatch } = config[name];
    if (batch % microBatch !== 0)
      fail({
        where,
        expected: `${name}.microBatch to divide ${name}.batch ${batch}`,
        found: String(microBatch),
        next: 'change one of them',
      });
    if (config.readings.lossOver === 'batch' && batch !== microBatch)
      fail({
        where,
        expected: `${name}.microBatch to equal ${name}.batch ${batch} where readings.lossOver is batch`,
        found: String(microBatch),
        next: 'change one of them: a ratio over the batch cannot be computed in parts',
      });
  }
  return config;
}

function findConfig(file: string): string {
  if (fs.existsSync(file) && fs.statSync(file).isFile()) return file;
  const folder = path.join(__dirname, '..', '..', 'configs');
  const named = path.join(folder, `${file}.json`);
  if (fs.existsSync(named)) return named;
  const names = fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -5));
  const near = o.nearest(file, names);
  return fail({
    where: `--config ${file}`,
    expected: 'a file, or a name under configs/',
    found: 'neither',
    next: near ? `did you mean ${near}?` : `there are ${names.join(', ')}`,
  });
}

/** Differences that matter between a run's configuration and the one asked for now. */
export function configChanges(run: Config, asked: Config): string[] {
  return o
    .differences(run as unknown as o.Options, asked as unknown as o.Options)
    .filter(({ key }) => !freeKeys.includes(key) && key !== 'name')
    .map(({ key, before, now }) => `${key}: ${before} in the run, ${now} now`);
}
