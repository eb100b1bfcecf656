/** The thread that works on cases: it hashes their files, looks at them, or prepares them into the cache. It never loads TensorFlow. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { ScnasError } from '../engine/errors';
import { type CaseJob, look, prepareInto } from './case-jobs';
import type { Reply } from './pool';

// Large arrays lie outside the heap and do not hurry the collector: without this a thread keeps the garbage of several cases.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

parentPort?.on('message', (job: CaseJob) => {
  let reply: Reply<unknown>;
  try {
    reply = { result: job.kind === 'look' ? look(job) : prepareInto(job) };
  } catch (error) {
    reply = { error: (error as Error).message, clear: error instanceof ScnasError };
  }
  collect();
  parentPort?.postMessage(reply);
});
