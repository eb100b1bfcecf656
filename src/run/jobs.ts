/** Many runs as jobs: one after the other in this process, or several at a time in processes of their own. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { fail, ScnasError } from '../engine/errors';
import { Interrupted } from './stop';

/** A run to be done or gone on with. */
export interface Job {
  /** Its folder below the jobs' own, which is also its name. */
  readonly name: string;
  /** Does it in this process. */
  readonly work: () => Promise<void>;
  /** Words of this program's command line that do it alone. */
  readonly words: readonly string[];
}

export interface JobOptions {
  /** Jobs at a time; 1: in this process, one after the other. */
  readonly atOnce: number;
  readonly signal?: AbortSignal;
  /** Gets a line before each job and for each that failed, and the lines of processes. */
  readonly say: (line: string) => void;
}

/**
 * Does every job; one that fails clearly is told and does not keep the others from running.
 *
 * Errors: a ScnasError after the last job, where some failed (a loss that is no number, another configuration in the folder); Interrupted.
 */
export async function runJobs(jobs: readonly Job[], { atOnce, signal, say }: JobOptions): Promise<void> {
  const failed: string[] = [];
  let next = 0;
  const serve = async () => {
    while (next < jobs.length) {
      const job = jobs[next++];
      if (signal?.aborted) throw new Interrupted('stopped; to go on: the same command');
      say(`${job.name} (${next} of ${jobs.length})`);
      try {
        await (atOnce === 1 ? job.work() : inProcess(job, { atOnce, signal, say }));
      } catch (error) {
        if (!(error instanceof ScnasError)) throw error;
        failed.push(job.name);
        say(`${job.name} failed: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, serve));
  if (failed.length > 0)
    fail({
      where: 'jobs',
      expected: `${jobs.length} finished runs`,
      found: `${failed.length} that failed: ${failed.join(', ')}`,
      next: 'see their lines above; the others are done',
    });
}

/** A job by a process with its share of the cores; a stop goes on to it, and it leaves a checkpoint as every run does. */
async function inProcess({ name, words }: Job, { atOnce, signal, say }: JobOptions): Promise<void> {
  const threads = process.env.SCNAS_THREADS ?? Math.max(1, Math.floor(os.availableParallelism() / atOnce));
  const child = spawn(process.execPath, [path.join(__dirname, 'bin.js'), ...words], {
    env: { ...process.env, SCNAS_THREADS: String(threads) },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true, // else Ctrl-C would reach it twice, from the terminal and from here, and the second ends it within a step
  });
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  let last = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((l) => l.trim() !== '')) {
      last = line;
      say(`${name}: ${line}`);
    }
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  signal?.removeEventListener('abort', stop);
  if (signal?.aborted) throw new Interrupted('stopped; to go on: the same command');
  if (code !== 0) throw new ScnasError(last || `ended with exit code ${code}`);
}
