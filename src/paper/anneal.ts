/**
 * τ-annealing (§2.2): "by annealing τ we can enforce Z̄ to be one-hot discrete variables Z during training". The paper gives no schedule, so it is
 * an argument; the default is GDAS's, linear from 10 to 0.1 over the epochs.
 */
import { fail } from '../engine/errors';

/** A schedule of τ, as plain JSON. */
export type Schedule =
  | { readonly kind: 'linear'; readonly from: number; readonly to: number }
  | { readonly kind: 'exponential'; readonly from: number; readonly rate: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'given'; readonly values: readonly number[] };

/** Schedules to compare; the first is the default. */
export const schedules: Readonly<Record<string, Schedule>> = {
  'linear 10 → 0.1': { kind: 'linear', from: 10, to: 0.1 },
  'constant 1': { kind: 'constant', value: 1 },
  '5 · 0.956^e': { kind: 'exponential', from: 5, rate: 0.956 },
  '2.5 · 0.97^e': { kind: 'exponential', from: 2.5, rate: 0.97 },
  'linear 1 → 0.33': { kind: 'linear', from: 1, to: 0.33 },
};

/**
 * The temperature of an epoch.
 *
 * $$\tau_e = \tau_0 + (\tau_1 - \tau_0)\, e/(E-1) \quad\text{or}\quad \tau_0\, r^e \quad\text{or a constant, or a list whose last value stays}$$
 * @param schedule how τ falls
 * @param epoch e, counted from 0
 * @param epochs E, epochs of the search
 * @throws ScnasError where τ would not be positive
 * Source: §2.2; reading: τ schedule, GDAS.
 */
export function temperature(schedule: Schedule, epoch: number, epochs: number): number {
  const tau = value(schedule, epoch, epochs);
  if (!(tau > 0 && Number.isFinite(tau))) {
    const where = `τ schedule ${JSON.stringify(schedule)}, epoch ${epoch}`;
    fail({ where, expected: 'a positive temperature', found: String(tau), next: 'change search.tau' });
  }
  return tau;
}

function value(schedule: Schedule, epoch: number, epochs: number): number {
  switch (schedule.kind) {
    case 'linear':
      return schedule.from + (schedule.to - schedule.from) * Math.min(1, epoch / Math.max(1, epochs - 1));
    case 'exponential':
      return schedule.from * schedule.rate ** epoch;
    case 'constant':
      return schedule.value;
    case 'given':
      return schedule.values[Math.min(epoch, schedule.values.length - 1)];
  }
}
