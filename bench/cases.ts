/** What is compared: three kinds of step on three networks. */
import { fail } from '../src/engine/errors';
import type { Setting } from './export';

/** Search: a Θ update and an α update. Retrain: a training step of a random genotype. Inference: its forward pass. */
export type Kind = 'search' | 'retrain' | 'inference';

/** One row of the table. */
export interface Case {
  /** As `--only` takes it. */
  readonly name: string;
  readonly kind: Kind;
  readonly setting: Setting;
}

/** Name of the part that times single kernels. */
export const KERNELS = 'kernels';

const kinds: readonly Kind[] = ['search', 'retrain', 'inference'];

const sizes: readonly Omit<Setting, 'phase'>[] = [
  { stem: 16, batch: 2, patch: [40, 56, 40], inputs: 1, classes: 3 },
  { stem: 24, batch: 1, patch: [64, 64, 64], inputs: 2, classes: 4 },
  { stem: 48, batch: 1, patch: [64, 64, 64], inputs: 2, classes: 4 },
];

/** A kind of step on a network of a size. */
export const caseOf = (kind: Kind, size: Omit<Setting, 'phase'>): Case => ({
  name: `${kind}${size.stem}`,
  kind,
  setting: { ...size, phase: kind === 'search' ? 'search' : 'derived' },
});

/** All cases, the small network first. */
export const cases: readonly Case[] = sizes.flatMap((size) => kinds.map((kind) => caseOf(kind, size)));

/** The parts that `--only` names, in the order of the table; all without it. */
export function chosen(only?: string): { readonly cases: readonly Case[]; readonly kernels: boolean } {
  if (only === undefined) return { cases, kernels: true };
  const names = only.split(',').map((name) => name.trim());
  const known = [...cases.map(({ name }) => name), KERNELS];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    fail({
      where: '--only',
      expected: `some of ${known.join(',')}`,
      found: `"${unknown}"`,
      next: 'correct it',
    });
  return { cases: cases.filter(({ name }) => names.includes(name)), kernels: names.includes(KERNELS) };
}

/** A setting in words. */
export const inWords = ({ stem, batch, patch, inputs, classes }: Setting): string =>
  `stem ${stem}, ${batch} × ${patch.join('×')}, ${inputs} channel${inputs > 1 ? 's' : ''}, ${classes} classes`;
