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
import type { Alpha } from '../paper/first-order';
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

/** A search between two cells: `state`, `reports` and `alphas` grow as it goes. */
export interface SearchSession {
  readonly net: Supernet;
  readonly options: SearchOptions;
  readonly batch: BatchOptions;
  readonly seed: number;
  /** Cases that Θ and α learn from; they share none. */
  readonly sets: { readonly theta: readonly PreparedCase[]; readonly alpha: readonly PreparedCase[] };
  state: SearchState;
  readonly reports: SearchReport[];
  /** α before the first step, and at the end of each epoch. */
  readonly alphas: Alpha[];
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
export function newSearch(given: Omit<SearchSession, 'state' | 'reports' | 'alphas'>): SearchSession {
  const state = initialSearch(given.net, given.options, given.seed);
  return { ...given, state, reports: [], alphas: [state.alpha] };
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
    if (done.state.step % options.stepsPerEpoch === 0) session.alphas.push(done.state.alpha);
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

/** What a loop shows at each of its steps, and where. */
export type View<Report> = readonly [Live, (report: Report) => Figure | string];

/**
 * Runs a loop to its end, or until it is interrupted, and shows a figure of where it is, or several.
 *
 * A function rather than `for await` in the cell: tslab 1.0.22 only makes a cell asynchronous for an `await` in front of an expression.
 * @param steps the loop
 * @param display where its figure goes
 * @param figure how it is made, only when it is shown
 * @param more further displays, each with its figure
 */
export async function watch<Report>(
  steps: AsyncIterable<Report>,
  display: Live,
  figure: (report: Report) => Figure | string,
  ...more: readonly View<Report>[]
): Promise<void> {
  const views: readonly View<Report>[] = [[display, figure], ...more];
  try {
    for await (const report of steps) for (const [at, make] of views) at.update(() => make(report));
  } finally {
    for (const [at] of views) at.done();
  }
}
