/**
 * A run that is killed and resumed again and again ends with the bits of a straight run: search and retraining, worker thread, augmentation, micro-batches,
 * Adam and plateau state. Real processes, real SIGKILL, at moments that are random from the first look at the folder to the end of a step.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePhantom } from '../../src/data/phantom';
import { readSafeTensors } from '../../src/run/safetensors';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-resume-'));
const bin = path.join(__dirname, '../../src/run/bin.js');
const KILLS = Number(process.env.SCNAS_KILLS ?? 20);
const sets = [
  'readings.nodes=two',
  'search.stem=2',
  'retrain.stem=2',
  'search.steps=120',
  'retrain.steps=120',
  'retrain.minRate=1e-12',
  'checkpoint.steps=1',
  'augment=nnunet',
].flatMap((setting) => ['--set', setting]);

const start = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });

/** Exit code, signal and all that a process said. */
const ended = (child: ChildProcess) =>
  new Promise<{ code: number | null; signal: string | null; text: string }>((resolve) => {
    let text = '';
    child.stdout?.on('data', (data) => (text += data));
    child.stderr?.on('data', (data) => (text += data));
    child.on('close', (code, signal) => resolve({ code, signal, text }));
  });

const scnas = async (...args: string[]) => {
  const { code, text } = await ended(start(...args));
  if (code !== 0) throw new Error(`scnas ${args.join(' ')} ended with ${code}:\n${text}`);
};

const lines = (dir: string) => {
  const file = path.join(dir, 'metrics.jsonl');
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').length : 0;
};

/** Starts a process and kills it: after a random time, or a random time after its next line of metrics. An end of its own is an error. */
const killed = async (dir: string, early: boolean, args: readonly string[]): Promise<void> => {
  const child = start(...args);
  const end = ended(child);
  let over = false;
  void end.then(() => (over = true));
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  if (early) await pause(Math.random() * 1200);
  else {
    const before = lines(dir);
    while (!over && lines(dir) <= before) await pause(5);
    await pause(Math.random() * 80);
  }
  child.kill('SIGKILL');
  const { code, text } = await end;
  if (code !== null)
    throw new Error(`scnas ${args.join(' ')} ended with ${code} before it was killed:\n${text}`);
};

/** A phase that is killed so many times, then goes on to its end. */
const killedAndResumed = async (dir: string, phase: string, begin: readonly string[], kills: number) => {
  for (let kill = 0; kill < kills; kill++) {
    const begun = fs.existsSync(path.join(dir, 'config.json'));
    const args = begun ? [phase, '--run', dir, '--resume'] : [phase, ...begin, '--run', dir];
    await killed(dir, kill % 4 === 3, args);
  }
  await scnas(phase, '--run', dir, '--resume');
};

const sameFiles = (one: string, other: string, names: readonly string[]) => {
  for (const name of names)
    expect(fs.readFileSync(path.join(one, name)).equals(fs.readFileSync(path.join(other, name))), name).toBe(
      true,
    );
};

/** Everything of a checkpoint but the clock. */
const content = (dir: string, phase: string) => {
  const { tensors, metadata } = readSafeTensors(path.join(dir, 'checkpoint', `${phase}.safetensors`));
  const { seconds: _, ...rest } = metadata;
  const bytes = Object.entries(tensors).map(([name, { shape, data }]) => [
    name,
    shape,
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
  ]);
  return { rest, bytes };
};

const straight = path.join(folder, 'straight');
const broken = path.join(folder, 'broken');
let data = '';

beforeAll(() => {
  data = writePhantom({ task: 'Task04_Hippocampus', cases: 6, seed: 3, size: [20, 24, 20], out: folder });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('a run killed at random moments', () => {
  it(`${KILLS} times ends bit-identical to the straight one`, { timeout: 900_000 }, async () => {
    const begin = ['--data', data, '--config', 'smoke', ...sets];
    const whole = async () => {
      await scnas('search', ...begin, '--run', straight);
      await scnas('derive', '--run', straight);
      await scnas('retrain', '--run', straight);
    };
    const inPieces = async () => {
      await killedAndResumed(broken, 'search', begin, KILLS / 2);
      await scnas('derive', '--run', broken);
      await killedAndResumed(broken, 'retrain', [], KILLS / 2);
    };
    await Promise.all([whole(), inPieces()]);
    for (const phase of ['search', 'retrain']) {
      const [one, other] = [content(straight, phase), content(broken, phase)];
      expect(other.rest).toEqual(one.rest);
      expect(other.bytes.map(([name]) => name)).toEqual(one.bytes.map(([name]) => name));
      expect(other.bytes).toEqual(one.bytes);
      expect(one.bytes.length).toBeGreaterThan(100);
    }
    sameFiles(broken, straight, ['metrics.jsonl', 'genotype.json', 'model.safetensors', 'config.json']);
    // The plateau rule was at work, or its state would not be tested.
    expect(
      new Set(fs.readFileSync(path.join(straight, 'metrics.jsonl'), 'utf8').match(/"rate":[^,]*/g)).size,
    ).toBeGreaterThan(2);
    expect(
      fs
        .readdirSync(path.join(broken, 'checkpoint'))
        .filter((name) => name.endsWith('.safetensors'))
        .sort(),
    ).toEqual(['retrain.safetensors', 'search.safetensors']);
  });

  it("with nnU-Net, whose state is AMSGrad's maxima and the plateau's averages, is bit-identical too", {
    timeout: 300_000,
  }, async () => {
    const [one, other] = ['nnunet', 'nnunet-broken'].map((name) => path.join(folder, name));
    const begin = ['--method', 'nnunet', '--data', data, '--config', 'smoke', ...sets];
    await Promise.all([
      scnas('retrain', ...begin, '--run', one),
      killedAndResumed(other, 'retrain', begin, 4),
    ]);
    expect(content(other, 'retrain')).toEqual(content(one, 'retrain'));
    expect(content(one, 'retrain').bytes.some(([name]) => /peak/.test(String(name)))).toBe(true);
    sameFiles(other, one, ['metrics.jsonl', 'model.safetensors']);
  });

  it('and with Ctrl-C stops within a step, with exit code 130, a checkpoint, and the line that goes on', {
    timeout: 120_000,
  }, async () => {
    const dir = path.join(folder, 'stopped');
    const child = start(
      'search',
      '--data',
      data,
      '--config',
      'smoke',
      ...sets,
      '--set',
      'checkpoint.steps=1000',
      '--run',
      dir,
    );
    const end = ended(child);
    let over = false;
    void end.then(() => (over = true));
    while (!over && lines(dir) < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    const before = lines(dir);
    child.kill('SIGINT');
    const { code, text } = await end;
    expect(code).toBe(130);
    expect(text).toContain('stopping after this step');
    expect(text).toContain(`scnas search --run ${dir} --resume`);
    const step = Number(readSafeTensors(path.join(dir, 'checkpoint/search.safetensors')).metadata.step);
    expect(step).toBeLessThanOrEqual(before + 1);
    expect(lines(dir) - 1).toBe(step);
    const again = await ended(
      start('search', '--run', dir, '--resume', '--set', 'search.steps=99', '--set', 'seed=4'),
    );
    expect(again.code).toBe(1);
    expect(again.text).toContain('search.steps: 120 in the run, 99 now');
    expect(again.text).toContain('seed: 0 in the run, 4 now');
  });
});
