/** The predicted peak of a training step against the measured one, in a process of its own; a user is told that a step fits, and it must. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { kernels } from '../../src/engine/kernels';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-memory-'));
const root = path.join(__dirname, '..', '..');
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** GiB of two steps of batch 2 of 56³ at stem 16. */
function peak(phase: 'search' | 'retrain', recompute: boolean): { predicted: number; measured: number } {
  const set = ['patch=56,56,56', `${phase}.recompute=${recompute}`, 'ahead=0'];
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      '--require',
      path.join(root, 'src', 'register.js'),
      path.join(root, 'bench', 'plan.ts'),
      ...['phantom:Task04_Hippocampus', 'laptop', 'memory', '2', ...set],
    ],
    { encoding: 'utf8', env: { ...process.env, SCNAS_BENCH_PART: phase, SCNAS_CACHE: folder } },
  );
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout).result[phase];
}

// The portable kernels keep more.
describe.skipIf(kernels().name !== 'native')('the peak of a step', { timeout: 240_000 }, () => {
  it.each([
    ['search', false],
    ['search', true],
    ['retrain', false],
    ['retrain', true],
  ] as const)('of a %s, recompute %s, is as predicted within a quarter', (phase, recompute) => {
    const { predicted, measured } = peak(phase, recompute);
    expect(measured).toBeGreaterThan(0.7);
    const ratio = predicted / measured;
    expect(ratio, `${predicted} GiB predicted, ${measured} measured`).toBeGreaterThan(0.8);
    expect(ratio, `${predicted} GiB predicted, ${measured} measured`).toBeLessThan(1.25);
  });
});
