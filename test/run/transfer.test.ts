/** Transfer in small: cells of one task on another, random cells of equal cost, both as runs; and jobs in processes of their own. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openDataset } from '../../src/data/msd';
import { writePhantom } from '../../src/data/phantom';
import { key } from '../../src/engine/keys';
import { toText } from '../../src/notebook/text';
import { type Genotype, randomGenotype } from '../../src/paper/genotype';
import { operations } from '../../src/paper/operations';
import { main } from '../../src/run/cli';
import { openRun, readGenotype, readRecord } from '../../src/run/folder';
import { checkSource, searchBeside } from '../../src/run/given';
import { type Job, runJobs } from '../../src/run/jobs';
import { loadModel } from '../../src/run/model';
import { loadOperations } from '../../src/run/operations';
import { type Planned, planFor } from '../../src/run/plan';
import { genotypeFile, type TransferWork, transferCost, transferJobs } from '../../src/run/transfer';
import { transferTables } from '../../src/run/transfer-table';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-transfer-'));
const dir = path.join(folder, 'runs');
const BRAIN = 'Task01_BrainTumour';
const HEART = 'Task02_Heart';
/** As a search on the brain would leave it. */
const genotype: Genotype = { ...randomGenotype(operations, key(4, 'cells'), 2), source: { task: BRAIN } };
const set = ['readings.nodes=two', 'retrain.steps=2', 'retrain.stem=4', 'ahead=0'];
let work: TransferWork;

beforeAll(async () => {
  const size = [20, 24, 20] as const;
  const dataset = openDataset(writePhantom({ task: HEART, cases: 4, seed: 3, size, out: folder }));
  const table = loadOperations(null);
  const given = { operations: table.operations.map((o) => o.name), operationsHash: table.hash };
  const planned: Planned = await planFor(dataset, { file: 'smoke', set, given }, undefined, { threads: 0 });
  work = { dir, genotype, planned, dataset, operations };
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const lines: string[] = [];
const say = (line: string) => lines.push(line);
const jobs = () => transferJobs(work, { transfer: [0], random: [0, 1], scnas: [] });

describe('a transfer', { timeout: 120_000 }, () => {
  it('trains the cells on the other task, and random cells of equal cost as long on the same cases', async () => {
    await runJobs(jobs(), { atOnce: 1, say });
    expect(lines).toEqual(['transfer-seed0 (1 of 3)', 'random-seed0 (2 of 3)', 'random-seed1 (3 of 3)']);
    const [transfer, ...random] = jobs().map(({ name }) => openRun(path.join(dir, name)));
    expect(readGenotype(transfer, operations)).toEqual(genotype);
    const { theta, network } = loadModel(transfer.dir);
    expect(theta['stem/weight0'].shape).toEqual([3, 3, 3, 1, 4]); // the heart has one channel, the brain four
    expect(theta['out/weight'].shape).toEqual([1, 1, 1, 4, 2]); // and two classes
    for (const tensor of Object.values(theta)) tensor.dispose();
    const target = transferCost(work);
    expect(network.cost(transfer.config.patch).reduce((sum, layer) => sum + layer.multiplyAdds, 0)).toBe(
      target,
    );
    const records = [transfer, ...random].map(readRecord);
    expect(records.map(({ method, seed }) => [method, seed])).toEqual([
      ['transfer', 0],
      ['random', 0],
      ['random', 1],
    ]);
    for (const { facts, dataHash, phases, cases } of records) {
      expect(Math.abs(Number(facts.multiplyAdds) / target - 1)).toBeLessThanOrEqual(0.1);
      expect([dataHash, phases.retrain.steps, cases]).toEqual([work.dataset.hash, 2, 2]);
    }
    const hashes = new Set(records.map(({ genotypeHash }) => genotypeHash));
    expect(hashes.size).toBe(3);
  });

  it('does nothing where all is done, and puts its runs side by side', async () => {
    const files = fs
      .readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(dir, name));
    const times = () => files.map((file) => fs.statSync(file).mtimeMs);
    const then = times();
    await runJobs(jobs().slice(1), { atOnce: 1, say });
    expect(times()).toEqual(then);
    const [scores, less, own] = transferTables(dir, HEART).map(toText);
    expect(scores).toMatch(/own search +transferred cells +random cells/);
    expect(scores).toMatch(/runs, 2 steps\) +not run +\d+\.\d\d +\d+\.\d\d ± \d+\.\d\d \(2 runs\)/);
    expect(less).toMatch(/ 2$/);
    expect(own).toContain('not run');
  });

  it('is the same from the command line, where nothing is left to do', async () => {
    const file = path.join(folder, 'cells.json');
    fs.writeFileSync(file, JSON.stringify(genotype));
    const words = [
      'transfer',
      '--from',
      file,
      '--data',
      work.dataset.root,
      '--config',
      'smoke',
      '--out',
      dir,
    ];
    const said: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const settings = set.flatMap((setting) => ['--set', setting]);
    const code = await main(['node', 'scnas', ...words, ...settings, '--controls', '2', '--json']);
    vi.restoreAllMocks();
    expect(code).toBe(0);
    expect(JSON.parse(said.join(''))).toEqual({ task: HEART, tables: transferTables(dir, HEART) });
  });

  it('refuses cells under a name that is not theirs, and takes those of a run folder', () => {
    const under =
      (method: 'transfer' | 'scnas', task: string, fold?: number | 'all', source = genotype.source) =>
      () =>
        checkSource({ ...genotype, source }, { method, task, fold }, 'genotype.json');
    expect(under('transfer', BRAIN)).toThrow('another task than Task01_BrainTumour');
    expect(under('transfer', HEART)).not.toThrow();
    expect(under('scnas', HEART, 0)).toThrow('--method transfer');
    const searched = { task: HEART, fold: 0 };
    expect(under('scnas', HEART, 0, searched)).not.toThrow();
    expect(under('scnas', HEART, 'all', searched)).not.toThrow();
    expect(under('scnas', HEART, 1, searched)).toThrow('search saw cases that this run is scored on');
    expect(under('scnas', HEART, 1, {})).not.toThrow();
    expect(genotypeFile(path.join(dir, 'transfer-seed0'))).toBe(
      path.join(dir, 'transfer-seed0', 'genotype.json'),
    );
    expect(genotypeFile('some.json')).toBe('some.json');
    // What a search took and how sure it was goes with its cells; a folder without one has nothing to tell.
    const record = path.join(__dirname, '../../results/task04-laptop/scnas/record.json');
    const { phases, facts } = JSON.parse(fs.readFileSync(record, 'utf8'));
    const { entropyAlpha, margins } = facts;
    expect(phases.search.seconds).toBeGreaterThan(0);
    expect(searchBeside(record)).toEqual({ givenSearch: phases.search, entropyAlpha, margins });
    expect(searchBeside(path.join(dir, 'transfer-seed0', 'genotype.json'))).toEqual({});
  });
});

describe('jobs in processes', { timeout: 120_000 }, () => {
  it('run side by side; one that fails is told, and the others are done', async () => {
    const job = (name: string, words: readonly string[]): Job => ({
      name,
      words,
      work: () => Promise.reject(new Error('this process does nothing')),
    });
    const phantom = ['phantom', '--task', HEART, '--cases', '2', '--size', '20,24,20', '--out'];
    const out = path.join(folder, 'made');
    const told: string[] = [];
    await expect(
      runJobs([job('wrong', ['cost', '--network', 'none']), job('right', [...phantom, out])], {
        atOnce: 2,
        say: (line) => told.push(line),
      }),
    ).rejects.toThrow('1 that failed: wrong');
    expect(fs.existsSync(path.join(out, HEART, 'dataset.json'))).toBe(true);
    expect(told.slice(0, 2)).toEqual(['wrong (1 of 2)', 'right (2 of 2)']);
    expect(told.some((line) => line.startsWith('wrong failed: '))).toBe(true);
  });
});
