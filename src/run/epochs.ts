/** Metrics by epoch: a line of metrics.jsonl an epoch instead of a step, for records of many runs. */
import type { Metric } from './folder';

/** A line for an epoch: means over its steps; `step` is its last one. */
export interface EpochMetric extends Metric {
  readonly epoch: number;
  /** Steps behind the means. */
  readonly steps: number;
}

const DIGITS = 5;

/**
 * Means over each epoch of each phase, with five significant digits. Lines that are by epoch already come out as they are.
 *
 * Rule: a number is the mean over the steps that have it; anything else is left out.
 */
export function byEpoch(lines: readonly Metric[]): EpochMetric[] {
  const groups = new Map<string, Metric[]>();
  for (const line of lines) {
    const name = `${line.phase} ${line.epoch}`;
    groups.set(name, [...(groups.get(name) ?? []), line]);
  }
  return [...groups.values()].map(meanOf);
}

function meanOf(lines: readonly Metric[]): EpochMetric {
  const steps = (line: Metric) => (typeof line.steps === 'number' ? line.steps : 1);
  const { phase, epoch } = lines[0];
  const names = Object.keys(lines[0]).filter((name) => !['phase', 'epoch', 'step', 'steps'].includes(name));
  const means = names.flatMap((name): [string, number][] => {
    const own = lines.filter((line) => Number.isFinite(line[name]));
    const weight = own.reduce((sum, line) => sum + steps(line), 0);
    const total = own.reduce((sum, line) => sum + steps(line) * Number(line[name]), 0);
    return weight > 0 ? [[name, Number((total / weight).toPrecision(DIGITS))]] : [];
  });
  return {
    phase,
    epoch: Number(epoch),
    step: lines[lines.length - 1].step,
    steps: lines.reduce((sum, line) => sum + steps(line), 0),
    ...Object.fromEntries(means),
  };
}
