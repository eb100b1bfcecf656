/** The thread that draws batches ahead of time: it answers {id, set, key} with a batch. It never loads TensorFlow. */
import { parentPort, workerData } from 'node:worker_threads';
import type { CaseSource } from '../data/cached-case';
import { type BatchOptions, drawBatch } from '../data/patches';
import type { Key } from '../engine/keys';

interface WorkerData {
  readonly sets: Readonly<Record<string, readonly CaseSource[]>>;
  readonly options: BatchOptions;
}

const { sets, options } = workerData as WorkerData;

parentPort?.on('message', ({ id, set, key }: { id: number; set: string; key: Key }) => {
  try {
    const batch = drawBatch(sets[set], options, key);
    parentPort?.postMessage({ id, batch }, [
      batch.image.buffer as ArrayBuffer,
      batch.label.buffer as ArrayBuffer,
    ]);
  } catch (error) {
    parentPort?.postMessage({ id, error: (error as Error).message });
  }
});
