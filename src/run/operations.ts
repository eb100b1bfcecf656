/** The table of candidate operations that a run uses: the paper's eight, or a file of one's own. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import { outputShape, trialSite } from '../paper/operation-checks';
import { type Operation, operations as paperOperations } from '../paper/operations';
import { hashOf } from './hash';

/** Where operations are tried out. */
const sites = [trialSite(1), trialSite(2)];

/** A table, with the hash that a resume compares. */
export interface OperationTable {
  readonly operations: readonly Operation[];
  readonly file: string | null;
  readonly hash: string;
}

/** The paper's operations, or `export const operations` of a TypeScript or JavaScript file. */
export function loadOperations(file: string | null): OperationTable {
  if (file === null) return { operations: paperOperations, file, hash: hashOf(fingerprint(paperOperations)) };
  const full = path.resolve(file);
  const text = readText(full);
  let loaded: { operations?: unknown; default?: unknown };
  try {
    require('../register.js');
    loaded = require(full);
  } catch (error) {
    return fail({
      where: file,
      expected: 'a file that loads',
      found: (error as Error).message,
      next: 'correct it',
    });
  }
  const table = loaded.operations ?? loaded.default;
  if (!Array.isArray(table) || table.length < 2)
    return fail({
      where: file,
      expected: '`export const operations`, a list of at least two',
      found: table === undefined ? 'none' : typeof table,
      next: 'begin with `export const operations = [...paper, mine]`',
    });
  for (const o of table as Partial<Operation>[])
    if (typeof o?.name !== 'string' || typeof o.build !== 'function' || typeof o.cost !== 'function')
      fail({
        where: file,
        expected: 'operations with name, build and cost',
        found: JSON.stringify(o),
        next: 'complete the record',
      });
  const names = (table as Operation[]).map((o) => o.name);
  const double = names.find((name, i) => names.indexOf(name) !== i);
  if (double)
    fail({ where: file, expected: 'each name once', found: `${double} twice`, next: 'rename one of them' });
  for (const operation of table as Operation[]) tryOut(operation, file);
  return {
    operations: table as Operation[],
    file: full,
    hash: hashOf([fingerprint(table as Operation[]), text]),
  };
}

/** An operation keeps its channels, and its shape at stride 1; at stride 2 it halves the shape. */
function tryOut(operation: Operation, file: string): void {
  if (operation.zero) return;
  for (const site of sites) {
    const { expected, found } = outputShape(operation, site);
    if (found.join() !== expected.join())
      fail({
        where: `${file}, operation ${operation.name}`,
        expected: `[${expected}] from [1,${expected.slice(1, 4).map((side) => side * site.stride)},${site.width}] at stride ${site.stride}`,
        found: `[${found}]`,
        next: 'let apply heed site.stride',
      });
  }
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    return fail({
      where: file,
      expected: 'a readable file',
      found: (error as NodeJS.ErrnoException).code ?? 'none',
      next: 'check --operations',
    });
  }
}

/** What can be seen of operations without running them: names, parameters and cost at two sites. */
function fingerprint(operations: readonly Operation[]): unknown {
  return operations.map((o) => [
    o.name,
    o.zero ?? false,
    sites.map((site) => [o.build(site).parameters, o.cost(site)]),
  ]);
}
