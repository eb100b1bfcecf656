/** The machine, its versions and what it can do at most. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fail } from '../src/engine/errors';
import { commit } from '../src/run/machine';
import type { Peak } from './statistics';

/** Everything that the benchmark builds or installs lies here; git ignores it. */
export const WORK = path.join(__dirname, '..', '.bench');

const compiler = () => process.env.CXX || 'c++';

/** Facts that decide what the numbers mean. */
export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly compiler: string;
  readonly commit: string;
  /** Load of the last minute before the run began: above 0.5 other programs were at work. */
  readonly load: number;
}

/** The facts of this machine. */
export function machineFacts(): MachineFacts {
  const run = (command: string, ...args: string[]) => {
    try {
      return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
        '\n',
      )[0];
    } catch {
      return 'unknown';
    }
  };
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.arch()}`,
    compiler: run(compiler(), '--version'),
    commit: commit(),
    load: os.loadavg()[0],
  };
}

/**
 * Compiles bench/peak.cc and measures with it.
 * @throws ScnasError where it does not compile
 */
export function measurePeak(threads: number, milliseconds = 600): Peak {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-peak-'));
  try {
    const program = path.join(folder, 'peak');
    const tuned = process.arch === 'arm64' ? '-mcpu=native' : '-march=native';
    const flags = ['-O3', tuned, '-std=c++17', '-ffp-contract=fast', '-pthread'];
    execFileSync(compiler(), [...flags, path.join(__dirname, 'peak.cc'), '-o', program], { stdio: 'pipe' });
    return JSON.parse(execFileSync(program, [String(threads), String(milliseconds)], { encoding: 'utf8' }));
  } catch (error) {
    const found = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const next = 'install a C++ compiler (environment.md)';
    return fail({ where: 'bench/peak.cc', expected: 'a program that runs', found, next });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The better of two measurements: one before and one after the run. */
export const better = (a: Peak, b: Peak): Peak => ({
  gflops: Math.max(a.gflops, b.gflops),
  copyGBs: Math.max(a.copyGBs, b.copyGBs),
});
