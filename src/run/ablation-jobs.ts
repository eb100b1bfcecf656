/** The variants of an ablation one after the other in this process, or several at a time in processes of their own. */
import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import type { Dataset } from '../data/msd';
import { fail, ScnasError } from '../engine/errors';
import type { Operation } from '../paper/operations';
import { runVariant, type Variant, variantFolder, variantRun } from './ablation';
import type { Hooks } from './phase';
import type { Planned } from './plan';
import { Interrupted } from './stop';

/** A variant with a seed. */
export interface AblationJob {
  readonly variant: Variant;
  readonly seed: number;
}

/** All variants with the first seed, then with the next: what is there early is a whole table. */
export function jobsOf(variants: readonly Variant[], seeds: readonly number[]): AblationJob[] {
  return seeds.flatMap((seed) => variants.map((variant) => ({ variant, seed })));
}

/** What an ablation needs to run here. */
export interface AblationWork {
  readonly dir: string;
  readonly planned: Planned;
  readonly dataset: Dataset;
  readonly operations: readonly Operation[];
  readonly hooks: Hooks<unknown>;
  /** Gets a line before each job and for each that failed. */
  readonly say: (line: string) => void;
}

/**
 * Runs the jobs in this process; what is done is skipped, what was left goes on.
 *
 * Errors: a ScnasError after the last job, where some failed (a loss that is no number, another configuration in the folder).
 */
export async function runJobs(jobs: readonly AblationJob[], work: AblationWork): Promise<void> {
  const { dir, planned, dataset, operations, hooks, say } = work;
  await eachJob(jobs, 1, say, async ({ variant, seed }) => {
    await runVariant(variantRun(dir, planned, variant, seed), dataset, operations, hooks);
  });
}

/** Runs the jobs by a command line of this program each, `jobs` at a time; a signal goes on to them. */
export async function spawnJobs(
  jobs: readonly AblationJob[],
  atOnce: number,
  words: readonly string[],
  { signal, say }: { readonly signal?: AbortSignal; readonly say: (line: string) => void },
): Promise<void> {
  const threads = process.env.SCNAS_THREADS ?? Math.max(1, Math.floor(os.availableParallelism() / atOnce));
  const env = { ...process.env, SCNAS_THREADS: String(threads) };
  await eachJob(jobs, atOnce, say, async (job) => {
    if (signal?.aborted) throw new Interrupted('stopped; the same command goes on');
    const own = ['ablate', ...words, '--only', job.variant.name, '--seeds', String(job.seed)];
    const child = spawn(process.execPath, [path.join(__dirname, 'bin.js'), ...own], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const stop = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    let last = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n').filter((l) => l.trim() !== '')) {
        last = line;
        say(`${nameOf(job)}: ${line}`);
      }
    });
    const code = await new Promise<number | null>((resolve, reject) =>
      child.on('error', reject).on('close', resolve),
    );
    signal?.removeEventListener('abort', stop);
    if (signal?.aborted) throw new Interrupted('stopped; the same command goes on');
    if (code !== 0) throw new ScnasError(last || `ended with exit code ${code}`);
  });
}

const nameOf = ({ variant, seed }: AblationJob) => variantFolder('', variant, seed);

/** Does every job, so many at a time; one that fails clearly is told and does not keep the others from running. */
async function eachJob(
  jobs: readonly AblationJob[],
  atOnce: number,
  say: (line: string) => void,
  one: (job: AblationJob) => Promise<void>,
): Promise<void> {
  const failed: string[] = [];
  let next = 0;
  const serve = async () => {
    while (next < jobs.length) {
      const at = next++;
      say(`${nameOf(jobs[at])} (${at + 1} of ${jobs.length})`);
      try {
        await one(jobs[at]);
      } catch (error) {
        if (!(error instanceof ScnasError)) throw error;
        failed.push(nameOf(jobs[at]));
        say(`${nameOf(jobs[at])} failed: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, serve));
  if (failed.length > 0)
    fail({
      where: 'ablation',
      expected: `${jobs.length} runs`,
      found: `${failed.length} that failed: ${failed.join(', ')}`,
      next: 'see their lines above; the others are done',
    });
}
