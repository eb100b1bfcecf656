/** Which cases train and which validate: nnU-Net's folds, and the search's own split of a training part. */
import { fail } from '../engine/errors';
import { type Key, uniform } from '../engine/keys';
import { numpyShuffle } from './mt19937';

export interface Fold {
  readonly train: readonly string[];
  readonly validation: readonly string[];
}

/**
 * nnU-Net's folds: scikit-learn's KFold(count, shuffle=True, random_state=seed) over the ids sorted as strings.
 *
 * Fold f validates on the next ⌊n/count⌋ (+1 while f < n mod count) entries of the shuffled list; both lists come sorted.
 * Errors: a ScnasError where there are fewer cases than folds, or an id twice.
 */
export function folds(ids: readonly string[], count = 5, seed = 12345): readonly Fold[] {
  const sorted = sortedOnce(ids);
  if (count < 2 || sorted.length < count) {
    fail({
      where: 'folds',
      expected: `at least ${Math.max(2, count)} cases for ${count} folds, and two folds or more`,
      found: `${sorted.length} cases`,
      next: 'add cases, ask for fewer folds, or train on every case with --fold all',
    });
  }
  const order = numpyShuffle(sorted.length, seed);
  const size = Math.floor(sorted.length / count);
  const larger = sorted.length % count;
  return Array.from({ length: count }, (_, f) => {
    const start = f * size + Math.min(f, larger);
    const chosen = new Set(order.slice(start, start + size + (f < larger ? 1 : 0)));
    return {
      train: sorted.filter((_, i) => !chosen.has(i)),
      validation: sorted.filter((_, i) => chosen.has(i)),
    };
  });
}

/**
 * The search's split of its training cases, 4:1: Θ learns on the first list, α on the second (paper, "Search").
 *
 * Drawn by the key; α gets round(n/5), at least one. Errors: a ScnasError for fewer than two cases.
 */
export function innerSplit(
  ids: readonly string[],
  k: Key,
): { readonly theta: readonly string[]; readonly alpha: readonly string[] } {
  const sorted = sortedOnce(ids);
  if (sorted.length < 2) {
    fail({
      where: 'the split 4:1 of the search',
      expected: 'at least two training cases',
      found: String(sorted.length),
      next: 'add cases',
    });
  }
  const draws = uniform(k, sorted.length);
  const order = sorted.map((_, i) => i).sort((a, b) => draws[a] - draws[b] || a - b);
  const chosen = new Set(order.slice(0, Math.max(1, Math.round(sorted.length / 5))));
  return { theta: sorted.filter((_, i) => !chosen.has(i)), alpha: sorted.filter((_, i) => chosen.has(i)) };
}

function sortedOnce(ids: readonly string[]): string[] {
  const sorted = [...ids].sort();
  const twice = sorted.find((id, i) => i > 0 && sorted[i - 1] === id);
  if (twice !== undefined) {
    fail({
      where: 'the list of cases',
      expected: 'each id once',
      found: `${twice} twice`,
      next: 'rename one of them',
    });
  }
  return sorted;
}
