/** Cells that a run is given: whether they may stand under its method's name, and what their search was. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import type { Genotype } from '../paper/genotype';
import type { Config } from './config';
import { readRecord } from './folder';
import type { RunRecord } from './record';

/**
 * Refuses cells under a name that is not theirs: a transfer's come from another task (§3); SCNAS's own were searched on the task, on the training part
 * of the run's fold, since a search of another fold has seen the cases that this one scores.
 *
 * What a genotype does not say of its source is not asked.
 */
export function checkSource(
  { source }: Genotype,
  { method, task, fold }: Pick<Config, 'method' | 'task'> & Partial<Pick<Config, 'fold'>>,
  where: string,
): void {
  const known = typeof source.task === 'string';
  if (method === 'transfer' && source.task === task)
    fail({
      where,
      expected: `cells that were found on another task than ${task}`,
      found: `cells of ${String(source.task)}`,
      next: 'train them with scnas retrain --genotype, or choose another --task',
    });
  if (method !== 'scnas' || !known) return;
  if (source.task !== task)
    fail({
      where,
      expected: `cells that were searched on ${task}`,
      found: `cells of ${String(source.task)}`,
      next: 'train them with --method transfer',
    });
  if (typeof fold === 'number' && source.fold !== undefined && source.fold !== fold)
    fail({
      where,
      expected: `cells that were searched on the training part of fold ${fold}`,
      found: `cells of fold ${String(source.fold)}, whose search saw cases that this run is scored on`,
      next: `search on fold ${fold}, or train on fold ${String(source.fold)}`,
    });
}

/** What stands of a search beside its genotype: seconds, and what its record tells of α. Nothing where there is no record. */
export function searchBeside(file: string): RunRecord['facts'] {
  const dir = path.dirname(file);
  if (!fs.existsSync(path.join(dir, 'record.json'))) return {};
  const { phases, facts } = readRecord({ dir });
  if (!phases.search) return {};
  const { entropyAlpha, margins } = facts;
  return { givenSearch: phases.search, entropyAlpha, margins };
}
