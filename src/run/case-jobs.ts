/** What a worker thread does with a case. */
import type { CachedCase } from '../data/cached-case';
import type { Dataset } from '../data/msd';
import type { Preprocessing } from '../data/preprocess';
import { cachedCase } from './cache';

/** Prepare a case into the cache. */
export interface PrepareJob {
  readonly kind: 'prepare';
  readonly dataset: Dataset;
  readonly id: string;
  readonly how: Preprocessing;
  readonly folder: string;
}

export type CaseJob = PrepareJob;

/** Does one job. */
export function workOnCase(job: CaseJob): CachedCase {
  return cachedCase(job.dataset, job.id, job.how, job.folder);
}
