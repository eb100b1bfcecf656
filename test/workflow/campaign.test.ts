/**
 * The smoke campaign, for real: three phantom tasks, one fold, four methods, on two cores. Its processes are killed all at once while jobs are at
 * work, then the same command goes on; the table comes from the records.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaignJobs, campaignOf } from '../../src/run/campaign';
import { readRecord } from '../../src/run/folder';
import { snakemakePython } from '../../src/run/workflow';

const root = path.join(__dirname, '../..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-campaign-'));
const out = path.join(folder, 'table1');
const options = ['--config', 'smoke', '--cores', '2', '--out', out];
const jobs = campaignJobs(campaignOf({ config: 'smoke', set: [] }));
const running = new Set<ChildProcess>();

const start = (...more: string[]) => {
  const child = spawn(process.execPath, [path.join(root, 'src/run/bin.js'), 'table1', ...options, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
  const end = new Promise<{ code: number | null; text: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, text })),
  );
  return { child, end };
};

const killGroup = ({ pid }: ChildProcess) => {
  if (pid) process.kill(-pid, 'SIGKILL');
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const done = () =>
  jobs.filter(({ name }) => fs.existsSync(path.join(out, 'done', name))).map(({ name }) => name);
/** Checkpoints of the runs, with the time of their last change. */
const checkpoints = () => {
  const runs = path.join(out, 'runs');
  if (!fs.existsSync(runs)) return [];
  return fs
    .readdirSync(runs, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.safetensors') && file.includes('checkpoint'));
};

beforeAll(() => {
  // Installs Snakemake where it is not there yet: not a part of the campaign's time.
  snakemakePython(() => {});
}, 600_000);

afterAll(() => {
  for (const child of running) if (child.exitCode === null && child.signalCode === null) killGroup(child);
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('the smoke campaign', { timeout: 600_000 }, () => {
  let kept: readonly string[] = [];

  it('is killed, all processes at once, while a job has a checkpoint and no end', async () => {
    const { child, end } = start();
    const atWork = () =>
      checkpoints().some((file) => {
        const [, task, run, , phase] = ['', ...file.split(path.sep)];
        return !done().includes(`${path.basename(phase, '.safetensors')}/${task}/${run}`);
      });
    let over = false;
    void end.then(() => (over = true));
    while (!over && !(done().length >= 3 && atWork())) await pause(30);
    killGroup(child);
    const { code, text } = await end;
    expect(code, text).toBeNull();
    kept = checkpoints();
    expect(kept.length).toBeGreaterThan(0);
    expect(done().length).toBeLessThan(jobs.length);
  });

  it('goes on with the same command: nothing that was done is done again, and no checkpoint was lost', async () => {
    const before = new Map(done().map((name) => [name, fs.statSync(path.join(out, 'done', name)).mtimeMs]));
    const { end } = start();
    const { code, text } = await end;
    expect(code, text).toBe(0);
    expect(done()).toHaveLength(jobs.length);
    for (const [name, time] of before)
      expect(fs.statSync(path.join(out, 'done', name)).mtimeMs, name).toBe(time);
    for (const file of kept) expect(fs.existsSync(path.join(out, 'runs', file)), file).toBe(true);
    // A job that began anew would say so: its checkpoint would have been refused or overwritten from step 0.
    const logs = jobs
      .map(({ name }) => path.join(out, 'logs', `${name}.log`))
      .filter((file) => fs.existsSync(file));
    expect(logs).toHaveLength(jobs.length);
    for (const file of logs) expect(fs.readFileSync(file, 'utf8')).not.toContain('expected');
  });

  it('every job ran with its own threads, and every run is whole', () => {
    for (const { run } of jobs.filter(({ rule }) => rule === 'evaluate')) {
      const dir = path.join(out, 'runs', `${run?.task}/${run?.method}-fold${run?.fold}-seed${run?.seed}`);
      const record = readRecord({ dir });
      expect(record.threads).toBe(1);
      expect(record.method).toBe(run?.method);
      expect(record.phases.retrain.steps).toBe(80);
      expect(record.facts.phantom).toBe(true);
      const steps = fs
        .readFileSync(path.join(dir, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ phase }) => phase === 'retrain')
        .map(({ step }) => step);
      expect(steps).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
    }
  });

  it('makes the table: every cell but the brain’s transfer is run, and every number says phantom', () => {
    const { tables, runs } = JSON.parse(fs.readFileSync(path.join(out, 'table', 'table.json'), 'utf8'));
    expect(tables).toHaveLength(1);
    expect(runs).toHaveLength(11);
    const notRun = tables[0].rows.map(
      ({ cells }: { cells: { ours: number | null }[] }) => cells.filter(({ ours }) => ours === null).length,
    );
    expect(notRun).toEqual([0, 0, 0, 4]);
    for (const { cells } of tables[0].rows)
      for (const { ours, phantom, difference, runs: behind } of cells)
        if (ours !== null) expect([phantom, difference, behind.length]).toEqual([true, null, 1]);
    for (const file of ['table.md', 'table.html'])
      for (const { href, files } of runs)
        for (const name of files) {
          expect(fs.readFileSync(path.join(out, 'table', file), 'utf8')).toContain(`${href}/${name}`);
          expect(fs.existsSync(path.join(out, 'table', href, name))).toBe(true);
        }
  });

  it('has nothing left to do, and refuses another configuration in its folder', async () => {
    const again = await start().end;
    expect(again.code, again.text).toBe(0);
    const other = await start('--set', 'retrain.steps=9').end;
    expect(other.code).toBe(1);
    expect(other.text).toContain('choose another --out');
  });
});
