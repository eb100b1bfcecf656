/** On what a run ran: what decides its bits, for checkpoints and records. */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { kernels } from '../engine/kernels';

/** Kernel set, threads and processor. */
export interface Machine {
  readonly kernels: string;
  readonly threads: number;
  readonly cpu: string;
  readonly node: string;
}

/** The facts of this process. */
export function machine(): Machine {
  return {
    kernels: kernels().name,
    threads: Number(process.env.SCNAS_THREADS) || os.availableParallelism(),
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    node: process.version,
  };
}

/** The commit of this project's own folder, with `+` where tracked files differ from it; `unknown` outside a clone. */
export function commit(): string {
  const git = (...words: string[]) =>
    execFileSync('git', words, {
      cwd: path.join(__dirname, '..', '..'),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    return (
      git('rev-parse', '--short=12', 'HEAD') +
      (git('status', '--porcelain', '--untracked-files=no') ? '+' : '')
    );
  } catch {
    return 'unknown';
  }
}
