/**
 * Run folders from cells: plan, search, derive, retrain, evaluate, predict. The same folders as the command line's, so either goes on where
 * the other stopped; nothing of a run lives in the kernel alone.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Dataset } from '../data/msd';
import { fail } from '../engine/errors';
import { tf } from '../engine/tf';
import type { SearchReport } from '../paper/bilevel';
import type { Derived } from '../paper/derive';
import type { Genotype } from '../paper/genotype';
import type { RetrainReport } from '../paper/retrain';
import { openRunData } from '../run/cases';
import { type Evaluation, runEvaluate } from '../run/evaluate';
import { openRun, type RunFolder, readGenotype, readLines, runAt } from '../run/folder';
import { lookAtFolder } from '../run/look';
import { loadModel } from '../run/model';
import { loadOperations } from '../run/operations';
import type { Hooks } from '../run/phase';
import { type Planned, planFor } from '../run/plan';
import { costOf, planLines } from '../run/plan-report';
import { predictFile } from '../run/predict-file';
import { runRetrain } from '../run/retrain';
import { runDerive, runSearch } from '../run/search';
import { Interrupted } from '../run/stop';
import { interruptSignal } from './interrupt';

export { readRecord } from '../run/folder';
export { patchFor } from '../run/plan';
export type { Planned, RunFolder };

/** A new folder for what is made on the way; it goes when the kernel ends. To keep a run, name a folder of yours instead. */
export function scratchFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-'));
  process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What is wrong and what is odd in a data set, as lines that name files from the data set's folder on. */
export interface DataCheck {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Looks at every case of a folder in MSD layout; a problem is told, not thrown. */
export async function checkData(folder: string, task?: string): Promise<DataCheck> {
  const { problems, warnings } = await lookAtFolder(folder, task, { signal: interruptSignal(), threads: 0 });
  const short = (line: string) => line.split(`${path.resolve(folder)}${path.sep}`).join('');
  return { problems: problems.map(short), warnings: warnings.map(short) };
}

/** How a run is to be: a configuration's name or file, and single keys. */
export interface RunSettings {
  /** smoke, start, laptop, paper, or a file. */
  readonly config: string;
  /** Keys over it, as `search.steps=100`. */
  readonly set?: readonly string[];
  readonly fold?: number | 'all';
  readonly seed?: number;
  readonly method?: string;
}

/** The configuration of a run on a data set, with what the data decide filled in. */
export function planRun(dataset: Dataset, settings: RunSettings): Promise<Planned> {
  const { config, set = [], ...given } = settings;
  const { operations, hash } = loadOperations(null);
  const names = operations.map((o) => o.name);
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  // Batches are drawn in the kernel itself: a worker thread would load TypeScript anew.
  const layers = {
    file: config,
    set: ['ahead=0', ...set],
    given: { ...known, operations: names, operationsFile: null, operationsHash: hash },
  };
  return planFor(dataset, layers, undefined, { signal: interruptSignal(), threads: 0 });
}

/** A plan in words: data, spacing, patch, steps, cost, memory. */
export function planReport({ config, plan }: Planned): string {
  return planLines(config, plan, costOf(config, plan), undefined).join('\n');
}

/** The run of that plan in a folder: begun there, or, where it lies there already, opened to go on. */
export function runIn(dir: string, { config, plan }: Planned): RunFolder {
  return runAt(dir, config, plan);
}

/** A run that lies in a folder: of this notebook, of the command line, or under results/. */
export function runFrom(dir: string): RunFolder {
  return openRun(dir);
}

/** A folder with metrics: a run's, or a record's under results/. */
type Reporting = Pick<RunFolder, 'dir'>;

/** What a run has reported of a phase so far, from its folder. */
export function searchReports(run: Reporting): SearchReport[] {
  return reportsOf(run, 'search');
}

/** As {@link searchReports}, of the retraining. */
export function retrainReports(run: Reporting): RetrainReport[] {
  return reportsOf(run, 'retrain');
}

const reportsOf = <Report>(run: Reporting, name: string) =>
  readLines<Report & { readonly phase: string }>(run, 'metrics.jsonl').filter(({ phase }) => phase === name);

/**
 * The steps of a run's search, from its checkpoint to its end or until someone interrupts; the checkpoint is written either way.
 *
 * @param run a run folder; its files change as the loop goes
 */
export function runningSearch(run: RunFolder): AsyncGenerator<SearchReport> {
  const { operations } = loadOperations(run.config.operationsFile);
  return stepsOf((hooks) => runSearch(run, openRunData(run.config), operations, hooks));
}

/** The steps of a run's retraining, as {@link runningSearch} does it. */
export function runningRetrain(run: RunFolder): AsyncGenerator<RetrainReport> {
  const { operations } = loadOperations(run.config.operationsFile);
  return stepsOf((hooks) => runRetrain(run, openRunData(run.config), operations, hooks));
}

/** What a phase reports by call, as a generator; the phase waits for nobody, so reports that are not taken at once queue up. */
async function* stepsOf<Report>(begin: (hooks: Hooks<Report>) => Promise<void>): AsyncGenerator<Report> {
  const left = new AbortController();
  const signal = AbortSignal.any([left.signal, interruptSignal()]);
  const queue: Report[] = [];
  let wake = () => {};
  let over = false;
  const onStep = (report: Report) => {
    queue.push(report);
    wake();
  };
  const work = begin({ signal, onStep })
    .catch((error) => {
      // Stopping is what was asked for: the checkpoint is written.
      if (!(error instanceof Interrupted)) throw error;
    })
    .finally(() => {
      over = true;
      wake();
    });
  try {
    while (!over || queue.length > 0) {
      const report = queue.shift();
      if (report !== undefined) yield report;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (over) resolve();
        });
    }
  } finally {
    left.abort();
    await work;
  }
}

/** The genotype of a run's finished search, written to its genotype.json. */
export function deriveRun(run: RunFolder): Derived {
  return runDerive(run, loadOperations(run.config.operationsFile).operations);
}

/** The genotype that a run has. */
export function genotypeOfRun(run: RunFolder): Genotype {
  const { operations } = loadOperations(run.config.operationsFile);
  return (
    readGenotype(run, operations) ??
    fail({
      where: run.dir,
      expected: 'genotype.json',
      found: 'none',
      next: 'finish the search, then deriveRun',
    })
  );
}

/** Scores a retrained run on the validation cases of its fold; cases that are scored are not scored again. */
export function evaluateRun(run: RunFolder): Promise<Evaluation> {
  return runEvaluate(run, openRunData(run.config), { signal: interruptSignal() });
}

/**
 * Segments a volume with a retrained run and writes its label map.
 *
 * @param run a run folder with weights
 * @param input a NIfTI file, or one file a channel
 * @param output .nii or .nii.gz
 * @returns labels [x · y · z], on the volume's own grid
 */
export function predictVolume(run: RunFolder, input: string | readonly string[], output: string): Uint8Array {
  const model = loadModel(run.dir);
  try {
    return predictFile(model, typeof input === 'string' ? [input] : input, output);
  } finally {
    tf.dispose(model.theta);
  }
}
