/** Evaluation of a run: Dice and HD95 of each validation case, a line each in cases.jsonl, means and spread in record.json. */
import fs from 'node:fs';
import path from 'node:path';
import type { Dataset } from '../data/msd';
import { loadCase } from '../data/msd';
import { writeLabelMap } from '../data/nifti';
import { prepareCase } from '../data/preprocess';
import { fail } from '../engine/errors';
import type { Network, Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { predictLabels } from '../evaluate/predict';
import { splitOf } from './cases';
import { preprocessingOf } from './config';
import { appendLine, type RunFolder, readLines, updateRecord } from './folder';
import { loadModel } from './model';
import type { Hooks } from './phase';
import { type CaseLine, caseLine, diceOfLines, summariseLines } from './scores';
import { Interrupted } from './stop';

export type { CaseLine } from './scores';

/** What an evaluation reached. */
export interface Evaluation {
  readonly cases: readonly CaseLine[];
  /** By class, and `mean` over the classes. */
  readonly dice: Readonly<Record<string, number | null>>;
  /** n, mean, spread and interval by metric and class; `mean` is over the cases' means over classes. */
  readonly scores: ReturnType<typeof summariseLines>;
}

/** A network with its weights. */
interface Weighted {
  readonly network: Network;
  readonly theta: Theta;
}

/** The file of a case's label map. */
export type LabelMaps = (id: string) => string;

/** Label maps in a folder. */
export const labelMapsIn =
  (folder: string): LabelMaps =>
  (id) =>
    path.join(folder, `${id}.nii.gz`);

/** Scores every validation case that has no line yet; label maps that are asked for and not there are written for all. */
export async function runEvaluate(
  run: RunFolder,
  dataset: Dataset,
  hooks: Hooks<unknown> = {},
  maps?: LabelMaps,
): Promise<Evaluation> {
  const cases = await scoreCases(run, dataset, 'cases.jsonl', () => loadModel(run.dir), hooks, maps);
  const { classes, seed } = run.config;
  const dice = diceOfLines(cases, classes);
  const seconds = cases.reduce((sum, line) => sum + line.seconds, 0);
  const phases = { evaluate: { steps: cases.length, seconds: Math.round(seconds * 10) / 10 } };
  const scores = summariseLines(cases, classes, seed);
  // Numbers on drawn volumes say so wherever they go.
  const facts = { scores, ...(dataset.phantom ? { phantom: true } : {}) };
  updateRecord(run, { dice, cases: cases.length, phases, facts });
  return { cases, dice, scores };
}

/** Dice of the fold's validation cases by a network, a line each in a file of the run; cases that have a line are not scored again. */
export async function scoreCases(
  run: RunFolder,
  dataset: Dataset,
  file: string,
  load: () => Weighted,
  { signal, progress, goOn = 'run it again' }: Hooks<unknown> = {},
  maps?: LabelMaps,
): Promise<CaseLine[]> {
  const { config } = run;
  const { validation } = splitOf(config, dataset);
  if (validation.length === 0)
    fail({
      where: run.dir,
      expected: 'a fold with validation cases',
      found: `fold ${config.fold}`,
      next: 'evaluate a run of fold 0 to 4',
    });
  const scored = new Set(readLines<CaseLine>(run, file).map(({ id }) => id));
  const there = new Set(maps ? validation.filter((id) => fs.existsSync(maps(id))) : scored);
  const foreign = validation.find((id) => there.has(id) && !scored.has(id));
  if (maps && foreign)
    fail({
      where: maps(foreign),
      expected: 'no label map of a case that is not scored yet',
      found: 'one',
      next: 'choose another --out',
    });
  const { network, theta } = load();
  const left = validation.filter((id) => !scored.has(id) || !there.has(id));
  let done = validation.length - left.length;
  const bar = progress?.('evaluate', validation.length, done);
  try {
    for (const id of left) {
      const began = performance.now();
      const raw = loadCase(dataset, id);
      if (!raw.label) continue;
      const prepared = prepareCase(raw, config.classes.length, preprocessingOf(config));
      const labels = predictLabels(network, theta, prepared, { patch: config.patch, flips: config.flips });
      const pair = { labels, truth: raw.label, shape: raw.shape, spacing: raw.spacing };
      const line = caseLine(config.classes, id, pair, (performance.now() - began) / 1000);
      if (!scored.has(id)) appendLine(run, file, line);
      if (maps) writeLabelMap(maps(id), labels, raw.shape, raw.geometry);
      bar?.update(++done, { Dice: line.mean ?? Number.NaN });
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted && done < validation.length)
        throw new Interrupted(
          `evaluation stopped after ${done} of ${validation.length} cases, which are kept; to go on: ${goOn}`,
        );
    }
  } finally {
    bar?.done();
    tf.dispose(theta);
  }
  return readLines<CaseLine>(run, file);
}
