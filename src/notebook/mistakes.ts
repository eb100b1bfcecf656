/** Where a segmentation is wrong, as a map to look at. */
import { fail } from '../engine/errors';

/** Kinds of mistakes, in the order of {@link errorMap}'s values. */
const KINDS = ['missed', 'too much', 'wrong class'] as const;

/** Names for a viewer that shows labels and {@link errorMap} in one: the classes, the background first, then the kinds of mistakes. */
export function withMistakes(classes: readonly string[]): string[] {
  return [...classes, ...KINDS];
}

/**
 * A voxel's mistake: 0 where prediction and truth agree, else `classes` where foreground is missed (FN), `classes` + 1 where background is
 * taken for foreground (FP), `classes` + 2 where one class is taken for another (FN of one, FP of the other).
 *
 * @param prediction classes, a voxel each
 * @param truth the same voxels; −1, outside the mask, is background
 * @param classes how many there are, the background included
 */
export function errorMap(
  prediction: ArrayLike<number>,
  truth: ArrayLike<number>,
  classes: number,
): Uint8Array {
  if (prediction.length !== truth.length) {
    fail({
      where: 'errorMap',
      expected: 'two maps of one shape',
      found: `${prediction.length} and ${truth.length} voxels`,
      next: 'compare on one grid',
    });
  }
  return Uint8Array.from(prediction, (p, i) => {
    const t = Math.max(0, truth[i]);
    if (p === t) return 0;
    return classes + (p === 0 ? 0 : t === 0 ? 1 : 2);
  });
}
