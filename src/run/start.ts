/**
 * The main job: search → derive → retrain → evaluate, and beside the found network a random genotype and a plain 3D U-Net of equal multiply-adds,
 * trained as long on the same cases. Three run folders under one, and a report.
 */
import fs from 'node:fs';
import path from 'node:path';
import { type Dataset, openDataset } from '../data/msd';
import { fail } from '../engine/errors';
import { HIPPOCAMPUS, hippocampus } from '../notebook/data';
import { runAll } from './all';
import { parseConfig } from './config';
import type { Method } from './config-rules';
import { type Evaluation, type LabelMaps, labelMapsIn } from './evaluate';
import { openRun, type RunFolder, readRecord, runAt } from './folder';
import { loadOperations } from './operations';
import type { Hooks } from './phase';
import { planFor } from './plan';

/** The networks that are compared, with the folder that each has. */
export const contestants: readonly {
  readonly folder: string;
  readonly method: Method;
  readonly title: string;
}[] = [
  { folder: 'found', method: 'scnas', title: 'found network' },
  { folder: 'random', method: 'random', title: 'random genotype' },
  { folder: 'unet', method: 'unet', title: 'plain 3D U-Net' },
];

/** Volumes of the phantom task, and the seed that they follow from. */
const PHANTOM = { cases: 20, seed: 1 };

/** What the main job is told. */
export interface StartOptions {
  readonly dir: string;
  readonly data?: string;
  readonly task?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly given?: Readonly<Record<string, unknown>>;
  readonly resume?: boolean;
}

/** One network of the comparison. */
export interface Contestant {
  readonly title: string;
  readonly run: RunFolder;
  readonly evaluation: Evaluation;
  /** For one sample of the patch, each counted once. */
  readonly multiplyAdds: number;
  readonly parameters: number;
}

/** The data of the main job: the hippocampus task of SCNAS_DATA or --data, another task if --task names one, else a phantom. */
export function startData({
  data = process.env.SCNAS_DATA,
  task,
}: Pick<StartOptions, 'data' | 'task'>): Dataset {
  if (!data) return hippocampus(undefined, PHANTOM.cases, PHANTOM.seed);
  const holds =
    path.basename(path.resolve(data)) === HIPPOCAMPUS || fs.existsSync(path.join(data, HIPPOCAMPUS));
  return openDataset(data, task ?? (holds ? HIPPOCAMPUS : undefined));
}

/** Runs the main job, or what is left of it. `say` gets a line before each part. */
export async function runStart(
  options: StartOptions,
  hooks: Hooks<unknown>,
  say: (line: string) => void,
): Promise<readonly Contestant[]> {
  const { dir, resume } = options;
  const dataset = startData(options);
  const table = loadOperations(null);
  const layers = {
    file: options.config ?? 'start',
    set: options.set,
    given: { ...options.given, operations: table.operations.map((o) => o.name), operationsHash: table.hash },
  };
  const { config, plan } = await planFor(dataset, layers, undefined, hooks);
  const begun = fs.existsSync(path.join(dir, contestants[0].folder, 'config.json'));
  if (begun && !resume)
    fail({
      where: dir,
      expected: 'no run there',
      found: 'one',
      next: 'go on with npm start -- --resume, or choose another folder with npm start -- --run DIR',
    });
  const done: Contestant[] = [];
  for (const { folder, method, title } of contestants) {
    say(`${title} (${done.length + 1} of ${contestants.length})`);
    const match = { multiplyAdds: done[0]?.multiplyAdds ?? 0 };
    const own = parseConfig({ ...config, method, ...(method === 'unet' ? { match } : {}) }, 'start');
    const run = runAt(path.join(dir, folder), own, plan);
    const evaluation = await runAll(run, dataset, table.operations, hooks, predictions(run));
    const { multiplyAdds, parameters } = readRecord(run).facts;
    done.push({ title, run, evaluation, multiplyAdds: Number(multiplyAdds), parameters: Number(parameters) });
  }
  return done;
}

/** The label maps that a run predicted. */
export const predictions = ({ dir }: RunFolder): LabelMaps => labelMapsIn(path.join(dir, 'predictions'));

/** The finished contestants of an earlier main job, or nothing where one is missing. */
export function finishedStart(dir: string): boolean {
  return contestants.every(({ folder }) => {
    const own = path.join(dir, folder);
    return fs.existsSync(path.join(own, 'config.json')) && readRecord(openRun(own)).dice !== null;
  });
}

/** The comparison as lines of text. */
export function startTable(done: readonly Contestant[]): string[] {
  const names = Object.keys(done[0].evaluation.dice);
  const head = [
    'Dice, %'.padEnd(16),
    ...names.map((name) => name.padStart(10)),
    '  multiply-adds',
    '  parameters',
  ].join('');
  const rows = done.map(({ title, evaluation, multiplyAdds, parameters }) => {
    const dice = names.map((name) => percent(evaluation.dice[name]).padStart(10));
    return [
      title.padEnd(16),
      ...dice,
      `${(multiplyAdds / 1e9).toFixed(3)} G`.padStart(15),
      `${(parameters / 1e3).toFixed(0)} k`.padStart(12),
    ].join('');
  });
  return [head, ...rows];
}

/** A share as a percentage with two decimals; a dash where there is none. */
export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : (100 * value).toFixed(2);
}
