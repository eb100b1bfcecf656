/** Prepared cases on disk: the same batches as from memory, made anew exactly where inputs or preprocessing changed, and bounded memory. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CachedCase, openCachedCase, regionOf } from '../../src/data/cached-case';
import { type Dataset, loadCase, openDataset } from '../../src/data/msd';
import { type Batch, drawBatch } from '../../src/data/patches';
import { writePhantom } from '../../src/data/phantom';
import { native, type Preprocessing, prepareCase } from '../../src/data/preprocess';
import { key } from '../../src/engine/keys';
import { cachedCase, preparedFolder } from '../../src/run/cache';
import { cacheFiles } from '../../src/run/cache-files';
import { runCases } from '../../src/run/cases';
import { main } from '../../src/run/cli';
import { type Config, resolveConfig } from '../../src/run/config';
import { errorOf } from '../data/folder';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-cache-'));
const before = process.env.SCNAS_CACHE;
let dataset: Dataset;
let config: Config;
const how: Preprocessing = { ...native, spacing: [0.9, 1.1, 0.8], maskStatistics: true };
let caches = 0;
const fresh = () => path.join(folder, `cache-${caches++}`);

beforeAll(() => {
  const root = writePhantom({
    task: 'Task01_BrainTumour',
    cases: 4,
    seed: 2,
    size: [22, 26, 20],
    out: folder,
  });
  dataset = openDataset(root);
  const { modalities, classes, hash: dataHash, name: task } = dataset;
  const plan = { data: root, task, dataHash, inputs: modalities.length, classes, patch: [16, 16, 16] };
  config = resolveConfig({ plan, given: { spacing: how.spacing, maskStatistics: true } });
});
afterEach(() => {
  if (before === undefined) delete process.env.SCNAS_CACHE;
  else process.env.SCNAS_CACHE = before;
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const ids = () => dataset.cases.map(({ id }) => id);
/** A batch with its arrays as text: quick to compare. */
const bits = ({ image, label, ...facts }: Batch) => ({
  ...facts,
  image: Buffer.from(image.buffer).toString('base64'),
  label: Buffer.from(label.buffer).toString('base64'),
});
const files = (dir: string) => fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();

describe('a prepared case in its file', () => {
  const variants = [
    { augment: 'none', patch: [16, 16, 16] },
    { augment: 'nnunet', patch: [16, 16, 16] },
    { augment: 'none', patch: [32, 16, 40] },
    { augment: 'nnunet', patch: [56, 16, 16] },
  ] as const;
  it.each(variants)('gives the batches of the case in memory, $augment, $patch', ({ augment, patch }) => {
    const dir = fresh();
    const memory = ids().map((id) => prepareCase(loadCase(dataset, id), 4, how));
    const disk = structuredClone(ids().map((id) => cachedCase(dataset, id, how, dir)));
    const options = { batch: 2, patch, foreground: 0.5, mirror: true, augment, zeroOutside: true };
    for (let step = 0; step < 3; step++)
      expect(bits(drawBatch(disk, options, key(1, step)))).toEqual(
        bits(drawBatch(memory, options, key(1, step))),
      );
  });

  it('keeps the facts of the case; a region holds what was asked for and no more along x and y', () => {
    const [id] = ids();
    const prepared = prepareCase(loadCase(dataset, id), 4, how);
    const cached = cachedCase(dataset, id, how, fresh());
    const { image, label, classVoxels, ...facts } = prepared;
    expect(cached).toMatchObject({ ...facts, labelled: true, counts: classVoxels.map((v) => v.length) });
    const region = regionOf(cached, [2, -3, 1], [5, 4, 2]);
    const [, Y, Z] = prepared.shape;
    expect(region).toMatchObject({ origin: [2, 0, 0], shape: [3, 4, Z] });
    for (let x = 0; x < 3; x++)
      for (let y = 0; y < 4; y++) {
        const [from, to] = [((x + 2) * Y + y) * Z, (x * 4 + y) * Z];
        expect(region.label?.subarray(to, to + Z)).toEqual(label?.subarray(from, from + Z));
        expect(region.image.subarray(4 * to, 4 * (to + Z))).toEqual(image.subarray(4 * from, 4 * (from + Z)));
      }
  });

  it.each([
    ['cut', (file: string) => fs.truncateSync(file, fs.statSync(file).size - 1), 'bytes instead of'],
    ['another file', (file: string) => fs.writeFileSync(file, 'no such thing at all'), 'another file'],
    ['empty', (file: string) => fs.truncateSync(file, 0), 'another file'],
  ])('that is %s is one error, and is made anew', (_, spoil, message) => {
    const dir = fresh();
    const [id] = ids();
    const { file, hash } = cachedCase(dataset, id, how, dir);
    spoil(file);
    expect(errorOf(() => openCachedCase(file))).toContain(message);
    expect(cachedCase(dataset, id, how, dir)).toMatchObject({ file, hash });
    expect(openCachedCase(file).hash).toBe(hash);
  });

  it('that is gone while patches are drawn is one error with its name', () => {
    const cached = cachedCase(dataset, ids()[0], how, fresh());
    fs.rmSync(cached.file);
    expect(errorOf(() => regionOf(cached, [0, 0, 0], [4, 4, 4]))).toContain(
      `${cached.file}: expected the prepared`,
    );
  });
});

describe('the cache', () => {
  it('is reused while inputs and preprocessing are the same', () => {
    const dir = fresh();
    const first = cachedCase(dataset, ids()[0], how, dir);
    const { ino, mtimeMs } = fs.statSync(first.file);
    expect(cachedCase(dataset, ids()[0], { ...how }, dir)).toEqual(first);
    expect(fs.statSync(first.file).ino).toBe(ino);
    expect(fs.statSync(first.file).mtimeMs).toBeCloseTo(mtimeMs, -1);
    expect(files(dir)).toEqual([path.basename(first.file)]);
  });

  it.each<[string, Preprocessing]>([
    ['spacing', { ...native, maskStatistics: true }],
    ['mask', { ...native, spacing: [0.9, 1.1, 0.8] }],
    ['intensities', { ...native, channels: Array(4).fill({ scheme: 'z' }) }],
  ])('is not reused under another %s', (_, other) => {
    const dir = fresh();
    const one = cachedCase(dataset, ids()[0], how, dir);
    const two = cachedCase(dataset, ids()[0], other, dir);
    expect(two.file).not.toBe(one.file);
    expect(files(dir)).toHaveLength(2);
  });

  it.each(['image', 'label'] as const)(
    'is not reused where the %s has other bytes of the same length',
    (which) => {
      const root = path.join(folder, `copy-${which}`, path.basename(dataset.root));
      fs.cpSync(dataset.root, root, { recursive: true });
      const copy = openDataset(root);
      const dir = fresh();
      const one = cachedCase(copy, ids()[0], how, dir);
      const target = copy.cases[0][which] ?? '';
      const bytes = fs.readFileSync(target);
      // A byte of the gzip header's time stamp: other bytes, the same voxels.
      bytes[4] ^= 1;
      fs.writeFileSync(target, bytes);
      const two = cachedCase(copy, ids()[0], how, dir);
      expect(two.key).not.toBe(one.key);
      expect(two.hash).toBe(one.hash);
    },
  );
});

describe('what lies in the cache', () => {
  const day = 24 * 3600;
  /** The commands' output goes nowhere; the folder tells. */
  const scnas = async (...args: string[]) => {
    const out = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    try {
      expect(await main(['node', 'scnas', 'cache', ...args])).toBe(0);
      return out.mock.calls.map(([text]) => String(text)).join('');
    } finally {
      out.mockRestore();
    }
  };

  it('is listed; what was long not used is removed, and nothing that is not the cache’s own', async () => {
    const root = fresh();
    process.env.SCNAS_CACHE = root;
    const dir = preparedFolder(dataset.name);
    const [old, reused, young] = ids().map((id) => cachedCase(dataset, id, how, dir).file);
    const own = path.join(dir, 'notes.case');
    fs.writeFileSync(own, 'mine');
    const cut = `${old}.partial-12-0`;
    fs.writeFileSync(cut, 'half');
    const ago = Date.now() / 1000 - 9 * day;
    for (const file of [old, reused, own, cut]) fs.utimesSync(file, ago, ago);
    cachedCase(dataset, ids()[1], how, dir);
    expect(cacheFiles().map(({ file }) => file)).toHaveLength(5);
    expect(await scnas()).toMatch(/^Task01_BrainTumour +5 files/);
    expect(await scnas('--prune', '10')).toContain('removed 0 of 5 files');
    expect(await scnas('--prune', '8')).toContain('removed 2 of 5 files');
    expect([old, reused, young, own, cut].map((file) => fs.existsSync(file))).toEqual([
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(await scnas('--clear')).toContain('removed 3 of 3 files');
    expect(files(root)).toEqual([
      'prepared',
      'prepared/Task01_BrainTumour',
      'prepared/Task01_BrainTumour/notes.case',
    ]);
    fs.rmSync(own);
    cachedCase(dataset, ids()[0], how, dir);
    await scnas('--clear');
    expect(files(root)).toEqual(['prepared']);
  });
});

describe.each([0, 2])('cases prepared in %i threads', (threads) => {
  it('come in the order asked for, are told one by one, and leave only their files', async () => {
    process.env.SCNAS_CACHE = fresh();
    const told: number[] = [];
    const progress = () => ({ update: (n: number) => void told.push(n), say: () => {}, done: () => {} });
    const wanted = [...ids()].reverse();
    const cases = await runCases(config, dataset, wanted, { progress, threads });
    expect(cases.map(({ id }) => id)).toEqual(wanted);
    expect(told).toEqual([1, 2, 3, 4]);
    expect(files(process.env.SCNAS_CACHE).filter((name) => !name.endsWith('.case'))).toEqual([
      'prepared',
      'prepared/Task01_BrainTumour',
    ]);
    const inLine = wanted.map((id) => cachedCase(dataset, id, how, fresh()));
    const hashes = (all: readonly CachedCase[]) => all.map(({ hash }) => hash);
    expect(hashes(cases)).toEqual(hashes(inLine));
  });

  it('end with the first error, in its own words', async () => {
    process.env.SCNAS_CACHE = fresh();
    const root = path.join(folder, `broken-${threads}`, path.basename(dataset.root));
    fs.cpSync(dataset.root, root, { recursive: true });
    const broken = openDataset(root);
    fs.truncateSync(broken.cases[2].image, 300);
    await expect(runCases(config, broken, ids(), { threads })).rejects.toMatchObject({
      name: 'ScnasError',
      message: expect.stringContaining(broken.cases[2].image),
    });
  });
});

describe('cases prepared in threads', () => {
  it('stop when they are asked to, and keep what is done', async () => {
    process.env.SCNAS_CACHE = fresh();
    const stop = new AbortController();
    const progress = () => ({ update: () => stop.abort(), say: () => {}, done: () => {} });
    const { signal } = stop;
    await expect(runCases(config, dataset, ids(), { progress, signal, threads: 2 })).rejects.toMatchObject({
      name: 'Interrupted',
    });
    const kept = files(process.env.SCNAS_CACHE).filter((name) => name.endsWith('.case')).length;
    expect(kept).toBeGreaterThanOrEqual(1);
    expect(kept).toBeLessThan(4);
  });
});

/** A data set of `count` cases with the volumes of the first of `from`. */
function repeated(from: string, count: number): string {
  const root = path.join(folder, `repeated-${count}`, path.basename(from));
  const json = JSON.parse(fs.readFileSync(path.join(from, 'dataset.json'), 'utf8'));
  const [first] = openDataset(from).cases;
  const training = Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      (
        [
          ['image', 'imagesTr', first.image],
          ['label', 'labelsTr', first.label ?? ''],
        ] as const
      ).map(([name, dir, file]) => {
        fs.mkdirSync(path.join(root, dir), { recursive: true });
        fs.copyFileSync(file, path.join(root, dir, `case_${i}.nii.gz`));
        return [name, `./${dir}/case_${i}.nii.gz`];
      }),
    ),
  );
  fs.writeFileSync(path.join(root, 'dataset.json'), JSON.stringify({ ...json, training }));
  return root;
}

describe('memory', () => {
  it('after preparing 40 cases and drawing from them peaks as after 8, within a quarter of what the cases hold', {
    timeout: 300_000,
  }, () => {
    const out = path.join(folder, 'one');
    const one = writePhantom({ task: 'Task01_BrainTumour', cases: 1, seed: 1, size: [64, 64, 64], out });
    const peaks = [8, 40].map((count) => {
      const script = path.join(__dirname, 'cache-memory.ts');
      const register = path.join(__dirname, '../../src/register.js');
      const args = ['--require', register, script, repeated(one, count)];
      const env = { ...process.env, SCNAS_CACHE: fresh() };
      return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', env })) as {
        readonly peak: number;
        readonly bytes: number;
      };
    });
    // A process that held its cases would need all of `more`; runs of the same differ by up to an eighth of it.
    const more = peaks[1].bytes - peaks[0].bytes;
    expect(more).toBeGreaterThan(150e6);
    expect(peaks[1].peak - peaks[0].peak).toBeLessThan(more / 4);
  });
});
