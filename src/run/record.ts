/** record.json: what a run was and what it reached, without paths or host names, so that a copy may be published under results/. */
import { fail } from '../engine/errors';
import type { Config } from './config';
import { withoutLateDefaults } from './config-older';
import { hashOf } from './hash';
import { commit, machine } from './machine';
import type { Options } from './options';

/** Seconds and steps of a phase that is done or under way. */
export interface PhaseRecord {
  readonly steps: number;
  readonly seconds: number;
}

export interface RunRecord {
  readonly schema: 'scnas-record-1';
  readonly task: string;
  readonly dataHash: string;
  readonly method: string;
  readonly configHash: string;
  readonly genotypeHash: string | null;
  readonly fold: number | 'all';
  /** True where the validation cases are a part of the fold's training cases: a run that choices are made by. */
  readonly inner?: boolean;
  readonly seed: number;
  readonly phases: Readonly<Record<string, PhaseRecord>>;
  readonly kernels: string;
  readonly threads: number;
  readonly cpu: string;
  readonly node: string;
  readonly commit: string;
  /** Mean Dice by class name over the validation cases, and their mean; null before evaluation. */
  readonly dice: Readonly<Record<string, number | null>> | null;
  readonly cases: number;
  /** Numbers of the phases worth keeping: entropy of α at start and end, margins, multiply-adds, parameters. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The record of a run that has not begun. */
export function newRecord(config: Config): RunRecord {
  return {
    schema: 'scnas-record-1',
    task: config.task,
    dataHash: config.dataHash,
    method: config.method,
    configHash: configHash(config),
    genotypeHash: null,
    fold: config.fold,
    ...(config.inner ? { inner: true } : {}),
    seed: config.seed,
    phases: {},
    ...machine(),
    commit: commit(),
    dice: null,
    cases: 0,
    facts: {},
  };
}

/** A hash of all that moves a run's numbers. */
export function configHash({
  data: _,
  plan: ______,
  checkpoint: __,
  ahead: ___,
  operationsFile: ____,
  name: _____,
  ...moves
}: Config): string {
  return hashOf(withoutLateDefaults(moves as unknown as Options));
}

const kinds: Readonly<Record<keyof RunRecord, (v: unknown) => boolean>> = {
  schema: (v) => v === 'scnas-record-1',
  task: isText,
  dataHash: isText,
  method: isText,
  configHash: isText,
  genotypeHash: (v) => v === null || isText(v),
  fold: (v) => v === 'all' || isWhole(v),
  inner: (v) => v === undefined || v === true,
  seed: isWhole,
  phases: (v) =>
    isObject(v) &&
    Object.values(v).every((p) => isObject(p) && isWhole(p.steps) && typeof p.seconds === 'number'),
  kernels: isText,
  threads: isWhole,
  cpu: isText,
  node: isText,
  commit: isText,
  dice: (v) =>
    v === null ||
    (isObject(v) && Object.values(v).every((d) => d === null || (typeof d === 'number' && d >= 0 && d <= 1))),
  cases: isWhole,
  facts: isObject,
};

/** Checks a record read from a file: every field, its kind, and no field besides. */
export function parseRecord(json: unknown, where: string): RunRecord {
  if (!isObject(json))
    return fail({ where, expected: 'a run record', found: String(json), next: 'write it again' });
  for (const [name, right] of Object.entries(kinds))
    if (!right(json[name]))
      fail({
        where,
        expected: `a valid ${name}`,
        found: JSON.stringify(json[name]) ?? 'nothing',
        next: 'write the record again',
      });
  const unknown = Object.keys(json).find((name) => !(name in kinds));
  if (unknown) fail({ where, expected: 'only known fields', found: unknown, next: 'remove it' });
  return json as unknown as RunRecord;
}

function isText(v: unknown): v is string {
  return typeof v === 'string' && v.length > 0;
}

function isWhole(v: unknown): v is number {
  return Number.isSafeInteger(v) && (v as number) >= 0;
}

function isObject(v: unknown): v is Record<string, unknown> {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}
