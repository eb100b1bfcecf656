/** What several commands share: options, the configuration they resolve to, output. */
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import type { CasesHooks } from '../cases';
import { type Config, parseConfig } from '../config';
import { readJson } from '../files';
import type { RunFolder } from '../folder';

import type { Hooks } from '../phase';
import type { Planned } from '../plan';
import { progressLine } from '../progress';
import { stopSignal } from '../stop';

/** Options of a command that trains. */
export interface RunOptions {
  readonly data?: string;
  readonly task?: string;
  readonly config?: string;
  readonly set: readonly string[];
  readonly fold?: string;
  readonly inner?: boolean;
  readonly seed?: string;
  readonly run?: string;
  /** `auto`: go on where the folder has a run, else begin. */
  readonly resume?: boolean | string;
  readonly operations?: string;
  readonly plan?: string;
  readonly spacing?: string;
  readonly method?: string;
}

/** Of an option that may be repeated: all that were given. */
export const collect = (value: string, before: readonly string[]) => [...before, value];

/** Adds --data, --task. */
export function withData(command: Command): Command {
  return command
    .option('--data <dir>', 'a task folder (it has dataset.json), or a root of tasks; default SCNAS_DATA')
    .option('--task <name>', 'the task in a root of several, as Task04_Hippocampus');
}

/** Adds --config, --set. */
export function withConfig(command: Command): Command {
  return command
    .option('--config <name>', 'a name under configs/ (paper, laptop, smoke) or a file')
    .option(
      '--set <key=value>',
      'set one key of the configuration, as search.steps=100; may be repeated',
      collect,
      [],
    );
}

/** Adds what a training run is made of. */
export function withRun(command: Command): Command {
  return withConfig(withData(command))
    .option('--plan <file>', 'obey this plan, from scnas plan --out, instead of looking at the data')
    .option('--spacing <rule>', 'target spacing: iso07 (0.7 mm), median, native, or X,Y,Z in mm')
    .option('--fold <k>', 'which fold is validated on (0 to 4), or all: train on every case')
    .option('--inner', 'choose by this: validate on a fifth of the fold’s training part, not on its cases')
    .option('--seed <n>', 'every random number follows from it')
    .option('--run <dir>', 'the run folder; default runs/TASK-CONFIG-foldK-seedN')
    .option('--resume [when]', 'go on with the run in that folder; with `auto` begin it where there is none')
    .option(
      '--operations <file>',
      'TypeScript file with `export const operations`, the candidates to search over',
    );
}

/** The configuration that the options ask for, with the plan of the data under it, and that plan. */
export async function plannedBy(options: RunOptions, hooks: CasesHooks = onScreen): Promise<Planned> {
  const { planFor } = await import('../plan');
  const { openData } = await import('../look');
  const { loadOperations } = await import('../operations');
  const dataset = openData(options.data, options.task);
  const table = loadOperations(options.operations ?? null);
  const { operations, file: operationsFile, hash: operationsHash } = table;
  const layers = {
    file: options.config ?? 'laptop',
    set: options.set,
    given: { ...given(options), operations: operations.map((o) => o.name), operationsFile, operationsHash },
  };
  return planFor(dataset, layers, options.plan, hooks);
}

/** Looking at data is shown as a phase is. */
const onScreen: CasesHooks = {
  progress: (phase, total, from) => progressLine({ phase, total, from }),
};

/** A spacing as the command line has it: a rule's name, or three numbers. */
export function spacingFrom(text: string): string | readonly number[] {
  const numbers = text.split(',').map(Number);
  return numbers.length === 3 && numbers.every((mm) => Number.isFinite(mm)) ? numbers : text;
}

/** What the command line says with options of its own. */
export function given({ fold, inner, seed, method, spacing }: RunOptions): Record<string, unknown> {
  const number = (text: string) =>
    text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
  return {
    ...(fold === undefined ? {} : { fold: number(fold) }),
    ...(inner ? { inner } : {}),
    ...(seed === undefined ? {} : { seed: number(seed) }),
    ...(method === undefined ? {} : { method }),
    ...(spacing === undefined ? {} : { spacing: spacingFrom(spacing) }),
  };
}

/** A run's default name. */
export function runName({ task, name, fold, inner, seed, method }: Config): string {
  return path.join(
    'runs',
    [
      task,
      ...(method === 'scnas' ? [] : [method]),
      name,
      `fold${fold}${inner ? '-inner' : ''}`,
      `seed${seed}`,
    ].join('-'),
  );
}

/** The run folder that the options ask for: a new one, or with --resume one that is there, checked to be the same run. */
export async function runOf(options: RunOptions): Promise<RunFolder> {
  if (options.run && goesOn(options, options.run)) return resumed(options, options.run);
  const { createRun } = await import('../folder');
  const { config, plan } = await plannedBy(options);
  const dir = options.run ?? runName(config);
  return goesOn(options, dir) ? resumed(options, dir) : createRun(dir, config, plan);
}

/** Whether a run goes on, or begins. */
function goesOn({ resume = false }: RunOptions, dir: string): boolean {
  if (typeof resume === 'boolean') return resume;
  if (resume !== 'auto')
    fail({ where: '--resume', expected: 'nothing behind it, or auto', found: resume, next: 'correct it' });
  return fs.existsSync(path.join(dir, 'config.json'));
}

/** What is not said anew on the command line is as the run has it; the data and the operations are looked at again. */
async function resumed(options: RunOptions, dir: string): Promise<RunFolder> {
  const { openData } = await import('../look');
  const { planFileOf } = await import('../plan-file');
  const { loadOperations } = await import('../operations');
  const { openRun, resumeRun } = await import('../folder');
  const { config } = openRun(dir);
  const dataset = openData(
    options.data ?? config.data,
    options.task ?? (options.data ? config.task : undefined),
  );
  const table = loadOperations(options.operations ?? config.operationsFile);
  const layer = {
    ...(options.config === undefined
      ? config
      : (
          await plannedBy({
            ...options,
            data: dataset.root,
            task: undefined,
            operations: table.file ?? undefined,
            plan: options.plan ?? (fs.existsSync(planFileOf(dir)) ? planFileOf(dir) : undefined),
          })
        ).config),
    ...given(options),
    data: dataset.root,
    task: dataset.name,
    dataHash: dataset.hash,
    operations: table.operations.map((o) => o.name),
    operationsFile: table.file,
    operationsHash: table.hash,
  };
  return resumeRun(dir, parseConfig(layer, 'command line', options.set));
}

/** A run that is there, for a command that needs --run. */
export async function existingRun(dir: string | undefined): Promise<RunFolder> {
  const { openRun } = await import('../folder');
  if (!dir)
    return fail({
      where: '--run',
      expected: 'the folder of a run',
      found: 'nothing',
      next: 'give --run DIR',
    });
  return openRun(dir);
}

/** Prints facts: JSON with --json, else lines. */
export function print(json: boolean | undefined, facts: unknown, lines: readonly string[]): void {
  process.stdout.write(`${json ? JSON.stringify(facts, null, 2) : lines.join('\n')}\n`);
}

/** Three sides, as in `40,56,40`; each a multiple of `step`. */
export function sides(text: string, where: string, step = 8): readonly [number, number, number] {
  const numbers = text.split(',').map(Number);
  const expected = `three sides X,Y,Z of at least 16${step > 1 ? `, each divisible by ${step}` : ''}`;
  if (numbers.length !== 3 || numbers.some((n) => !Number.isSafeInteger(n) || n < 16 || n % step !== 0))
    fail({ where, expected, found: text, next: 'for example 40,56,40' });
  return numbers as unknown as readonly [number, number, number];
}

/** A whole number of at least `least`. */
export function wholeNumber(text: string, where: string, least = 1): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < least)
    fail({ where, expected: `a whole number of at least ${least}`, found: text, next: 'correct it' });
  return n;
}

/** A genotype file, parsed with the operations that go with it. */
export async function genotypeFrom(file: string, operationsFile: string | undefined) {
  const { loadOperations } = await import('../operations');
  const { parseGenotype } = await import('../../paper/genotype');
  const { operations } = loadOperations(operationsFile ?? null);
  const genotype = parseGenotype(readJson(file, 'give a genotype.json'), operations, file);
  return { genotype, operations };
}

/** Work on a run, by one process at a time; a run that was made for it and came to nothing is taken back. */
export async function workOn<T>(run: RunFolder, work: () => Promise<T>): Promise<T> {
  const { forgetRun } = await import('../folder');
  const { withRunLock } = await import('../lock');
  try {
    return await withRunLock(run, work);
  } catch (error) {
    forgetRun(run);
    throw error;
  }
}

/** Hooks of a phase on the command line: a bar on stderr, Ctrl-C, and the line that goes on. */
export async function withHooks<T>(goOn: string, work: (hooks: Hooks<unknown>) => Promise<T>): Promise<T> {
  const { signal, release } = stopSignal((line) => process.stderr.write(`\n${line}\n`));
  try {
    return await work({
      signal,
      goOn,
      progress: (phase, total, from) => progressLine({ phase, total, from }),
    });
  } finally {
    release();
  }
}
