/**
 * Searching and training as loops that a cell can watch, interrupt and go on with: the state lives in a record made in an earlier cell,
 * and a loop that is started again goes on where the last one stopped. Batches depend on (seed, set, step) alone, as in a run.
 */
import { type BatchOptions, drawBatch } from '../data/patches';
import type { PreparedCase } from '../data/preprocess';
import { key } from '../engine/keys';
import type { Network } from '../engine/model';
import { tf } from '../engine/tf';
import {
  initialSearch,
  type SearchOptions,
  type SearchReport,
  type SearchState,
  searchStep,
} from '../paper/bilevel';
import type { Supernet } from '../paper/network';
import type { Readings } from '../paper/readings';
import {
  initialRetrain,
  isFinished,
  type RetrainOptions,
  type RetrainReport,
  type RetrainState,
  retrainStep,
} from '../paper/retrain';
import { toTensors } from '../run/phase';
import type { Live } from './display';
import type { Figure } from './figure';
import { breathe, interruptSignal } from './interrupt';

/** A search between two cells: `state` and `reports` grow as it goes. */
export interface SearchSession {
  readonly net: Supernet;
  readonly options: SearchOptions;
  readonly batch: BatchOptions;
  readonly seed: number;
  /** Cases that Θ and α learn from; they share none. */
  readonly sets: { readonly theta: readonly PreparedCase[]; readonly alpha: readonly PreparedCase[] };
  state: SearchState;
  readonly reports: SearchReport[];
}

/** A training between two cells. */
export interface TrainingSession {
  readonly net: Network;
  readonly options: RetrainOptions;
  readonly readings: Readings;
  readonly batch: BatchOptions;
  readonly seed: number;
  readonly cases: readonly PreparedCase[];
  state: RetrainState;
  readonly reports: RetrainReport[];
}

/** A search before its first step. */
export function newSearch(given: Omit<SearchSession, 'state' | 'reports'>): SearchSession {
  return { ...given, state: initialSearch(given.net, given.options, given.seed), reports: [] };
}

/** A training before its first step. */
export function newTraining(given: Omit<TrainingSession, 'state' | 'reports'>): TrainingSession {
  return { ...given, state: initialRetrain(given.net, given.options, given.seed), reports: [] };
}

/**
 * The steps of a search, one report each, from where the session stands to its end, or until someone interrupts.
 *
 * @param session is changed as the loop goes
 * @param signal stops the loop after its step; the notebook's interrupt unless told otherwise
 */
export async function* searching(
  session: SearchSession,
  signal: AbortSignal = interruptSignal(),
): AsyncGenerator<SearchReport> {
  const { net, options, seed, sets, batch } = session;
  while (session.state.step < options.steps && (await breathe(signal))) {
    const { step } = session.state;
    const theta = toTensors(drawBatch(sets.theta, batch, key(seed, 'batch', 'theta', step)));
    const alpha = toTensors(drawBatch(sets.alpha, batch, key(seed, 'batch', 'alpha', step)));
    const done = searchStep(net, options, seed, session.state, { theta, alpha });
    tf.dispose([theta.x, theta.y, alpha.x, alpha.y]);
    session.state = done.state;
    session.reports.push(done.report);
    yield done.report;
  }
}

/** The steps of a training, as {@link searching} does it. */
export async function* training(
  session: TrainingSession,
  signal: AbortSignal = interruptSignal(),
): AsyncGenerator<RetrainReport> {
  const { net, options, seed, cases, batch, readings } = session;
  while (!isFinished(options, session.state) && (await breathe(signal))) {
    const tensors = toTensors(drawBatch(cases, batch, key(seed, 'batch', 'retrain', session.state.step)));
    const done = retrainStep(net, options, session.state, tensors, readings);
    tf.dispose([tensors.x, tensors.y]);
    session.state = done.state;
    session.reports.push(done.report);
    yield done.report;
  }
}

/**
 * Runs a loop to its end, or until it is interrupted, and shows a figure of where it is.
 *
 * A function rather than `for await` in the cell: tslab 1.0.22 only makes a cell asynchronous for an `await` in front of an expression.
 */
export async function watch<Report>(
  steps: AsyncIterable<Report>,
  display: Live,
  figure: (report: Report) => Figure | string,
): Promise<void> {
  try {
    for await (const report of steps) display.update(() => figure(report));
  } finally {
    display.done();
  }
}
