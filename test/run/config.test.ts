import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/msd';
import { splitOf } from '../../src/run/cases';
import { configChanges, parseConfig, resolveConfig } from '../../src/run/config';
import { withoutLateDefaults } from '../../src/run/config-older';
import { configHash } from '../../src/run/record';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-config-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const plan = {
  task: 'Task04_Hippocampus',
  inputs: 1,
  classes: ['background', 'Anterior'],
  patch: [24, 24, 24],
};

describe('a configuration', () => {
  it('takes defaults < plan < file < --set < the command line', () => {
    const file = path.join(folder, 'mine.json');
    fs.writeFileSync(file, '{"seed": 1, "search": {"steps": 20, "batch": 2}}');
    const config = resolveConfig({ plan, file, set: ['search.steps=30', 'seed=2'], given: { seed: 3 } });
    expect(config).toMatchObject({ name: 'mine', patch: [24, 24, 24], seed: 3 });
    expect(config.search).toMatchObject({ steps: 30, batch: 2, stem: 48 });
  });

  it('`paper` has every number of the paper (§3)', () => {
    const { patch, search, retrain } = resolveConfig({ plan, file: 'paper' });
    expect(patch).toEqual([128, 128, 128]);
    expect(search).toMatchObject({
      stem: 48,
      batch: 4,
      steps: 200 * 250,
      stepsPerEpoch: 250,
      theta: { rate: 0.025, beta1: 0.1, beta2: 0.001 },
      alpha: { rate: 0.003, beta1: 0.5, beta2: 0.999 },
      plateau: { patience: 20, factor: 10 },
    });
    expect(retrain).toMatchObject({
      stem: 68,
      batch: 8,
      steps: 500 * 250,
      stepsPerEpoch: 250,
      adam: { rate: 3e-4, beta1: 0.9, beta2: 0.999 },
      plateau: { patience: 30, factor: 5 },
      minRate: 1e-7,
    });
  });

  it.each(fs.readdirSync(path.join(__dirname, '../../configs')))('%s is valid', (name) => {
    expect(resolveConfig({ plan, file: name.replace('.json', '') }).name).toBe(name.replace('.json', ''));
  });

  it.each([
    ['patch=[40,56,36]', 'divisible by 8 and at least 16'],
    ['patch=8,8,8', 'divisible by 8 and at least 16'],
    ['fold=5', 'fold to be 0 … 4 or all'],
    ['fold=some', 'fold to be'],
    ['search.stepz=1', 'did you mean search.steps?'],
    ['search.microBatch=3', 'search.microBatch to divide search.batch 4'],
    ['search.tau.kind=round', 'search.tau to be an object with kind linear'],
    ['readings.samples=three', 'one of with replacement'],
    ['method=unett', 'one of scnas, transfer, random, uresnet, nnunet, unet'],
    ['seed=-1', 'a whole number of at least 0'],
    ['search.theta.rate=0', 'a number above 0'],
  ])('refuses --set %s', (setting, message) => {
    expect(() => resolveConfig({ plan, set: [setting] })).toThrow(message);
  });

  it('takes every kind of τ schedule', () => {
    const tau = (value: unknown) =>
      resolveConfig({ plan, set: [`search.tau=${JSON.stringify(value)}`] }).search.tau;
    for (const schedule of [
      { kind: 'constant', value: 1 },
      { kind: 'given', values: [2, 1] },
      { kind: 'exponential', from: 5, rate: 0.956 },
    ])
      expect(tau(schedule)).toEqual(schedule);
    expect(() => tau({ kind: 'linear', from: 10 })).toThrow('positive from, to');
  });

  it('names the nearest configuration for a mistyped one, and the file for broken JSON', () => {
    expect(() => resolveConfig({ file: 'labtop' })).toThrow('did you mean laptop?');
    const file = path.join(folder, 'broken.json');
    fs.writeFileSync(file, '{"seed": ');
    expect(() => resolveConfig({ file })).toThrow(`${file}: expected JSON`);
  });

  it('reads its resolved self back, and refuses an incomplete one', () => {
    const config = resolveConfig({ plan, file: 'laptop' });
    expect(parseConfig(JSON.parse(JSON.stringify(config)), 'config.json')).toEqual(config);
    expect(() => parseConfig({ seed: 1 }, 'config.json')).toThrow('expected key schema');
  });

  it('tells the changes that matter to a resume, and only these', () => {
    const config = resolveConfig({ plan, file: 'laptop' });
    const moved = { ...config, data: '/elsewhere', ahead: 0, checkpoint: { steps: 1, seconds: 1 } };
    expect(configChanges(config, moved)).toEqual([]);
    const other = resolveConfig({
      plan,
      file: 'laptop',
      set: ['search.steps=9', 'readings.order=alpha first'],
    });
    expect(configChanges(config, { ...other, dataHash: 'x', operations: ['conv3'] })).toEqual([
      'dataHash: "" in the run, "x" now',
      'operations: [] in the run, ["conv3"] now',
      `search.steps: ${config.search.steps} in the run, 9 now`,
      'readings.order: "theta first" in the run, "alpha first" now',
    ]);
  });
});

describe('the inner split', () => {
  const cases = Array.from({ length: 23 }, (_, i) => ({ id: `c${i}`, image: '', label: 'x' }));
  const dataset = { cases } as unknown as Dataset;

  it('shares no case with the fold that it chooses for, and covers its training part', () => {
    const outer = splitOf(resolveConfig({ plan, given: { fold: 2 } }), dataset);
    const { train, validation } = splitOf(resolveConfig({ plan, given: { fold: 2, inner: true } }), dataset);
    expect([...train, ...validation].sort()).toEqual([...outer.train].sort());
    expect(validation.length).toBe(4);
    expect(validation.filter((id) => outer.validation.includes(id))).toEqual([]);
  });

  it('is refused where every case trains', () => {
    expect(() => resolveConfig({ plan, given: { fold: 'all', inner: true } })).toThrow(
      /leaves no case unseen/,
    );
  });

  it('moves the hash of a configuration only where it is asked for', () => {
    const early = parseConfig({ ...resolveConfig({ plan }) }, 'early');
    const { inner: _, ...without } = early;
    expect(configHash(parseConfig(without, 'early'))).toBe(configHash(early));
    expect(configHash({ ...early, inner: true })).not.toBe(configHash(early));
    expect(withoutLateDefaults(early as never)).not.toHaveProperty('inner');
  });

  it('reads what earlier versions called unet and random, each for its own method', () => {
    const { match: _, ...now } = resolveConfig({ plan });
    const keys = { unet: { multiplyAdds: 3 }, random: { multiplyAdds: 5 } };
    const read = (method: string) => parseConfig({ ...now, ...keys, method }, 'early').match.multiplyAdds;
    expect(['scnas', 'random', 'unet'].map(read)).toEqual([0, 5, 3]);
    expect(configHash(parseConfig({ ...now, unet: { multiplyAdds: 0 } }, 'early'))).toBe(
      configHash(resolveConfig({ plan })),
    );
  });
});
