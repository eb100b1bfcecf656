/** Numbers out of samples, and the bounds of a machine. */

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, least and greatest of a side's seconds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  least: Math.min(...values),
  greatest: Math.max(...values),
});

/** ‖a − b‖ / ‖b‖. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

/** What the machine can do at most, measured. */
export interface Peak {
  /** Float32 multiply-adds in registers on all threads, two operations each, 10⁹/s. */
  readonly gflops: number;
  /** Bytes read and written by copies of large arrays on all threads, 10⁹/s. */
  readonly copyGBs: number;
}

/** What a step has to do. */
export interface Work {
  /** Floating-point operations: two for each multiply-add. */
  readonly flops: number;
  readonly bytes: number;
}

/**
 * The work of a step from that of a forward pass.
 *
 * Operations: 2 × multiply-adds; a backward pass to all weights counts as two forward passes, one to ẑ only (input gradients) as one.
 * Bytes, in a step that holds nothing in caches: each kept activation is written once and read once in the forward pass; the backward pass reads it
 * again, and writes and reads a gradient of its size. Parameters are read once; Adam reads and writes them, their gradients and both moments (eight
 * times their size).
 */
export function workOf(
  kind: 'search' | 'retrain' | 'inference',
  forward: {
    readonly multiplyAdds: number;
    readonly activationBytes: number;
    readonly parameterBytes: number;
  },
): Work {
  const { multiplyAdds, activationBytes, parameterBytes } = forward;
  const passes = { search: 5, retrain: 3, inference: 1 }[kind];
  const touches = { search: 10, retrain: 5, inference: 2 }[kind];
  const parameters = { search: 12, retrain: 10, inference: 1 }[kind];
  return {
    flops: 2 * multiplyAdds * passes,
    bytes: touches * activationBytes + parameters * parameterBytes,
  };
}

/** The least seconds that a machine of this peak could take for the work: what binds it, arithmetic or memory. */
export function bound(
  work: Work,
  peak: Peak,
): { readonly seconds: number; readonly by: 'arithmetic' | 'memory' } {
  const arithmetic = work.flops / (peak.gflops * 1e9);
  const memory = work.bytes / (peak.copyGBs * 1e9);
  return { seconds: Math.max(arithmetic, memory), by: arithmetic > memory ? 'arithmetic' : 'memory' };
}
