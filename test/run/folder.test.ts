import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import { randomGenotype } from '../../src/paper/genotype';
import { operations } from '../../src/paper/operations';
import { resolveConfig } from '../../src/run/config';
import {
  appendLine,
  createRun,
  openRun,
  readGenotype,
  readLines,
  readRecord,
  resumeRun,
  truncateMetrics,
  updateRecord,
  writeGenotype,
} from '../../src/run/folder';
import { parseRecord } from '../../src/run/record';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-folder-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const plan = {
  task: 'Task04_Hippocampus',
  dataHash: 'abc',
  inputs: 1,
  classes: ['background', 'Anterior'],
  patch: [24, 24, 24],
};
const config = resolveConfig({ plan, file: 'smoke', given: { data: '/data', operationsHash: 'def' } });
let count = 0;
const fresh = () => createRun(path.join(folder, String(count++)), config);

describe('a run folder', () => {
  it('holds the resolved configuration and a valid record', () => {
    const run = fresh();
    expect(openRun(run.dir)).toEqual({ dir: run.dir, config });
    const record = readRecord(run);
    expect(record).toMatchObject({
      task: 'Task04_Hippocampus',
      dataHash: 'abc',
      fold: 0,
      dice: null,
      phases: {},
    });
    expect(JSON.stringify(record)).not.toContain(os.hostname());
    expect(JSON.stringify(record)).not.toContain('/data');
  });

  it('is never begun twice', () => {
    const { dir } = fresh();
    expect(() => createRun(dir, config)).toThrow('add --resume to go on with it, or choose another --run');
  });

  it('goes on only as the same run, and names each difference', () => {
    const { dir } = fresh();
    expect(resumeRun(dir, { ...config, data: '/moved' }).config.data).toBe('/moved');
    const changed = {
      ...config,
      dataHash: 'xyz',
      operationsHash: 'uvw',
      search: { ...config.search, steps: 99 },
    };
    for (const line of [
      'dataHash: "abc" in the run, "xyz" now',
      'operationsHash: "def" in the run, "uvw" now',
      'search.steps: 8 in the run, 99 now',
    ])
      expect(() => resumeRun(dir, changed)).toThrow(line);
  });

  it('merges phases and facts of its record', () => {
    const run = fresh();
    updateRecord(run, { phases: { search: { steps: 8, seconds: 1.5 } }, facts: { a: 1 } });
    updateRecord(run, { phases: { retrain: { steps: 9, seconds: 2 } }, facts: { b: 2 } });
    expect(readRecord(run)).toMatchObject({
      phases: { search: { steps: 8 }, retrain: { steps: 9 } },
      facts: { a: 1, b: 2 },
    });
  });

  it('keeps its genotype', () => {
    const run = fresh();
    expect(readGenotype(run, operations)).toBeUndefined();
    const genotype = randomGenotype(operations, key(1, 'a'));
    writeGenotype(run, genotype);
    writeGenotype(run, genotype);
    expect(readGenotype(run, operations)).toEqual(genotype);
    expect(readRecord(run).genotypeHash).toMatch(/^[0-9a-f]{16}$/);
    expect(() => writeGenotype(run, randomGenotype(operations, key(2, 'a')))).toThrow('choose another --run');
  });
});

describe('metrics', () => {
  it('of steps behind the checkpoint are taken back; other phases and a torn last line do not matter', () => {
    const run = fresh();
    for (const line of [
      { phase: 'search', step: 1 },
      { phase: 'search', step: 2 },
      { phase: 'retrain', step: 1 },
      { phase: 'retrain', step: 2 },
    ])
      appendLine(run, 'metrics.jsonl', line);
    fs.appendFileSync(path.join(run.dir, 'metrics.jsonl'), '{"phase":"retr');
    expect(readLines(run, 'metrics.jsonl')).toHaveLength(4);
    truncateMetrics(run, 'retrain', 1);
    expect(fs.readFileSync(path.join(run.dir, 'metrics.jsonl'), 'utf8')).toBe(
      '{"phase":"search","step":1}\n{"phase":"search","step":2}\n{"phase":"retrain","step":1}\n',
    );
  });

  it('that are broken in the middle are an error that names the line', () => {
    const run = fresh();
    fs.writeFileSync(path.join(run.dir, 'metrics.jsonl'), '{"a":1}\nbroken\n{"a":2}\n');
    expect(() => readLines(run, 'metrics.jsonl')).toThrow(
      'metrics.jsonl, line 2: expected JSON, found broken',
    );
  });
});

describe('a record', () => {
  it.each([
    ['schema', 'scnas-record-2'],
    ['fold', -1],
    ['phases', { search: { steps: 1.5, seconds: 1 } }],
    ['dice', { Anterior: 1.2 }],
    ['cpu', ''],
    ['host', 'somewhere'],
  ])('with %s %j is refused', (name, value) => {
    const record = readRecord(fresh());
    expect(() => parseRecord({ ...record, [name]: value }, 'record.json')).toThrow('record.json');
    expect(parseRecord(record, 'record.json')).toEqual(record);
  });
});
