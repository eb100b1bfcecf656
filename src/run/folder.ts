/** A run folder: config.json, genotype.json, metrics.jsonl, cases.jsonl, checkpoint/, record.json. Nothing in it is ever overwritten by another run. */
import fs from 'node:fs';
import path from 'node:path';
import { cannotWrite, makeFolder } from '../data/room';
import { fail } from '../engine/errors';
import { type Genotype, parseGenotype } from '../paper/genotype';
import type { Operation } from '../paper/operations';
import { type Config, configChanges, parseConfig } from './config';
import { readJson, writeJson, writeWhole } from './files';
import { hashOf } from './hash';
import { checkRunPlan, type Plan, planFileOf } from './plan-file';
import { newRecord, parseRecord, type RunRecord } from './record';

/** An open run: its folder and its configuration. */
export interface RunFolder {
  readonly dir: string;
  readonly config: Config;
  /** True where this process made it. */
  readonly fresh?: boolean;
}

/** One line of metrics.jsonl. */
export interface Metric {
  readonly phase: string;
  readonly step: number;
  readonly [name: string]: unknown;
}

/** Where a phase's checkpoint lies. */
export function checkpointFile({ dir }: RunFolder, phase: string): string {
  return path.join(dir, 'checkpoint', `${phase}.safetensors`);
}

/** Begins a run in a folder that holds none; the plan that the configuration obeys lies beside it. */
export function createRun(dir: string, config: Config, plan?: Plan): RunFolder {
  if (fs.existsSync(path.join(dir, 'config.json')))
    fail({
      where: dir,
      expected: 'a folder without a run',
      found: 'config.json',
      next: 'add --resume to go on with it, or choose another --run',
    });
  makeFolder(path.join(dir, 'checkpoint'));
  writeJson(path.join(dir, 'record.json'), newRecord(config));
  if (plan) writeJson(planFileOf(dir), plan);
  writeJson(path.join(dir, 'config.json'), config);
  return { dir, config, fresh: true };
}

/** Takes back a run that this process made and that came to nothing: no line of metrics, no checkpoint. Its folder goes too if nothing else is in it. */
export function forgetRun({ dir, fresh }: RunFolder): void {
  if (!fresh) return;
  const checkpoint = path.join(dir, 'checkpoint');
  const begun = fs.existsSync(checkpoint) && fs.readdirSync(checkpoint).length > 0;
  const metrics = path.join(dir, 'metrics.jsonl');
  if (begun || (fs.existsSync(metrics) && fs.statSync(metrics).size > 0)) return;
  for (const name of ['config.json', 'plan.json', 'record.json', 'genotype.json', 'metrics.jsonl'])
    fs.rmSync(path.join(dir, name), { force: true });
  for (const folder of [checkpoint, dir])
    if (fs.existsSync(folder) && fs.readdirSync(folder).length === 0) fs.rmdirSync(folder);
}

/** Opens a run that is there. */
export function openRun(dir: string): RunFolder {
  const file = path.join(dir, 'config.json');
  const config = parseConfig(readJson(file, 'give the folder of a run with --run'), file);
  checkRunPlan(dir, config);
  return { dir, config };
}

/** Opens a run to go on with it; refuses, with every difference named, where what is asked for now is another run. */
export function resumeRun(dir: string, asked: Config): RunFolder {
  const run = openRun(dir);
  const changes = configChanges(run.config, asked);
  if (changes.length > 0)
    fail({
      where: dir,
      expected: 'the configuration, data and operations that the run began with',
      found: `\n  ${changes.join('\n  ')}\n`,
      next: 'resume without these changes, or begin a new run with another --run',
    });
  return {
    dir,
    config: { ...run.config, data: asked.data, checkpoint: asked.checkpoint, ahead: asked.ahead },
  };
}

/** The run of a configuration in a folder: begun there, or, where it lies there already, opened to go on. */
export function runAt(dir: string, config: Config, plan?: Plan): RunFolder {
  return fs.existsSync(path.join(dir, 'config.json')) ? resumeRun(dir, config) : createRun(dir, config, plan);
}

/** The run's record. */
export function readRecord({ dir }: Pick<RunFolder, 'dir'>): RunRecord {
  const file = path.join(dir, 'record.json');
  return parseRecord(readJson(file, 'begin the run again'), file);
}

/** Writes fields of the record. */
export function updateRecord(run: RunFolder, fields: Partial<RunRecord>): void {
  const old = readRecord(run);
  const merged = {
    ...old,
    ...fields,
    phases: { ...old.phases, ...fields.phases },
    facts: { ...old.facts, ...fields.facts },
  };
  writeJson(path.join(run.dir, 'record.json'), merged);
}

/** The run's genotype, or nothing where none is derived yet. */
export function readGenotype({ dir }: RunFolder, operations: readonly Operation[]): Genotype | undefined {
  const file = path.join(dir, 'genotype.json');
  if (!fs.existsSync(file)) return undefined;
  return parseGenotype(readJson(file, 'derive it again'), operations, file);
}

/** Writes genotype.json; refuses to replace a different one. */
export function writeGenotype(run: RunFolder, genotype: Genotype): void {
  const file = path.join(run.dir, 'genotype.json');
  if (fs.existsSync(file) && hashOf(cellsOf(readJson(file, 'remove it'))) !== hashOf(genotype.cells))
    fail({
      where: file,
      expected: 'the same genotype or none',
      found: 'another genotype',
      next: 'choose another --run',
    });
  writeJson(file, genotype);
  updateRecord(run, { genotypeHash: hashOf(genotype.cells) });
}

function cellsOf(json: unknown): unknown {
  return (json as { cells?: unknown } | null)?.cells;
}

/** Lines of a .jsonl file of the run; a last line that a kill cut short is left out. */
export function readLines<T>({ dir }: Pick<RunFolder, 'dir'>, name: string): T[] {
  const file = path.join(dir, name);
  if (!fs.existsSync(file)) return [];
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  const last = lines.pop();
  return [...lines, ...(last ? [last] : [])].flatMap((line, i) => {
    try {
      return [JSON.parse(line) as T];
    } catch {
      if (i < lines.length)
        fail({
          where: `${file}, line ${i + 1}`,
          expected: 'JSON',
          found: line.slice(0, 60),
          next: 'remove the line',
        });
      return [];
    }
  });
}

/** Values as the text of a .jsonl file. */
export function asLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

/** Appends one line in one write. */
export function appendLine({ dir }: RunFolder, name: string, value: unknown): void {
  const file = path.join(dir, name);
  try {
    fs.appendFileSync(file, asLines([value]));
  } catch (error) {
    cannotWrite(file, error);
  }
}

/** Takes back the metrics of steps that a resumed phase will do again. */
export function truncateMetrics(run: RunFolder, phase: string, step: number): void {
  const lines = readLines<Metric>(run, 'metrics.jsonl').filter(
    (line) => line.phase !== phase || line.step <= step,
  );
  writeWhole(path.join(run.dir, 'metrics.jsonl'), asLines(lines));
}
