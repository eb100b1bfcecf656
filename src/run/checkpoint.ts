/**
 * Checkpoints: one safetensors file that carries its JSON in the metadata, so that tensors and numbers can never be of two different steps.
 */
import fs from 'node:fs';
import { fail } from '../engine/errors';
import { tf } from '../engine/tf';
import { writeWhole } from './files';
import { encodeSafeTensors, type Numbers, readSafeTensors } from './safetensors';

/** What a paused phase needs to go on: its step, tensors by name, and plain numbers (optimiser steps, plateau state). */
export interface Checkpoint {
  readonly step: number;
  readonly tensors: Readonly<Record<string, tf.Tensor>>;
  readonly numbers: unknown;
  /** Hash of the voxels that it learnt from. */
  readonly cases: string;
  /** Seconds of work until now, over all parts of a resumed run. */
  readonly seconds: number;
  /** Kernel set, threads, CPU: bits are equal only under equal ones. */
  readonly machine: Readonly<Record<string, string | number>>;
}

const FORMAT = 'scnas-checkpoint-1';

/** Writes a checkpoint beside the old one and renames it. Tensors stay the caller's. */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  const tensors: Record<string, Numbers> = {};
  for (const [name, tensor] of Object.entries(checkpoint.tensors))
    tensors[name] = { shape: tensor.shape, data: (await tensor.data()) as Numbers['data'] };
  const { step, cases, seconds, machine, numbers } = checkpoint;
  const metadata = {
    format: FORMAT,
    step: String(step),
    numbers: toJson(numbers),
    cases,
    seconds: String(seconds),
    machine: JSON.stringify(machine),
  };
  writeWhole(file, encodeSafeTensors({ tensors, metadata }));
}

/** Reads a checkpoint; the tensors are new and belong to the caller. */
export function readCheckpoint(file: string): Checkpoint {
  if (!fs.existsSync(file))
    fail({
      where: file,
      expected: 'a checkpoint',
      found: 'no such file',
      next: 'run the phase that writes it first',
    });
  const { tensors, metadata } = readSafeTensors(file);
  if (metadata.format !== FORMAT)
    fail({
      where: file,
      expected: `format ${FORMAT}`,
      found: metadata.format ?? 'none',
      next: 'this is not a checkpoint of this version',
    });
  return {
    step: Number(metadata.step),
    seconds: Number(metadata.seconds),
    machine: JSON.parse(metadata.machine),
    numbers: fromJson(metadata.numbers),
    cases: metadata.cases,
    tensors: Object.fromEntries(
      Object.entries(tensors).map(([name, { shape, data }]) => [name, toTensor(data, shape)]),
    ),
  };
}

function toTensor(data: Numbers['data'], shape: readonly number[]): tf.Tensor {
  return tf.tensor(data, shape as number[], data instanceof Float32Array ? 'float32' : 'int32');
}

/** A state's tensors by path, and the rest of it as JSON in which each tensor is named. */
export function pack(state: object): Pick<Checkpoint, 'tensors' | 'numbers'> {
  const tensors: Record<string, tf.Tensor> = {};
  const walk = (value: unknown, at: string): unknown => {
    if (value instanceof tf.Tensor) {
      tensors[at] = value;
      return { $tensor: at };
    }
    if (Array.isArray(value)) return value.map((v, i) => walk(v, `${at}/${i}`));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, v]) => [name, walk(v, at ? `${at}/${name}` : name)]),
    );
  };
  const numbers = walk(state, '');
  return { tensors, numbers };
}

/** The reverse of {@link pack}. */
export function unpack({ tensors, numbers }: Pick<Checkpoint, 'tensors' | 'numbers'>): unknown {
  const walk = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(walk);
    if ('$tensor' in value) return tensors[String(value.$tensor)];
    return Object.fromEntries(Object.entries(value).map(([name, v]) => [name, walk(v)]));
  };
  return walk(numbers);
}

/** Frees every tensor of a state. */
export function disposeState(state: object): void {
  tf.dispose(Object.values(pack(state).tensors));
}

/** JSON in which ±Infinity and NaN survive (a plateau's best loss begins at Infinity). */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, v) =>
    typeof v === 'number' && !Number.isFinite(v) ? { $number: String(v) } : v,
  );
}

/** The reverse of {@link toJson}. */
export function fromJson(text: string): unknown {
  return JSON.parse(text, (_, v) =>
    v !== null && typeof v === 'object' && '$number' in v ? Number(v.$number) : v,
  );
}
