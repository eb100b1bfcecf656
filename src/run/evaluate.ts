/** Evaluation of a run: Dice and HD95 of each validation case, a line each in cases.jsonl, means and spread in record.json. */
import type { Dataset } from '../data/msd';
import { loadCase } from '../data/msd';
import { prepareCase } from '../data/preprocess';
import { fail } from '../engine/errors';
import type { Network, Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { meanDice } from '../evaluate/dice';
import { predictLabels } from '../evaluate/predict';
import { splitOf } from './cases';
import { preprocessingOf } from './config';
import { appendLine, type RunFolder, readLines, updateRecord } from './folder';
import { loadModel } from './model';
import type { Hooks } from './phase';
import { type CaseLine, caseLine, orNull, summariseLines } from './scores';
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

/** Scores every validation case that has no line yet; `onCase` sees each new label map. */
export async function runEvaluate(
  run: RunFolder,
  dataset: Dataset,
  hooks: Hooks<unknown> = {},
  onCase?: (id: string, labels: Uint8Array) => void,
): Promise<Evaluation> {
  const cases = await scoreCases(run, dataset, 'cases.jsonl', () => loadModel(run.dir), hooks, onCase);
  const { classes, seed } = run.config;
  const dice = diceOfLines(cases, classes);
  const seconds = cases.reduce((sum, line) => sum + line.seconds, 0);
  const phases = { evaluate: { steps: cases.length, seconds: Math.round(seconds * 10) / 10 } };
  const scores = summariseLines(cases, classes, seed);
  updateRecord(run, { dice, cases: cases.length, phases, facts: { scores } });
  return { cases, dice, scores };
}

/** Dice of the fold's validation cases by a network, a line each in a file of the run; cases that have a line are not scored again. */
export async function scoreCases(
  run: RunFolder,
  dataset: Dataset,
  file: string,
  load: () => Weighted,
  { signal, progress, goOn = 'run it again' }: Hooks<unknown> = {},
  onCase?: (id: string, labels: Uint8Array) => void,
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
  const { network, theta } = load();
  const done = new Set(readLines<CaseLine>(run, file).map(({ id }) => id));
  const bar = progress?.('evaluate', validation.length, done.size);
  try {
    for (const id of validation) {
      if (done.has(id)) continue;
      const began = performance.now();
      const raw = loadCase(dataset, id);
      if (!raw.label) continue;
      const prepared = prepareCase(raw, config.classes.length, preprocessingOf(config));
      const labels = predictLabels(network, theta, prepared, { patch: config.patch, flips: config.flips });
      onCase?.(id, labels);
      const maps = { labels, truth: raw.label, shape: raw.shape, spacing: raw.spacing };
      const line = caseLine(config.classes, id, maps, (performance.now() - began) / 1000);
      appendLine(run, file, line);
      done.add(id);
      bar?.update(done.size, { Dice: line.mean ?? Number.NaN });
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted && done.size < validation.length)
        throw new Interrupted(
          `evaluation stopped after ${done.size} of ${validation.length} cases, which are kept; to go on: ${goOn}`,
        );
    }
  } finally {
    bar?.done();
    tf.dispose(theta);
  }
  return readLines<CaseLine>(run, file);
}

/** Mean Dice over cases by class, and over the classes. */
export function diceOfLines(
  cases: readonly CaseLine[],
  classes: readonly string[],
): Readonly<Record<string, number | null>> {
  const rows = cases.map(({ id, dice }) => ({
    id,
    dice: [Number.NaN, ...classes.slice(1).map((name) => dice[name] ?? Number.NaN)],
  }));
  const { perClass, mean } = meanDice(rows);
  const named = classes.slice(1).map((name, k): [string, number | null] => [name, orNull(perClass[k + 1])]);
  return { ...Object.fromEntries(named), mean: orNull(mean) };
}
