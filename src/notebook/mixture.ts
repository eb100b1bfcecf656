/** What an edge costs when it computes one, two or all operations: seconds and memory of a cell, measured in a process of its own. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Shape3 } from '../engine/model';
import { type TableFigure, tableFigure } from './figure';

/** The cell that is measured: the last decoder cell, at full resolution, where memory is decided. */
export interface MixtureOptions {
  /** Channels of the stem's output. */
  readonly stem: number;
  /** Patch [x, y, z], voxels. */
  readonly patch: Shape3;
  /** Numbers of operations computed on each edge, rising: the peak of a process never falls. */
  readonly counts: readonly number[];
}

/** A forward and backward pass with so many operations on each edge. */
export interface MixtureCost {
  readonly operations: number;
  /** Seconds, the fastest of three. */
  readonly seconds: number;
  /** Bytes by which the peak of the process's memory rose above where it stood before. */
  readonly bytes: number;
  /** Multiply-adds of the forward pass, as the cost table counts them. */
  readonly multiplyAdds: number;
}

/**
 * Measures the cell with each number of operations on its edges, one after the other.
 *
 * A process of its own: the peak of the notebook's kernel was set long before. Edge e computes operations e, e+1, …, so that each operation
 * is computed about equally often.
 */
export async function measureMixture(options: MixtureOptions): Promise<MixtureCost[]> {
  const files = [path.join(__dirname, '..', 'register.js'), path.join(__dirname, 'mixture-process.ts')];
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--require',
    ...files,
    JSON.stringify(options),
  ]);
  return JSON.parse(stdout.trim().split('\n').slice(-1)[0]) as MixtureCost[];
}

/** The measured costs as a table, each beside its multiple of the row with two operations. */
export function mixtureTable(costs: readonly MixtureCost[]): TableFigure {
  const two = costs.find((c) => c.operations === 2) ?? costs[0];
  const times = (of: (c: MixtureCost) => number) => (c: MixtureCost) => `${(of(c) / of(two)).toFixed(1)} ×`;
  const rows = costs.map((c) => [
    c.operations,
    `${(c.multiplyAdds / 1e6).toFixed(0)} M`,
    times((v) => v.multiplyAdds)(c),
    `${(1000 * c.seconds).toFixed(0)} ms`,
    times((v) => v.seconds)(c),
    `${(c.bytes / 2 ** 20).toFixed(0)} MiB`,
    times((v) => v.bytes)(c),
  ]);
  return tableFigure(
    ['operations an edge', 'multiply-adds', 'of two', 'measured time', 'of two', 'measured memory', 'of two'],
    rows,
    {
      title: 'One cell, forward and backward',
      caption: 'Time and memory were measured on this machine just now.',
    },
  );
}
