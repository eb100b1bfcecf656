/** Ablations in small, on a phantom: variants, a stop and a resume, the records, their table. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadCase, openDataset } from '../../src/data/msd';
import { writePhantom } from '../../src/data/phantom';
import { prepareCase } from '../../src/data/preprocess';
import { tf } from '../../src/engine/tf';
import { predictLabels } from '../../src/evaluate/predict';
import { ablationRecords, ablationTable } from '../../src/notebook/ablation';
import type { SearchState } from '../../src/paper/bilevel';
import { cellTypes } from '../../src/paper/genotype';
import { supernet, zHatOf } from '../../src/paper/network';
import { operations } from '../../src/paper/operations';
import { readingTable } from '../../src/paper/readings';
import { ablationJobs, ablations, isDone, variantRun, variantsNamed } from '../../src/run/ablation';
import { ablationPage, publishAblation } from '../../src/run/ablation-publish';
import { splitOf } from '../../src/run/cases';
import { readCheckpoint, unpack } from '../../src/run/checkpoint';
import { main } from '../../src/run/cli';
import { preprocessingOf } from '../../src/run/config';
import { byEpoch } from '../../src/run/epochs';
import { checkpointFile, openRun, readGenotype, readLines, readRecord } from '../../src/run/folder';
import { runJobs } from '../../src/run/jobs';
import { loadOperations } from '../../src/run/operations';
import { type Planned, planFor } from '../../src/run/plan';
import { type CaseLine, caseLine } from '../../src/run/scores';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-ablation-'));
const dir = path.join(folder, 'runs');
const out = path.join(folder, 'published');
const set = [
  'readings.nodes=two',
  'search.steps=4',
  'retrain.steps=3',
  'search.stem=2',
  'retrain.stem=2',
  'ahead=0',
];
let planned: Planned;
let dataset: ReturnType<typeof openDataset>;
/** Three runs: two variants with one seed, then our choice with another. */
const run = (signal?: AbortSignal, lines: string[] = [], plan = planned) => {
  const variants = variantsNamed('tau', ['default', 'constant 1']);
  const work = { dir, planned: plan, dataset, operations, hooks: { signal } };
  const jobs = ablationJobs(work, variants, [0, 1]).slice(0, 3);
  return runJobs(jobs, { atOnce: 1, say: (line) => lines.push(line) });
};

beforeAll(async () => {
  const size = [20, 24, 20] as const;
  dataset = openDataset(writePhantom({ task: 'Task04_Hippocampus', cases: 8, seed: 3, size, out: folder }));
  const table = loadOperations(null);
  const given = { operations: table.operations.map((o) => o.name), operationsHash: table.hash };
  planned = await planFor(dataset, { file: 'smoke', set, given }, undefined, { threads: 0 });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('variants', () => {
  it('are every schedule of τ, and every other option of every reading that moves a training', () => {
    expect(ablations.tau.map(({ title }) => title)).toEqual([
      'linear 10 → 0.1',
      'constant 1',
      '5 · 0.956^e',
      '2.5 · 0.97^e',
      'linear 1 → 0.33',
    ]);
    const options = readingTable.reduce((sum, reading) => sum + reading.options.length - 1, 0);
    expect(ablations.readings).toHaveLength(1 + options - 1); // our choice; `flops` only counts
    for (const variants of Object.values(ablations)) {
      expect(new Set(variants.map(({ name }) => name)).size).toBe(variants.length);
      for (const { name } of variants) expect(name).toMatch(/^[A-Za-z0-9.-]+$/);
    }
  });

  it('change their own keys alone, and are scored on the inner split', () => {
    const base = variantRun(path.join(folder, 'keys'), planned, ablations.readings[0], 5).config;
    expect(base).toMatchObject({ inner: true, seed: 5, method: 'scnas' });
    const split = splitOf(base, dataset);
    const untouched = splitOf({ ...base, inner: false }, dataset).validation;
    expect([...split.train, ...split.validation].some((id) => untouched.includes(id))).toBe(false);
    const changed = variantsNamed('readings', ['samples=top two', 'affine-never']);
    const configs = changed.map((v) => variantRun(path.join(folder, 'keys'), planned, v, 5).config);
    expect(configs.map(({ readings }) => readings)).toEqual([
      { ...base.readings, samples: 'top two' },
      { ...base.readings, affine: 'never' },
    ]);
    for (const config of configs) expect({ ...config, readings: base.readings }).toEqual(base);
    expect(() => variantsNamed('tau', ['constant 2'])).toThrow('did you mean constant 1?');
  });
});

describe('an ablation', { timeout: 120_000 }, () => {
  it('stops when asked, goes on, and does nothing where all is done', async () => {
    const stopped = new AbortController();
    stopped.abort();
    await expect(run(stopped.signal)).rejects.toThrow(/search stopped after step 1 of 4/);
    expect(ablationRecords('tau', dir).map(({ runs }) => runs.length)).toEqual([0, 0, 0, 0, 0]);
    expect(fs.existsSync(path.join(dir, 'default', 'seed0', 'lock'))).toBe(false);
    const lines: string[] = [];
    const before = tf.memory().numTensors;
    await run(undefined, lines);
    expect(tf.memory().numTensors).toBe(before);
    expect(lines[0]).toBe(`${path.join('default', 'seed0')} (1 of 3)`);
    const files = fs
      .readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(dir, name));
    const times = () => files.map((file) => fs.statSync(file).mtimeMs);
    const then = times();
    await run();
    expect(times()).toEqual(then);
  });

  it('goes on after a run that fails, and ends with an error that names it', async () => {
    const config = { ...planned.config, search: { ...planned.config.search, steps: 5 } };
    const lines: string[] = [];
    await expect(run(undefined, lines, { ...planned, config })).rejects.toThrow(
      /3 that failed: default.seed0, constant-1.seed0, default.seed1/,
    );
    expect(lines.filter((line) => line.includes('search.steps: 4 in the run, 5 now'))).toHaveLength(3);
  });

  it('scores the search’s weights: the supernet with Z one-hot segments alike', () => {
    const opened = openRun(path.join(dir, 'default', 'seed0'));
    const { config } = opened;
    const genotype = readGenotype(opened, operations);
    const saved = readCheckpoint(checkpointFile(opened, 'search'));
    const { theta } = unpack(saved) as SearchState;
    const { inputs, readings, classes, search } = config;
    const net = supernet({ inputs, classes: classes.length, stem: search.stem, operations, readings });
    const sample = cellTypes.map((type) =>
      (genotype?.cells[type] ?? []).map(({ op }) => ({
        operations: [operations.findIndex(({ name }) => name === op)],
        weights: [1],
      })),
    );
    const zHat = tf.tensor1d(zHatOf(sample));
    const whole = {
      name: 'supernet',
      inputs,
      classes: classes.length,
      parameters: net.parameters,
      forward: (t: typeof theta, x: tf.Tensor5D) => net.forward(t, x, sample, zHat),
      cost: () => [],
    };
    const lines = readLines<CaseLine>(opened, 'cases-before.jsonl');
    expect(lines.map(({ id }) => id)).toEqual(splitOf(config, dataset).validation);
    for (const line of lines) {
      const raw = loadCase(dataset, line.id);
      const prepared = prepareCase(raw, classes.length, preprocessingOf(config));
      const labels = predictLabels(whole, theta, prepared, { patch: config.patch, flips: config.flips });
      const truth = raw.label ?? new Uint8Array();
      const again = caseLine(classes, line.id, { labels, truth, shape: raw.shape, spacing: raw.spacing }, 0);
      expect({ ...line, seconds: 0 }).toEqual(again);
    }
    const mean = lines.reduce((sum, line) => sum + (line.mean ?? 0), 0) / lines.length;
    const kept = readRecord(opened).facts.beforeRetraining as { dice: { mean: number } };
    expect(kept.dice.mean).toBeCloseTo(mean, 12);
    tf.dispose([zHat, saved.tensors]);
  });
});

describe('records of an ablation', () => {
  it('by epoch are means over its steps, and stay as they are when taken again', () => {
    const lines = [1, 2, 3].map((step) => ({
      phase: 'search',
      step,
      epoch: step < 3 ? 0 : 1,
      tau: step < 3 ? 10 : 5,
      lossTheta: step,
      finished: false,
    }));
    const epochs = byEpoch(lines);
    expect(epochs).toEqual([
      { phase: 'search', epoch: 0, step: 2, steps: 2, tau: 10, lossTheta: 1.5 },
      { phase: 'search', epoch: 1, step: 3, steps: 1, tau: 5, lossTheta: 3 },
    ]);
    expect(byEpoch(epochs)).toEqual(epochs);
  });

  it('are published small, once, with the same table, and a missing row says not run', () => {
    const rows = ablationRecords('tau', dir);
    expect(rows.map(({ runs }) => runs.length)).toEqual([2, 1, 0, 0, 0]);
    const [first] = rows;
    const dice = first.runs.map(({ record }) => 100 * (record.dice?.mean ?? Number.NaN));
    expect(first.over.diceAfter.mean).toBeCloseTo((dice[0] + dice[1]) / 2, 10);
    expect(first.over.diceAfter.sd).toBeCloseTo(Math.abs(dice[0] - dice[1]) / Math.SQRT2, 10);
    expect(first.runs[0].search.tau).toEqual([10, 0.1].map((tau) => expect.closeTo(tau, 10)));
    expect(rows[1].over.diceAfter.sd).toBeNaN();

    expect(publishAblation('tau', dir, out).added).toBe(3);
    expect(publishAblation('tau', dir, out).added).toBe(0);
    const again = ablationRecords('tau', out);
    expect(ablationTable(again, 'T')).toEqual(ablationTable(rows, 'T'));
    const lines = readLines({ dir: path.join(out, 'default', 'seed0') }, 'metrics.jsonl');
    expect(lines).toHaveLength(2 + 2); // epochs of two steps: 4 of search, 3 of retraining
    const page = fs.readFileSync(path.join(out, 'README.md'), 'utf8');
    expect(page).toBe(ablationPage('tau', out));
    expect(page).toContain('| 5 · 0.956^e | 0 | not run | not run |');
    for (const { name } of ablations.tau.slice(0, 2))
      expect(isDone({ dir: path.join(out, name, 'seed0') })).toBe(true);
  });

  it('are printed by the command line, which asks for what it needs', async () => {
    const [out, err] = (['stdout', 'stderr'] as const).map((stream) => {
      const said: string[] = [];
      vi.spyOn(process[stream], 'write').mockImplementation((text) => said.push(String(text)) > 0);
      return said;
    });
    const codes = [
      await main(['node', 'scnas', 'ablate', '--summary', dir, '--json']),
      await main(['node', 'scnas', 'ablate', '--over', 'time']),
    ];
    vi.restoreAllMocks();
    expect(codes).toEqual([0, 1]);
    const { tau, readings } = JSON.parse(out.join(''));
    expect(tau.map(({ runs }: { runs: unknown[] }) => runs.length)).toEqual([2, 1, 0, 0, 0]);
    expect(readings.map(({ runs }: { runs: unknown[] }) => runs.length).slice(0, 2)).toEqual([2, 0]);
    expect(err.join('')).toContain('--over: expected one of tau, readings, found time');
  });

  it('of another run do not replace one, and of another length do not stand beside one', () => {
    const file = path.join(out, 'default', 'seed0', 'record.json');
    const record = JSON.parse(fs.readFileSync(file, 'utf8'));
    fs.writeFileSync(file, JSON.stringify({ ...record, configHash: 'another' }));
    expect(() => publishAblation('tau', dir, out)).toThrow('another record');
    fs.writeFileSync(file, JSON.stringify(record));
    const own = path.join(out, 'default', 'seed0', 'config.json');
    const before = fs.readFileSync(own, 'utf8');
    const config = JSON.parse(before);
    const changed = (change: object) => {
      fs.writeFileSync(own, JSON.stringify({ ...config, ...change }));
      return () => ablationRecords('tau', out);
    };
    expect(changed({ retrain: { ...config.retrain, steps: 9 } })).toThrow(/fold and length.*retrain.steps/s);
    expect(changed({ retrain: { ...config.retrain, stem: 4 } })).toThrow('retrain.stem');
    expect(changed({ readings: { ...config.readings, stem: 'two' } })).toThrow('readings.stem');
    // Machines cut batches as their memory allows.
    expect(changed({ retrain: { ...config.retrain, microBatch: 1 } })).not.toThrow();
    fs.writeFileSync(own, before);
  });
});
