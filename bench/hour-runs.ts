/** The contenders of the hour. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type Dataset, loadCase } from '../src/data/msd';
import { readNifti } from '../src/data/nifti';
import { folds } from '../src/data/splits';
import { fail } from '../src/engine/errors';
import { runAll } from '../src/run/all';
import { readJson, writeJson, writeWhole } from '../src/run/files';
import { asLines, runAt } from '../src/run/folder';
import { withRunLock } from '../src/run/lock';
import { commit } from '../src/run/machine';
import { loadOperations } from '../src/run/operations';
import { planFor } from '../src/run/plan';
import { progressLine } from '../src/run/progress';
import { publish } from '../src/run/publish';
import { type CaseLine, caseLine, diceOfLines, summariseLines } from '../src/run/scores';
import { installedVenv } from '../src/run/venv';
import { machineFacts, WORK } from './machine';

/** What a contender is given. */
export interface HourOptions {
  readonly name: string;
  readonly dataset: Dataset;
  readonly minutes: number;
  readonly fold: number;
  /** Where its runs, links and prepared cases lie. */
  readonly work: string;
  /** A new folder for the record. */
  readonly out: string;
  readonly threads: number;
  readonly say: (line: string) => void;
}

type Dice = Readonly<Record<string, number | null>>;

/** By name: trains, scores the fold's validation cases, and leaves a record. */
export const contenders: Readonly<Record<string, (options: HourOptions) => Promise<Dice>>> = {
  scnas: ours,
  'nnunetv2-default': (options) => nnunet(options, 'default'),
  'nnunetv2-short': (options) => nnunet(options, 'short'),
};

/** Our search and retraining: an ordinary run of `configs/hour.json`, of less time a share of its steps; it goes on where it was left. */
async function ours({ dataset, minutes, fold, work, out }: HourOptions): Promise<Dice> {
  const table = loadOperations(null);
  const share = (steps: number) => Math.max(1, Math.round((steps * minutes) / 60));
  const given = { fold, operations: table.operations.map((o) => o.name), operationsHash: table.hash };
  const hooks = {
    progress: (phase: string, total: number, from: number) => progressLine({ phase, total, from }),
  };
  const { config, plan } = await planFor(dataset, { file: 'hour', given }, undefined, hooks);
  const own = {
    ...config,
    search: { ...config.search, steps: share(config.search.steps) },
    retrain: { ...config.retrain, steps: share(config.retrain.steps) },
  };
  const run = runAt(path.join(work, `scnas-fold${fold}-${minutes}`), own, plan);
  const { dice } = await withRunLock(run, () => runAll(run, dataset, table.operations, hooks));
  publish(run.dir, out, 'epochs');
  return dice;
}

const requirements = path.join(__dirname, 'nnunetv2', 'requirements.txt');

/** What hour.py says. */
interface Reached {
  readonly predictions: string;
  readonly [fact: string]: unknown;
}

async function nnunet(options: HourOptions, schedule: 'default' | 'short'): Promise<Dice> {
  const { dataset, fold, work, out, minutes, threads, say } = options;
  const all = folds(dataset.cases.map(({ id }) => id));
  const split =
    all[fold] ??
    fail({ where: '--fold', expected: `0 to ${all.length - 1}`, found: String(fold), next: 'correct it' });
  const python = installedVenv(
    {
      folder: path.join(WORK, 'nnunetv2'),
      requirements,
      title: 'nnU-Net v2',
      otherwise: `make ${path.join('.bench', 'nnunetv2')} by hand`,
    },
    say,
  );
  // Prepared cases are of these volumes alone.
  const place = path.join(work, `nnunetv2-${dataset.hash.slice(0, 8)}`);
  const id = layOut(dataset, split, place);
  const file = path.join(place, `${schedule}.json`);
  fs.rmSync(file, { force: true });
  const words = { work: place, dataset: id, schedule, minutes, threads, out: file };
  await runPython(
    python,
    Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]),
    minutes,
  );
  const { predictions, ...reached } = readJson(file, 'run it again') as Reached;
  const cases = scored(dataset, split.validation, predictions);
  const dice = diceOfLines(cases, dataset.classes);
  fs.mkdirSync(out, { recursive: true });
  writeWhole(path.join(out, 'cases.jsonl'), asLines(cases));
  writeJson(path.join(out, 'hour.json'), {
    schema: 'scnas-hour-1',
    task: dataset.name,
    dataHash: dataset.hash,
    method: options.name,
    fold,
    ...reached,
    cpu: machineFacts().cpu,
    commit: commit(),
    dice,
    cases: cases.length,
    scores: summariseLines(cases, dataset.classes, 0),
  });
  return dice;
}

/** nnU-Net's raw folder as links to the volumes, and our fold as its only one; returns the data set's number. */
export function layOut(
  { name, cases, modalities, classes }: Dataset,
  split: { readonly train: readonly string[]; readonly validation: readonly string[] },
  place: string,
): number {
  if (modalities.length !== 1)
    fail({
      where: name,
      expected: 'one channel',
      found: String(modalities.length),
      next: 'choose another task',
    });
  const id = Number(/\d+/.exec(name)?.[0] ?? 1);
  const raw = path.join(
    place,
    'raw',
    `Dataset${String(id).padStart(3, '0')}_${name.replace(/^Task\d+_/, '')}`,
  );
  const link = (folder: string, as: string, to: string) => {
    fs.mkdirSync(path.join(raw, folder), { recursive: true });
    const at = path.join(raw, folder, as);
    fs.rmSync(at, { force: true });
    fs.symlinkSync(path.resolve(to), at);
  };
  for (const { id: one, image, label } of cases) {
    link('imagesTr', `${one}_0000.nii.gz`, image);
    link(
      'labelsTr',
      `${one}.nii.gz`,
      label ?? fail({ where: one, expected: 'a label', found: 'none', next: 'add it' }),
    );
  }
  writeJson(path.join(raw, 'dataset.json'), {
    channel_names: { 0: modalities[0] },
    labels: Object.fromEntries(classes.map((label, k) => [label, k])),
    numTraining: cases.length,
    file_ending: '.nii.gz',
  });
  writeJson(path.join(place, 'splits_final.json'), [{ train: split.train, val: split.validation }]);
  return id;
}

/** Runs hour.py; its steps are shown as a bar over the minutes, all else goes to a log beside its result. */
async function runPython(python: string, words: readonly string[], minutes: number): Promise<void> {
  const log = `${words[words.length - 1]}.log`;
  const bar = progressLine({ phase: 'nnU-Net v2', total: Math.ceil(60 * minutes) });
  const child = spawn(python, [path.join(__dirname, 'nnunetv2', 'hour.py'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const file = fs.createWriteStream(log);
  child.stderr.pipe(file, { end: false });
  child.stdout.pipe(file, { end: false });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const [, step, share, loss] = /scnas (\d+) (\S+) (\S+)\s*$/.exec(text) ?? [];
    if (step)
      bar.update(Math.round(60 * minutes * Number(share)), { iteration: Number(step), loss: Number(loss) });
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  );
  file.end();
  bar.done();
  if (code !== 0)
    fail({ where: 'nnU-Net v2', expected: 'it to end well', found: `exit code ${code}`, next: `see ${log}` });
}

/** Dice and HD95 of its label maps, by our own measures. */
export function scored(dataset: Dataset, ids: readonly string[], folder: string): CaseLine[] {
  return ids.map((id) => {
    const { data, shape, spacing } = readNifti(path.join(folder, `${id}.nii.gz`));
    const { label, shape: own } = loadCase(dataset, id);
    if (!label || shape.join() !== own.join())
      return fail({
        where: path.join(folder, `${id}.nii.gz`),
        expected: `a label map of ${own.join(' × ')}`,
        found: shape.join(' × '),
        next: 'run it again',
      });
    return caseLine(dataset.classes, id, { labels: Uint8Array.from(data), truth: label, shape, spacing }, 0);
  });
}
