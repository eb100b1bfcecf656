/** What the jobs of a campaign need: hours on this machine, memory, disk; from the data where they lie, else from what is known of the tasks. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { decathlonTask } from '../data/decathlon';
import type { Fingerprint } from '../data/fingerprint';
import { type Dataset, openDataset } from '../data/msd';
import { phantomTask } from '../data/phantom';
import { fail } from '../engine/errors';
import { parameterCount, type Shape3 } from '../engine/model';
import { nativeThreads } from '../engine/native';
import { type CalibrationOptions, type Rates, ratesOf, stepSeconds, windowsOf } from './calibrate';
import { type Campaign, type Job, layersOf, type Run } from './campaign';
import type { CasesHooks } from './cases';
import type { Config } from './config';
import type { Method } from './config-rules';
import { phaseNetwork, stepBytes } from './memory';
import { loadOperations } from './operations';
import { type Planned, planFor, planned } from './plan';

/** What a job needs; `hours` null where nothing was timed. */
export interface Needs {
  readonly hours: number | null;
  /** Bytes at the peak, about. */
  readonly memory: number;
  /** Bytes that it leaves behind. */
  readonly disk: number;
}

/** A task of a campaign, looked at or as it was published. */
export interface CampaignTask {
  readonly name: string;
  readonly cases: number;
  /** False where the data are not there and the facts are those of the published task. */
  readonly there: boolean;
  /** Configuration and plan of each method. */
  readonly plans: ReadonlyMap<Method, Planned>;
}

/** Every task of a campaign with its plans. Errors: a ScnasError for a task whose data are not there and of which nothing is known. */
export async function campaignTasks(campaign: Campaign, hooks: CasesHooks = {}): Promise<CampaignTask[]> {
  const { operations, hash: operationsHash } = loadOperations(null);
  const found: CampaignTask[] = [];
  for (const name of campaign.tasks) {
    const there = [path.join(campaign.data, name), campaign.data].some(
      (dir) => path.basename(dir) === name && fs.existsSync(path.join(dir, 'dataset.json')),
    );
    const { dataset, facts } = there
      ? { dataset: openDataset(campaign.data, name), facts: undefined }
      : published(name);
    const plans = new Map<Method, Planned>();
    for (const [i, method] of [...new Set<Method>(['scnas', ...campaign.methods])].entries()) {
      const { given, ...rest } = layersOf(campaign, { task: name, method, fold: 0, seed: 0 });
      const names = operations.map((operation) => operation.name);
      const layers = { ...rest, given: { ...given, operations: names, operationsHash } };
      plans.set(
        method,
        facts
          ? planned(dataset, facts, layers)
          : await planFor(dataset, layers, undefined, i === 0 ? hooks : {}),
      );
    }
    found.push({ name, cases: dataset.cases.length, there, plans });
  }
  return found;
}

/** A task of the Decathlon as far as it is known without its files. */
function published(name: string): { readonly dataset: Dataset; readonly facts: Fingerprint } {
  const { size } = decathlonTask(name);
  if (!size)
    return fail({
      where: name,
      expected: 'its folder, or a task whose size is known',
      found: 'neither',
      next: `fetch it with scnas data get ${name}`,
    });
  const { modalities, classes, spacing } = phantomTask(name);
  const { shape } = size;
  const cases = Array.from({ length: size.cases }, (_, i) => ({ id: String(i), image: '' }));
  const facts = {
    task: name,
    cases: size.cases,
    modalities,
    classes,
    medianShape: shape,
    smallestShape: shape,
    largestShape: shape,
    medianSpacing: spacing,
    smallestSpacing: spacing,
    largestSpacing: spacing,
    kept: 1,
    classShares: classes.map(() => 0),
    intensities: modalities.map(() => null),
  };
  return { dataset: { root: '', name, modalities, classes, cases, hash: 'as published' }, facts };
}

/** Times a step and a window of each method, on the first task, with a job's threads or as many as there are. */
export function campaignRates(
  { threads }: Pick<Campaign, 'threads'>,
  [first]: readonly CampaignTask[],
  options: CalibrationOptions = {},
): ReadonlyMap<Method, Rates> {
  const before = nativeThreads();
  try {
    if (before > 0) nativeThreads(Math.min(threads, os.availableParallelism()));
    return new Map([...first.plans].map(([method, { config }]) => [method, ratesOf(config, options)]));
  } finally {
    if (before > 0) nativeThreads(before);
  }
}

/** What each job needs, by its name. */
export function campaignNeeds(
  jobs: readonly Job[],
  tasks: readonly CampaignTask[],
  rates: ReadonlyMap<Method, Rates>,
): ReadonlyMap<string, Needs> {
  const small = { hours: rates.size > 0 ? 0.01 : null, memory: 2 ** 30, disk: 2 ** 17 };
  return new Map(
    jobs.map(({ name, rule, run }): [string, Needs] => {
      const task = tasks.find((own) => own.name === run?.task);
      const plan = run && task?.plans.get(run.method);
      if (!run || !task || !plan || rule === 'table' || rule === 'derive') return [name, small];
      return [
        name,
        rule === 'evaluate' ? evaluation(run, task, plan, rates) : training(rule, run, plan, rates),
      ];
    }),
  );
}

/** Bytes that Adam's state and Θ take in a checkpoint, and a line of metrics. */
const CHECKPOINT = 12;
const LINE = { search: 400, retrain: 120 };

function training(
  phase: 'search' | 'retrain',
  { method }: Run,
  { config }: Planned,
  rates: ReadonlyMap<Method, Rates>,
): Needs {
  const { steps, microBatch } = config[phase];
  const rate = rates.get(method);
  const seconds = rate && stepSeconds(config, rate)[phase] * steps;
  const weights = parameterCount(phaseNetwork(config, phase).parameters);
  const model = phase === 'retrain' ? 4 * weights : 0;
  return {
    hours: seconds === undefined ? null : seconds / 3600,
    memory: stepBytes(config, phase, microBatch),
    // A checkpoint is written beside the one before.
    disk: 2 * CHECKPOINT * weights + model + LINE[phase] * steps,
  };
}

function evaluation(
  { fold, method }: Run,
  { cases }: CampaignTask,
  { config, plan }: Planned,
  rates: ReadonlyMap<Method, Rates>,
): Needs {
  const held = Math.floor(cases / config.folds) + (fold < cases % config.folds ? 1 : 0);
  const rate = rates.get(method);
  const seconds = rate && stepSeconds(config, rate).window * windowsOf(plan.medianShape, config.patch) * held;
  return {
    hours: seconds === undefined ? null : seconds / 3600,
    memory: stepBytes(config, 'retrain', 1) + volumeBytes(config, plan.medianShape),
    disk: 500 * held,
  };
}

/** Image, probabilities and labels of a volume in memory. */
const volumeBytes = ({ inputs, classes }: Config, shape: Shape3) =>
  4 * (inputs + classes.length + 2) * shape[0] * shape[1] * shape[2];

/** Bytes of a task's prepared cases, which its jobs share: image as float32, label as int8. */
export function preparedBytes({ plans, cases }: CampaignTask): number {
  const { config, plan } = plans.get('scnas') as Planned;
  const [x, y, z] = plan.medianShape;
  return cases * x * y * z * (4 * config.inputs + 1);
}
