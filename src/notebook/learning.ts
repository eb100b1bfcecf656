/** A training that is judged on the way: Dice on cases that it learns from, and on cases that it never sees. */
import type { PreparedCase } from '../data/preprocess';
import { meanDice, scoreCase } from '../evaluate/dice';
import type { RetrainReport } from '../paper/retrain';
import { running } from './charts';
import { labelsOf, segment } from './data';
import { type LinesFigure, lineFigure } from './figure';
import { interruptSignal } from './interrupt';
import { type TrainingSession, training } from './loops';
import { seriesColor } from './palette';

/** What was found on the way; grows as the training goes. */
export interface LearningCurve {
  /** Cases by name of the set. */
  readonly sets: Readonly<Record<string, readonly PreparedCase[]>>;
  /** Steps between two looks. */
  readonly every: number;
  /** Steps after which was looked. */
  readonly steps: number[];
  /** Mean Dice of each set then, 0 to 1. */
  readonly dice: Readonly<Record<string, number[]>>;
}

/** A curve without a point. */
export function newLearningCurve(
  sets: Readonly<Record<string, readonly PreparedCase[]>>,
  every: number,
): LearningCurve {
  const dice = Object.fromEntries(Object.keys(sets).map((name): [string, number[]] => [name, []]));
  return { sets, every, steps: [], dice };
}

/** Mean Dice over the classes and cases of a set. */
function diceOfSet({ net, state, batch }: TrainingSession, cases: readonly PreparedCase[]): number {
  const scores = cases.map((prepared) => {
    const found = segment(net, state.theta, prepared, batch.patch);
    return scoreCase(prepared.id, found, labelsOf(prepared), net.classes);
  });
  return meanDice(scores).mean;
}

/**
 * The steps of a training as {@link training} does them; every so many, and after the last, Dice joins the curve.
 *
 * @param session is changed as the loop goes
 * @param curve too
 */
export async function* judgedTraining(
  session: TrainingSession,
  curve: LearningCurve,
  signal: AbortSignal = interruptSignal(),
): AsyncGenerator<RetrainReport> {
  for await (const report of training(session, signal)) {
    if (report.step % curve.every === 0 || report.finished) {
      curve.steps.push(report.step);
      for (const [name, cases] of Object.entries(curve.sets))
        curve.dice[name].push(diceOfSet(session, cases));
    }
    yield report;
  }
}

/** The loss, smoothed, and Dice of each set in one picture: loss falls, Dice rises, and the gap between the sets is what does not generalise. */
export function learningFigure(session: TrainingSession, curve: LearningCurve, title: string): LinesFigure {
  const loss = 'loss on patches (running mean)';
  const names = Object.keys(curve.dice);
  const lines = names.map((name) => [`Dice, ${name}`, { x: curve.steps, y: curve.dice[name] }]);
  return lineFigure(
    { [loss]: running(session.reports.map((report) => report.loss)), ...Object.fromEntries(lines) },
    {
      title,
      caption:
        'Loss of the patches that are learnt from; Dice of whole volumes, mean over classes and cases.',
      yTitle: 'loss, Dice',
      colors: {
        [loss]: '#888888',
        ...Object.fromEntries(names.map((name, i) => [`Dice, ${name}`, seriesColor(i)])),
      },
    },
  );
}
