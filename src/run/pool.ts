/** Work on many cases, in this thread or in a few others, one job a thread at a time; results come in the order of the jobs. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { ScnasError } from '../engine/errors';
import { Interrupted } from './stop';

/** What a worker answers. */
export type Reply<Result> = { readonly result: Result } | { readonly error: string; readonly clear: boolean };

export interface PoolOptions<Job, Result> {
  readonly jobs: readonly Job[];
  /** Does one job in this thread. */
  readonly work: (job: Job) => Result;
  /** A TypeScript file beside this one, whose thread does the same and answers with a {@link Reply}. */
  readonly script: string;
  /** At most this many threads; 0: this thread. */
  readonly threads: number;
  /** Ends the work of threads after the jobs under way; work in this thread is little and is done to its end. */
  readonly signal?: AbortSignal;
  /** Called after each job with the number done. */
  readonly onDone?: (done: number, result: Result) => void;
}

/** A file of so many bytes may become so many in memory: packed by three, two bytes a voxel to four, three copies. */
const GROWTH = 18;
/** Below this a thread takes longer to start than its work. */
const WORTH_A_THREAD = 2 ** 22;

/** Threads for work on the volumes of these files: none for little work, else the cores, as far as half of the memory allows. */
export function threadsFor(files: readonly string[]): number {
  const sizes = files.map((file) => fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  if (sizes.reduce((a, b) => a + b, 0) < WORTH_A_THREAD) return 0;
  const fit = Math.floor(memoryBytes() / 2 / (GROWTH * Math.max(1, ...sizes)));
  return Math.max(1, Math.min(os.availableParallelism(), fit));
}

/** Memory of this machine, or what its container allows. */
export function memoryBytes(): number {
  const allowed = process.constrainedMemory?.() ?? 0;
  return allowed > 0 ? Math.min(allowed, os.totalmem()) : os.totalmem();
}

/** Does the jobs. The first error ends it, with every thread; a signal ends it after the jobs under way. Errors: what a job threw; Interrupted. */
export async function doAll<Job, Result>(options: PoolOptions<Job, Result>): Promise<Result[]> {
  const { jobs, work, script, threads, signal, onDone } = options;
  const results = new Array<Result>(jobs.length);
  let next = 0;
  let done = 0;
  const serve = async (one: (job: Job) => Promise<Result>) => {
    while (next < jobs.length && !(threads > 0 && signal?.aborted)) {
      const at = next++;
      results[at] = await one(jobs[at]);
      onDone?.(++done, results[at]);
      // Signals and timers get their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  if (threads === 0) await serve(async (job) => work(job));
  else {
    const workers = startWorkers(script, Math.min(threads, jobs.length));
    try {
      await Promise.all(workers.map((worker) => serve((job) => answer<Job, Result>(worker, job))));
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  }
  if (done < jobs.length)
    throw new Interrupted(
      `stopped after ${done} of ${jobs.length} cases, which are kept; run it again to go on`,
    );
  return results;
}

function startWorkers(script: string, count: number): Worker[] {
  const load = [path.join(__dirname, '..', 'register.js'), path.join(__dirname, script)];
  const text = load.map((file) => `require(${JSON.stringify(file)});`).join('\n');
  return Array.from({ length: count }, () => new Worker(text, { eval: true, execArgv: [] }));
}

/** What a worker makes of a job. */
function answer<Job, Result>(worker: Worker, job: Job): Promise<Result> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the thread that prepares cases has ended'));
    const finish = (settle: () => void) => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', ended);
      settle();
    };
    const onMessage = (reply: Reply<Result>) =>
      finish(() => {
        if ('result' in reply) resolve(reply.result);
        else reject(reply.clear ? new ScnasError(reply.error) : new Error(reply.error));
      });
    const onError = (error: Error) => finish(() => reject(error));
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', ended);
    worker.postMessage(job);
  });
}
