/** What an edge costs when it computes one, two or all operations: by the cost table, and measured in a process of its own. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Shape3 } from '../engine/model';
import { cell, type EdgeChoice } from '../paper/cell';
import { type TotalCost, totalCost } from '../paper/cost';
import { edgesOf } from '../paper/genotype';
import { type CellPlan, cellPlans } from '../paper/layout';
import { operations } from '../paper/operations';
import { defaultReadings } from '../paper/readings';
import { type TableFigure, tableFigure } from './figure';

/** What is computed, and on what. */
export interface MixtureOptions {
  /** Channels of the stem's output. */
  readonly stem: number;
  /** Patch [x, y, z], voxels. */
  readonly patch: Shape3;
  /** Numbers of operations computed on each edge, rising: the peak of a process never falls. */
  readonly counts: readonly number[];
}

/** A forward and backward pass of one cell with so many operations on each edge. */
export interface MixtureCost {
  readonly operations: number;
  /** As the cost table counts it. */
  readonly cost: TotalCost;
  /** Seconds, the fastest of a few. */
  readonly seconds: number;
  /** Bytes by which the peak of the process's memory rose above where it stood before. */
  readonly bytes: number;
}

/** `count` operations on every edge, o = e, e+1, … on edge e, so that each is computed about equally often; each with its own place in ẑ. */
export const mixtureChoices = (count: number): EdgeChoice[] =>
  edgesOf(4).map((_, e) => ({
    operations: Array.from({ length: count }, (_, k) => (e + k) % operations.length),
    places: Array.from({ length: count }, (_, k) => e * count + k),
  }));

/** A cell of the search's network. */
export const searchCell = (plan: CellPlan) =>
  cell(plan, { operations, readings: defaultReadings, phase: 'search' });

/** What all twelve cells cost for one sample, for each number of operations on an edge, by the cost table. */
export function mixtureCosts({ stem, patch, counts }: MixtureOptions): TotalCost[] {
  const cells = cellPlans(stem, 4, defaultReadings).map(searchCell);
  const shape = (level: number) => patch.map((s) => Math.ceil(s / 2 ** level)) as unknown as Shape3;
  return counts.map((count) =>
    totalCost(cells.flatMap((c) => c.cost(mixtureChoices(count), shape(c.plan.level)))),
  );
}

/**
 * Measures the last decoder cell, at full resolution, with each number of operations on its edges, one after the other.
 *
 * In a process of its own: the peak of the notebook's kernel was set long before.
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

/** The measured costs as a table; in parentheses multiples of the row with two operations. */
export function mixtureTable(costs: readonly MixtureCost[]): TableFigure {
  const two = costs.find((c) => c.operations === 2) ?? costs[0];
  const column = (of: (c: MixtureCost) => number, unit: number, name: string) => (c: MixtureCost) =>
    `${(of(c) / unit).toFixed(0)} ${name} (${(of(c) / of(two)).toFixed(1)} ×)`;
  const columns = [
    column((c) => c.cost.flops, 1e6, 'M'),
    column((c) => c.cost.activationBytes, 2 ** 20, 'MiB'),
    column((c) => c.seconds, 1e-3, 'ms'),
    column((c) => c.bytes, 2 ** 20, 'MiB'),
  ];
  return tableFigure(
    ['operations an edge', 'multiply-adds', 'maps kept', 'measured time', 'measured memory'],
    costs.map((c) => [c.operations, ...columns.map((of) => of(c))]),
    {
      title: 'One cell, forward and backward',
      caption:
        'Multiply-adds and maps kept by the cost table; time and memory as measured on this machine just now.',
    },
  );
}
