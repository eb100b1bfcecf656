/** A campaign as jobs: what there is, what each needs before it, and what it is told; what it needs of the machine. Nothing runs here. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { totalCost } from '../../src/paper/cost';
import { campaignJobs, campaignOf, settingsOf } from '../../src/run/campaign';
import { campaignNeeds, campaignTasks, preparedBytes } from '../../src/run/campaign-needs';
import { campaignLines } from '../../src/run/campaign-report';
import { takeLock } from '../../src/run/lock';
import { retrainNetwork, stepBytes } from '../../src/run/memory';
import { writeCampaign } from '../../src/run/workflow';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-jobs-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const paper = { ...campaignOf({ config: 'paper', set: [] }), data: folder };
const count = (jobs: ReturnType<typeof campaignJobs>, rule: string) =>
  jobs.filter((job) => job.rule === rule).length;

describe('the jobs of a campaign', () => {
  const jobs = campaignJobs(paper);

  it('of the paper: 15 searches, 55 trainings, one table', () => {
    // 3 methods on 3 tasks and transfer on 2, 5 folds each
    expect(['search', 'derive', 'retrain', 'evaluate', 'table'].map((rule) => count(jobs, rule))).toEqual([
      15, 15, 55, 55, 1,
    ]);
    expect(new Set(jobs.map(({ name }) => name)).size).toBe(jobs.length);
  });

  it('stand after those that they need', () => {
    const names = jobs.map(({ name }) => name);
    for (const [i, { needs }] of jobs.entries())
      for (const need of needs) {
        expect(names).toContain(need);
        expect(names.indexOf(need)).toBeLessThan(i);
      }
  });

  it('transfer the cells of the brain’s first fold, of the same seed, to every fold of the other tasks', () => {
    const several = campaignJobs({ ...paper, seeds: [0, 7], folds: [2, 3] });
    const transfers = several.filter(({ name }) => name.startsWith('retrain/') && name.includes('transfer'));
    expect(transfers).toHaveLength(2 * 2 * 2);
    for (const { needs, args, run } of transfers) {
      expect(needs).toEqual([`derive/Task01_BrainTumour/scnas-fold0-seed${run?.seed}`]);
      expect(args[args.indexOf('--genotype') + 1]).toBe(
        `runs/Task01_BrainTumour/scnas-fold0-seed${run?.seed}/genotype.json`,
      );
      expect(run?.task).not.toBe('Task01_BrainTumour');
    }
    // Alone, it brings the search that it needs, and only that.
    const alone = campaignJobs({ ...paper, methods: ['transfer'], folds: [0] });
    expect(alone.filter(({ rule }) => rule === 'search').map(({ name }) => name)).toEqual([
      'search/Task01_BrainTumour/scnas-fold0-seed0',
    ]);
    expect(count(alone, 'retrain')).toBe(2);
  });

  it('begin a run or go on with it, whatever was killed', () => {
    const begun = jobs.filter(({ args }) => args.includes('--config'));
    expect(begun.map(({ args }) => args[args.indexOf('--resume') + 1])).toEqual(begun.map(() => 'auto'));
    for (const { args, rule } of jobs) if (rule !== 'table') expect(args).toContain('--run');
  });

  it('give a network designed by hand the paper’s width beside SCNAS’s 68, and in proportion beside another', () => {
    expect(settingsOf(paper, 'uresnet')).toEqual(['retrain.stem=32']);
    expect(settingsOf(paper, 'nnunet')).toEqual(['retrain.stem=30']);
    expect(settingsOf(paper, 'transfer')).toEqual([]);
    expect(settingsOf({ ...paper, config: 'laptop' }, 'uresnet')).toEqual(['retrain.stem=8']);
  });

  it('are refused where a name, a fold or the transfer’s source is wrong', () => {
    const of = (options: object) => () => campaignOf({ config: 'paper', set: [], ...options });
    expect(of({ folds: '5' })).toThrow('expected folds 0 to 4');
    expect(of({ methods: 'scnas,resnet' })).toThrow('found resnet');
    expect(of({ tasks: 'Task02_Heart' })).toThrow('Task01_BrainTumour, whose cells are transferred');
    expect(of({ tasks: 'Task02_Heart', methods: 'scnas' })().tasks).toEqual(['Task02_Heart']);
    expect(of({ seeds: '-1' })).toThrow('--seeds');
  });
});

describe('what they need', () => {
  it('follows from the plan of each method; hours from rates, memory from its own network', async () => {
    const tasks = await campaignTasks(paper);
    expect(tasks.map(({ there, cases }) => [there, cases])).toEqual([
      [false, 484],
      [false, 20],
      [false, 64],
    ]);
    const jobs = campaignJobs(paper);
    const none = campaignNeeds(jobs, tasks, new Map());
    const name = 'retrain/Task01_BrainTumour/uresnet-fold0-seed0';
    const { config } = tasks[0].plans.get('uresnet') ?? expect.fail();
    expect([config.retrain.stem, config.method, config.inputs, config.classes.length]).toEqual([
      32,
      'uresnet',
      4,
      4,
    ]);
    expect(none.get(name)).toMatchObject({
      hours: null,
      memory: stepBytes(config, 'retrain', config.retrain.microBatch),
    });
    // A rate of 1 s for each 1e12 multiply-adds and nothing fixed: 125,000 steps of 8 samples.
    const rate = { fixed: 0, rate: 1e-12 };
    const rates = new Map([['uresnet' as const, { retrain: rate, window: rate }]]);
    const { flops } = totalCost(retrainNetwork(config).cost(config.patch));
    const timed = campaignNeeds(jobs, tasks, rates);
    expect(timed.get(name)?.hours).toBeCloseTo((125_000 * 8 * flops * 1e-12) / 3600, 6);
    const lines = campaignLines(paper, jobs, tasks, none);
    expect(lines.filter((line) => line.startsWith('retrain/'))).toHaveLength(55);
    expect(lines.join('\n')).toContain('141 jobs, not timed');
    expect(lines.join('\n')).toContain('its data are not here');
    // 4 channels of float32 and labels of one byte a voxel.
    const [x, y, z] = tasks[0].plans.get('scnas')?.plan.medianShape ?? expect.fail();
    expect(preparedBytes(tasks[0])).toBe(484 * 17 * x * y * z);
  });
});

describe('the campaign’s folder', () => {
  it('takes more folds, and refuses other settings', () => {
    const dir = path.join(folder, 'campaign');
    const write = (fields: object) =>
      writeCampaign(dir, { ...paper, ...fields }, campaignJobs(paper), new Map());
    write({ folds: [0] });
    write({ folds: [0, 1], seeds: [0, 1] });
    expect(() => write({ set: ['retrain.steps=1'] })).toThrow('choose another --out');
    expect(() => write({ data: '/elsewhere' })).toThrow('choose another --out');
  });

  it('has one process at work; the lock of a dead one, or of another machine, is taken over', () => {
    const file = path.join(folder, 'lock');
    const put = (pids: readonly unknown[], host = os.hostname()) =>
      fs.writeFileSync(file, JSON.stringify({ pids, host }));
    // The parent of this process is the test runner, which lives.
    put([process.ppid]);
    expect(() => takeLock(file, 'this run')).toThrow(`found process ${process.ppid}`);
    put([process.ppid], 'another-machine');
    takeLock(file, 'this run').release();
    put([2 ** 22 + 1]);
    takeLock(file, 'this run').release();
    fs.writeFileSync(file, '{"pids": "cut');
    const lock = takeLock(file, 'this run');
    lock.also(process.ppid);
    expect(() => takeLock(file, 'this run')).toThrow('wait for it or end it');
    lock.release();
    expect(fs.existsSync(file)).toBe(false);
  });
});
