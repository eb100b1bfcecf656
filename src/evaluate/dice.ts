/** Dice = 2TP / (2TP + FP + FN), by case and class. */
import { fail } from '../engine/errors';

/** The Dice of one case: `dice[label]`, foreground classes only; `dice[0]` is NaN, since the background is not scored. */
export interface CaseScore {
  readonly id: string;
  readonly dice: readonly number[];
}

/**
 * Dice of one label: 2TP / (2TP + FP + FN); NaN where it is in neither map.
 *
 * `truth` may hold −1 (outside the nonzero mask), which is background. Source: nnU-Net v1's evaluator.
 */
export function dice(prediction: ArrayLike<number>, truth: ArrayLike<number>, label: number): number {
  if (prediction.length !== truth.length) {
    fail({
      where: 'Dice',
      expected: 'two maps of one shape',
      found: `${prediction.length} and ${truth.length} voxels`,
      next: 'compare in the shape of the volume on disk',
    });
  }
  let both = 0;
  let either = 0;
  for (let i = 0; i < prediction.length; i++) {
    const p = prediction[i] === label;
    const t = truth[i] === label || (label === 0 && truth[i] < 0);
    if (p && t) both++;
    either += Number(p) + Number(t);
  }
  return either === 0 ? Number.NaN : (2 * both) / either;
}

/** Dice of each foreground class of a case. `classes` counts the background. */
export function scoreCase(
  id: string,
  prediction: ArrayLike<number>,
  truth: ArrayLike<number>,
  classes: number,
): CaseScore {
  return {
    id,
    dice: Array.from({ length: classes }, (_, label) =>
      label === 0 ? Number.NaN : dice(prediction, truth, label),
    ),
  };
}

/**
 * The mean over cases for each class, leaving NaN out, and the mean of these over the foreground classes that any case has.
 *
 * `perClass[0]` is NaN. Source: MIC-DKFZ/nnUNet#72 (a case mean).
 */
export function meanDice(rows: readonly CaseScore[]): {
  readonly perClass: readonly number[];
  readonly mean: number;
} {
  const classes = Math.max(0, ...rows.map((row) => row.dice.length));
  const perClass = Array.from({ length: classes }, (_, label) =>
    meanOfNumbers(rows.map((row) => row.dice[label])),
  );
  return { perClass, mean: meanOfNumbers(perClass.slice(1)) };
}

function meanOfNumbers(values: readonly number[]): number {
  const numbers = values.filter((value) => !Number.isNaN(value));
  return numbers.length === 0 ? Number.NaN : numbers.reduce((a, b) => a + b, 0) / numbers.length;
}
