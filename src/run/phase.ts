/**
 * A loop over steps that can be stopped, killed and resumed: batches by keys, a line of metrics a step, a checkpoint now and then.
 * What a step does is the phase's own pure function.
 */
import fs from 'node:fs';
import type { CachedCase } from '../data/cached-case';
import type { Batch, BatchOptions } from '../data/patches';
import { fail, ScnasError } from '../engine/errors';
import { tf } from '../engine/tf';
import type { BatchTensors } from '../paper/first-order';
import { disposeState, pack, readCheckpoint, unpack, writeCheckpoint } from './checkpoint';
import { appendLine, checkpointFile, type RunFolder, truncateMetrics, updateRecord } from './folder';
import { hashOf } from './hash';
import { machine } from './machine';
import { batchStream, type Draw } from './prefetch';
import type { Progress } from './progress';
import { Interrupted } from './stop';

/** One phase of a run: how it begins, what a step needs and does, when it is over. */
export interface Phase<State extends { readonly step: number }, Report extends { readonly step: number }> {
  readonly name: string;
  readonly total: number;
  readonly sets: Readonly<Record<string, readonly CachedCase[]>>;
  readonly batch: BatchOptions;
  /** The batches of a step, by keys. */
  draws(step: number): readonly Draw[];
  initial(): State;
  /** Consumes the old state; the batches stay the caller's. */
  step(state: State, batches: readonly BatchTensors[]): { readonly state: State; readonly report: Report };
  finished(state: State): boolean;
  /** What the progress line shows. */
  shown(report: Report): Readonly<Record<string, number>>;
}

/** What a phase tells while it runs, and how it is stopped. */
export interface Hooks<Report> {
  readonly signal?: AbortSignal;
  /** The bar of a phase that begins at a step. */
  readonly progress?: (phase: string, total: number, from: number) => Progress;
  readonly onStep?: (report: Report) => void;
  /** How a stopped phase goes on, for its last line. */
  readonly goOn?: string;
}

/** Runs a phase from its checkpoint, or from its beginning, to its end. The state's tensors are the caller's. */
export async function runPhase<
  State extends { readonly step: number },
  Report extends { readonly step: number },
>(
  run: RunFolder,
  phase: Phase<State, Report>,
  { signal, progress, onStep, goOn = 'run it again with --resume' }: Hooks<Report> = {},
): Promise<State> {
  const file = checkpointFile(run, phase.name);
  const saved = fs.existsSync(file) ? readCheckpoint(file) : undefined;
  let state = saved ? (unpack(saved) as State) : phase.initial();
  const cases = hashCases(phase.sets);
  if (saved && saved.cases !== cases)
    fail({
      where: run.config.data,
      expected: 'the volumes that the run began with',
      found: 'files of the same names and sizes with other voxels',
      next: 'restore them, or begin a new run',
    });
  const record = (seconds: number) =>
    updateRecord(run, {
      phases: { [phase.name]: { steps: state.step, seconds: Math.round(seconds * 10) / 10 } },
    });
  if (phase.finished(state)) {
    record(saved?.seconds ?? 0);
    return state;
  }
  truncateMetrics(run, phase.name, state.step);
  const bar = progress?.(phase.name, phase.total, state.step);
  if (saved) warnOfMachine(saved.machine, (line) => bar?.say(line));
  const before = saved?.seconds ?? 0;
  const began = performance.now();
  const seconds = () => before + (performance.now() - began) / 1000;
  let kept = state.step;
  let keptAt = performance.now();
  const keep = async () => {
    await writeCheckpoint(file, {
      step: state.step,
      ...pack(state),
      cases,
      seconds: seconds(),
      machine: { ...machine() },
    });
    kept = state.step;
    keptAt = performance.now();
  };
  const { checkpoint, ahead } = run.config;
  const stream = batchStream({
    sets: phase.sets,
    options: phase.batch,
    drawsOf: (step) => phase.draws(step),
    from: state.step,
    to: phase.total,
    ahead,
  });
  try {
    while (!phase.finished(state)) {
      const batches = (await stream.next()).map(toTensors);
      const done = phase.step(state, batches);
      for (const { x, y } of batches) tf.dispose([x, y]);
      state = done.state;
      appendLine(run, 'metrics.jsonl', { phase: phase.name, ...done.report });
      bar?.update(state.step, phase.shown(done.report));
      onStep?.(done.report);
      // Signals and timers get their turn.
      await new Promise((resolve) => setImmediate(resolve));
      const due =
        state.step - kept >= checkpoint.steps || performance.now() - keptAt >= checkpoint.seconds * 1000;
      if (due || signal?.aborted || phase.finished(state)) await keep();
      if (signal?.aborted && !phase.finished(state))
        throw new Interrupted(
          `${phase.name} stopped after step ${state.step} of ${phase.total}, its checkpoint is written; to go on: ${goOn}`,
        );
    }
  } catch (error) {
    disposeState(state);
    if (!(error instanceof ScnasError)) throw error;
    throw kept === 0
      ? error
      : new ScnasError(`${error.message} (${run.dir} keeps the checkpoint of step ${kept})`);
  } finally {
    bar?.done();
    await stream.close();
  }
  record(seconds());
  return state;
}

/** A hash of the prepared voxels of all cases, set by set. */
function hashCases(sets: Readonly<Record<string, readonly CachedCase[]>>): string {
  return hashOf(Object.entries(sets).map(([name, cases]) => [name, ...cases.map((c) => [c.id, c.hash])]));
}

/** A batch on the device. */
export function toTensors({ image, label, shape, channels }: Batch): BatchTensors {
  return {
    x: tf.tensor5d(image, [...shape, channels]),
    y: tf.tensor4d(Int32Array.from(label), [...shape], 'int32'),
  };
}

/** Equal bits need equal kernels, threads and processor: says so where a checkpoint was made under others. */
function warnOfMachine(before: Readonly<Record<string, string | number>>, say: (line: string) => void): void {
  const now: Readonly<Record<string, string | number>> = { ...machine() };
  const changed = Object.keys(now).filter((name) => before[name] !== now[name]);
  if (changed.length > 0)
    say(
      `the checkpoint was written under ${changed.map((n) => `${n} ${before[n]}, now ${now[n]}`).join('; ')}: last bits may differ`,
    );
}
