/** The search of a run: its supernet, its two sets, its steps; and the genotype that follows. */
import type { Dataset } from '../data/msd';
import { fail } from '../engine/errors';
import { key } from '../engine/keys';
import { initialSearch, type SearchReport, type SearchState, searchStep } from '../paper/bilevel';
import { type Derived, derive } from '../paper/derive';
import { supernet } from '../paper/network';
import type { Operation } from '../paper/operations';
import { epochLength } from '../paper/plateau';
import { type CasesHooks, runCases, searchSets } from './cases';
import { disposeState, readCheckpoint, unpack } from './checkpoint';
import {
  checkpointFile,
  type Metric,
  type RunFolder,
  readLines,
  updateRecord,
  writeGenotype,
} from './folder';
import { type Hooks, type Phase, runPhase } from './phase';
import { batchOptions } from './prefetch';

/** The search as a phase, with its cases prepared. */
export async function searchPhase(
  run: RunFolder,
  dataset: Dataset,
  operations: readonly Operation[],
  hooks: CasesHooks = {},
): Promise<Phase<SearchState, SearchReport>> {
  const { config } = run;
  const { search, seed, readings, inputs, classes } = config;
  const net = supernet({
    inputs,
    classes: classes.length,
    stem: search.stem,
    operations,
    readings,
    recompute: search.recompute,
  });
  const ids = searchSets(config, dataset);
  const stepsPerEpoch = epochLength(search.stepsPerEpoch, ids.theta.length, search.batch, readings.epoch);
  const options = { ...search, stepsPerEpoch };
  const cases = await runCases(config, dataset, [...ids.theta, ...ids.alpha], hooks);
  return {
    name: 'search',
    total: search.steps,
    sets: { theta: cases.slice(0, ids.theta.length), alpha: cases.slice(ids.theta.length) },
    batch: batchOptions(config, 'search'),
    draws: (step) =>
      (['theta', 'alpha'] as const).map((set) => ({ set, key: key(seed, 'batch', set, step) })),
    initial: () => initialSearch(net, options, seed),
    step: (state, [theta, alpha]) => searchStep(net, options, seed, state, { theta, alpha }),
    finished: (state) => state.step >= search.steps,
    shown: ({ lossTheta, tau, entropyAlpha }) => ({ loss: lossTheta, τ: tau, 'entropy of α': entropyAlpha }),
  };
}

/** Searches until the end, from the checkpoint if there is one. */
export async function runSearch(
  run: RunFolder,
  dataset: Dataset,
  operations: readonly Operation[],
  hooks: Hooks<SearchReport> = {},
): Promise<void> {
  disposeState(await runPhase(run, await searchPhase(run, dataset, operations, hooks), hooks));
}

/** Derives the genotype of a finished search and writes genotype.json. */
export function runDerive(run: RunFolder, operations: readonly Operation[]): Derived {
  const { config } = run;
  const saved = readCheckpoint(checkpointFile(run, 'search'));
  const { step, alpha } = unpack(saved) as SearchState;
  disposeState(saved.tensors);
  if (step < config.search.steps)
    fail({
      where: run.dir,
      expected: `a search of ${config.search.steps} steps`,
      found: `one stopped at step ${step}`,
      next: `go on with scnas search --run ${run.dir} --resume`,
    });
  const source = {
    task: config.task,
    config: config.name,
    fold: config.fold,
    seed: config.seed,
    steps: step,
  };
  const derived = derive(alpha, operations, config.readings, source);
  writeGenotype(run, derived.genotype);
  const entropies = readLines<Metric>(run, 'metrics.jsonl')
    .filter(({ phase }) => phase === 'search')
    .map((line) => line.entropyAlpha);
  updateRecord(run, {
    facts: {
      entropyAlpha: { start: entropies[0], end: entropies[entropies.length - 1] },
      margins: derived.margins,
      warnings: derived.warnings,
    },
  });
  return derived;
}
