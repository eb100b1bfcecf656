/**
 * Batches for each step of a loop, drawn ahead of time in a worker thread. A batch is a pure function of its key, so it is the same as one drawn
 * in line, however far ahead the worker is.
 */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CaseSource } from '../data/cached-case';
import { type Batch, type BatchOptions, drawBatch } from '../data/patches';
import { ScnasError } from '../engine/errors';
import type { Key } from '../engine/keys';
import type { Config } from './config';

/** A batch to draw: from which set of cases, by which key. */
export interface Draw {
  readonly set: string;
  readonly key: Key;
}

export interface BatchStreamOptions {
  readonly sets: Readonly<Record<string, readonly CaseSource[]>>;
  readonly options: BatchOptions;
  /** The batches that a step needs. */
  readonly drawsOf: (step: number) => readonly Draw[];
  /** The first step, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Steps drawn ahead; 0 draws in this thread. */
  readonly ahead: number;
}

/** How a phase of a run draws its batches. */
export function batchOptions(config: Config, phase: 'search' | 'retrain'): BatchOptions {
  const { patch, foreground, mirror, augment, maskStatistics } = config;
  return { batch: config[phase].batch, patch, foreground, mirror, augment, zeroOutside: maskStatistics };
}

/** The batches of one step after the other. */
export interface BatchStream {
  next(): Promise<readonly Batch[]>;
  /** Ends the worker. */
  close(): Promise<void>;
}

/** A stream of batches for the steps `from` … `to − 1`. */
export function batchStream(options: BatchStreamOptions): BatchStream {
  const { drawsOf, from, to, ahead } = options;
  const { draw, close } = ahead > 0 ? threaded(options) : inline(options);
  const pending: Promise<readonly Batch[]>[] = [];
  let asked = from;
  const ask = () => {
    const batches = Promise.all(drawsOf(asked++).map(draw));
    batches.catch(() => undefined);
    pending.push(batches);
  };
  return {
    next() {
      while (pending.length <= ahead && asked < to) ask();
      const first = pending.shift();
      return first ?? Promise.reject(new RangeError(`no step ${asked}: the stream ends before ${to}`));
    },
    close,
  };
}

interface Source {
  draw(request: Draw): Promise<Batch>;
  close(): Promise<void>;
}

function inline({ sets, options }: BatchStreamOptions): Source {
  return { draw: async ({ set, key }) => drawBatch(sets[set], options, key), close: async () => undefined };
}

type Reply = { readonly id: number; readonly batch?: Batch; readonly error?: string };

function threaded({ sets, options }: BatchStreamOptions): Source {
  const load = [path.join(__dirname, '..', 'register.js'), path.join(__dirname, 'prefetch-worker.ts')];
  const worker = new Worker(load.map((file) => `require(${JSON.stringify(file)});`).join('\n'), {
    eval: true,
    execArgv: [],
    workerData: { sets, options },
  });
  worker.unref();
  const waiting = new Map<number, { resolve(batch: Batch): void; reject(error: Error): void }>();
  let dead: Error | undefined;
  const die = (error: Error) => {
    dead = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const receive = ({ id, batch, error }: Reply) => {
    const waiter = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (batch) waiter?.resolve(batch);
    else waiter?.reject(new ScnasError(error));
  };
  worker.on('message', receive);
  worker.on('error', die);
  worker.on('exit', () => die(new Error('the thread that draws batches has ended')));
  let count = 0;
  return {
    draw: ({ set, key }) =>
      new Promise((resolve, reject) => {
        if (dead) return reject(dead);
        const id = count++;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, set, key });
      }),
    close: async () => {
      // Batches that nobody has read would let go of the thread, and a process that waits for nothing but its end would end at once.
      worker.off('message', receive);
      worker.ref();
      await worker.terminate();
    },
  };
}
