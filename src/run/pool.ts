/** Work on many cases in a few worker threads, one job a thread at a time; results come in the order of the jobs. */
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { ScnasError } from '../engine/errors';
import { Interrupted } from './stop';

/** What a worker answers. */
export type Reply<Result> = { readonly result: Result } | { readonly error: string; readonly clear: boolean };

export interface PoolOptions<Job, Result> {
  readonly jobs: readonly Job[];
  /** A TypeScript file beside this one, whose thread answers each job with a {@link Reply}. */
  readonly script: string;
  /** At most this many threads. */
  readonly threads: number;
  /** Ends the work after the jobs under way. */
  readonly signal?: AbortSignal;
  /** Called after each job with the number done. */
  readonly onDone?: (done: number, result: Result) => void;
}

/** Threads for work that holds up to `bytes` at once in each: the cores, as far as half of the memory allows. */
export function threadsFor(bytes: number): number {
  const fit = Math.floor(memoryBytes() / 2 / Math.max(1, bytes));
  return Math.max(1, Math.min(os.availableParallelism(), fit));
}

/** Memory of this machine, or what its container allows. */
export function memoryBytes(): number {
  const allowed = process.constrainedMemory?.() ?? 0;
  return allowed > 0 ? Math.min(allowed, os.totalmem()) : os.totalmem();
}

/** Does the jobs. The first error ends it, with every thread. Errors: what a job threw; Interrupted. */
export async function inThreads<Job, Result>(options: PoolOptions<Job, Result>): Promise<Result[]> {
  const { jobs, script, threads, signal, onDone } = options;
  const results = new Array<Result>(jobs.length);
  let next = 0;
  let done = 0;
  const load = [path.join(__dirname, '..', 'register.js'), path.join(__dirname, script)];
  const text = load.map((file) => `require(${JSON.stringify(file)});`).join('\n');
  const workers = Array.from(
    { length: Math.min(threads, jobs.length) },
    () => new Worker(text, { eval: true, execArgv: [] }),
  );
  const serve = async (worker: Worker) => {
    while (next < jobs.length && !signal?.aborted) {
      const at = next++;
      const reply = await answer<Job, Result>(worker, jobs[at]);
      if ('error' in reply) throw reply.clear ? new ScnasError(reply.error) : new Error(reply.error);
      results[at] = reply.result;
      onDone?.(++done, reply.result);
    }
  };
  try {
    await Promise.all(workers.map(serve));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  if (signal?.aborted && done < jobs.length)
    throw new Interrupted(`stopped after ${done} of ${jobs.length} cases, which are kept`);
  return results;
}

function answer<Job, Result>(worker: Worker, job: Job): Promise<Reply<Result>> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the thread that prepares cases has ended'));
    const finish = (settle: () => void) => {
      worker.off('message', onMessage);
      worker.off('error', onError);
      worker.off('exit', ended);
      settle();
    };
    const onMessage = (reply: Reply<Result>) => finish(() => resolve(reply));
    const onError = (error: Error) => finish(() => reject(error));
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.on('exit', ended);
    worker.postMessage(job);
  });
}
