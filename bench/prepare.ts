/**
 * What preparing batches costs a training loop: patches with nnU-Net v1's augmentation, drawn by the worker thread while a step computes.
 *
 *     node setup/run.mjs bench/prepare.ts [X,Y,Z] [BATCH] [STEM] [ROUNDS]
 *
 * Prints JSON: seconds of drawing a batch (mean of 40 keys) and of putting it on the device; seconds of a retraining step of a random genotype,
 * with batches drawn beside it and with one that is ready, in turn, and of waiting for a batch. Shares are of the step without drawing; `share.cpu`
 * is the drawing's processor time against all that of the step, which other programs on the machine change least. Cases: phantoms of hippocampi.
 */
import { derivedNetwork } from '../src';
import { drawBatch } from '../src/data/patches';
import { phantomCase } from '../src/data/phantom';
import { prepareCase } from '../src/data/preprocess';
import { key } from '../src/engine/keys';
import type { Shape3 } from '../src/engine/model';
import { tf } from '../src/engine/tf';
import { initialRetrain, retrainStep } from '../src/paper/retrain';
import { resolveConfig } from '../src/run/config';
import { typicalGenotype } from '../src/run/expected';
import { networkOptions } from '../src/run/memory';
import { loadOperations } from '../src/run/operations';
import { toTensors } from '../src/run/phase';
import { batchStream } from '../src/run/prefetch';

const [patchText = '40,56,40', batchText = '2', stemText = '16', roundsText = '8'] = process.argv.slice(2);
const patch = patchText.split(',').map(Number) as unknown as Shape3;
const [batch, stem, rounds] = [batchText, stemText, roundsText].map(Number);
const options = { batch, patch, foreground: 0.33, mirror: true, augment: 'nnunet' } as const;
const cases = Array.from({ length: 4 }, (_, i) =>
  prepareCase({ ...phantomCase('Task04_Hippocampus', key(1, 'case', i)), id: `case ${i}` }, 3),
);
/** Keys that a mean is taken over: a fifth of the samples are bent, and those take most of the time. */
const KEYS = 40;

const clock = () => {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now() / 1000, cpu: (user + system) / 1e6 };
};
type Times = ReturnType<typeof clock>;
const since = (began: Times): Times => {
  const now = clock();
  return { wall: now.wall - began.wall, cpu: now.cpu - began.cpu };
};
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const middle = (times: readonly Times[]): Times => ({
  wall: median(times.map(({ wall }) => wall)),
  cpu: median(times.map(({ cpu }) => cpu)),
});
const scaled = ({ wall, cpu }: Times, by: number): Times => ({ wall: wall * by, cpu: cpu * by });

function drawing(): Times {
  for (let i = 0; i < KEYS; i++) drawBatch(cases, options, key(2, i));
  const began = clock();
  for (let i = 0; i < KEYS; i++) drawBatch(cases, options, key(1, i));
  return scaled(since(began), 1 / KEYS);
}

function uploading(): Times {
  const ready = drawBatch(cases, options, key(1));
  return middle(
    Array.from({ length: 20 }, () => {
      const began = clock();
      const { x, y } = toTensors(ready);
      tf.tidy(() => [x, y].map((t) => t.flatten().slice(0, 1).dataSync()));
      tf.dispose([x, y]);
      return since(began);
    }),
  );
}

/** Steps on a ready batch and on batches drawn beside them, a block of each in turn. */
async function steps() {
  const { operations, hash: operationsHash } = loadOperations(null);
  const given = {
    operations: operations.map((o) => o.name),
    operationsHash,
    classes: ['0', '1', '2'],
    patch,
  };
  const set = [`retrain.stem=${stem}`, `retrain.batch=${batch}`, `retrain.microBatch=${batch}`];
  const config = resolveConfig({ file: 'laptop', set, given });
  const network = networkOptions(config, 'retrain');
  const net = derivedNetwork(network, typicalGenotype(network, 0));
  let state = initialRetrain(net, config.retrain, 0);
  const take = (tensors: ReturnType<typeof toTensors>) => {
    state = retrainStep(net, config.retrain, state, tensors, config.readings).state;
  };
  const drawsOf = (s: number) => [{ set: 'train', key: key(5, 'batch', s) }];
  const ready = toTensors(drawBatch(cases, options, key(1)));
  for (let i = 0; i < 3; i++) take(ready);
  const BLOCK = 6;
  const blocks = { ready: [] as Times[], drawn: [] as Times[] };
  const waits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = round * (BLOCK + 3);
    const stream = batchStream({
      sets: { train: cases },
      options,
      drawsOf,
      from,
      to: from + BLOCK + 3,
      ahead: 2,
    });
    // The worker's start is a run's, not a step's.
    let next = await stream.next();
    let began = clock();
    for (let i = 0; i < BLOCK; i++) {
      const drawn = next.map(toTensors);
      take(drawn[0]);
      tf.dispose(drawn.flatMap(({ x, y }) => [x, y]));
      const waiting = clock();
      next = await stream.next();
      waits.push(since(waiting).wall);
    }
    blocks.drawn.push(scaled(since(began), 1 / BLOCK));
    await stream.close();
    began = clock();
    for (let i = 0; i < BLOCK; i++) take(ready);
    blocks.ready.push(scaled(since(began), 1 / BLOCK));
  }
  return { ready: middle(blocks.ready), drawn: middle(blocks.drawn), wait: median(waits) };
}

async function main(): Promise<void> {
  const draw = drawing();
  const upload = uploading();
  const step = await steps();
  const share = {
    cpu: draw.cpu / step.ready.cpu,
    longer: step.drawn.wall / step.ready.wall - 1,
    upload: upload.wall / step.ready.wall,
    wait: step.wait / step.ready.wall,
  };
  console.log(JSON.stringify({ patch, batch, stem, draw, upload, step, share }, null, 1));
}

main();
