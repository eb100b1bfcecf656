/** A small copy of a finished run for results/: what it was, what it reached, case by case; no weights, no paths, no host names. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import { byEpoch } from './epochs';
import { writeJson, writeWhole } from './files';
import { asLines, type Metric, openRun, readLines, readRecord } from './folder';

/** What is copied as it stands, where it is there. */
const copied = [
  'genotype.json',
  'plan.json',
  'cases.jsonl',
  'cases-before.jsonl',
  'metrics.jsonl',
  'record.json',
] as const;

/**
 * Writes the copy of an evaluated run; the data folder's place in config.json becomes the variable that names it.
 *
 * @param metrics a line of metrics.jsonl for each step, or the means of each epoch
 */
export function publish(dir: string, out: string, metrics: 'steps' | 'epochs' = 'steps'): readonly string[] {
  const run = openRun(dir);
  if (readRecord(run).dice === null) {
    fail({ where: dir, expected: 'an evaluated run', found: 'no Dice', next: `scnas evaluate --run ${dir}` });
  }
  if (fs.existsSync(path.join(out, 'record.json'))) {
    fail({ where: out, expected: 'no record there', found: 'one', next: 'choose another --out' });
  }
  const names = copied.filter((name) => fs.existsSync(path.join(dir, name)));
  for (const name of names) writeWhole(path.join(out, name), fs.readFileSync(path.join(dir, name)));
  if (metrics === 'epochs')
    writeWhole(path.join(out, 'metrics.jsonl'), asLines(byEpoch(readLines<Metric>(run, 'metrics.jsonl'))));
  const { operationsFile } = run.config;
  const own = operationsFile === null ? null : path.basename(operationsFile);
  writeJson(path.join(out, 'config.json'), { ...run.config, data: '$SCNAS_DATA', operationsFile: own });
  return [...names, 'config.json'];
}
