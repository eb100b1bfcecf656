/** What a worker thread does with a case: plain data in, plain data out. */
import type { CachedCase } from '../data/cached-case';
import { type CaseLook, lookAtCase } from '../data/look';
import type { Dataset } from '../data/msd';
import type { Preprocessing } from '../data/preprocess';
import { cachedCase, cachedLook } from './cache';

/** Prepare a case into the cache. */
export interface PrepareJob {
  readonly kind: 'prepare';
  readonly dataset: Dataset;
  readonly id: string;
  readonly how: Preprocessing;
  readonly folder: string;
}

/** Look at a case: what is wrong with it, and its facts. */
export interface LookJob {
  readonly kind: 'look';
  readonly dataset: Dataset;
  readonly id: string;
  readonly folder: string;
}

export type CaseJob = PrepareJob | LookJob;

/** Prepares a case into the cache, if it is not there. */
export function prepareInto({ dataset, id, how, folder }: PrepareJob): CachedCase {
  return cachedCase(dataset, id, how, folder);
}

/** Looks at a case, or takes the look that was kept. */
export function look({ dataset, id, folder }: LookJob): CaseLook {
  return cachedLook(dataset, id, folder, () => lookAtCase(dataset, id));
}
