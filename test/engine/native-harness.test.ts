import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Every convolution kernel against float64 loops, relative error 2e-6 a tensor, equal bits with 1, 2 and 3 threads. */
test('native kernels agree with plain float64 loops', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'scnas-harness-'));
  try {
    const program = join(folder, 'harness');
    const source = resolve(__dirname, '../../native/harness.cc');
    // -O1: the same code, compiled in a third of the time.
    const flags = ['-O1', '-march=native', '-std=c++17', '-pthread', source, '-o', program];
    execFileSync(process.env.CXX ?? 'g++', flags, { stdio: 'pipe' });
    expect(execFileSync(program, ['check'], { encoding: 'utf8' })).toMatch(/^all kernels agree/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
