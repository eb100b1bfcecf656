/**
 * What preparing batches costs a training loop: patches with nnU-Net v1's augmentation, drawn by the worker thread while a step computes.
 *
 *     node setup/run.mjs bench/prepare.ts [X,Y,Z] [BATCH] [STEP SECONDS] [STEPS]
 *
 * Prints JSON: seconds of drawing one batch and of putting it on the device (the least of 20), and of waiting for it in a loop whose step keeps
 * the main thread busy for the given time, each also as a share of the step; the worker's start is apart. Cases: phantoms of hippocampi.
 */
import { drawBatch } from '../src/data/patches';
import { phantomCase } from '../src/data/phantom';
import { prepareCase } from '../src/data/preprocess';
import { key } from '../src/engine/keys';
import type { Shape3 } from '../src/engine/model';
import { tf } from '../src/engine/tf';
import { toTensors } from '../src/run/phase';
import { batchStream } from '../src/run/prefetch';

const [patchText = '40,56,40', batchText = '2', stepText = '0.25', stepsText = '20'] = process.argv.slice(2);
const patch = patchText.split(',').map(Number) as unknown as Shape3;
const [batch, step, steps] = [batchText, stepText, stepsText].map(Number);
const options = { batch, patch, foreground: 0.33, mirror: true, augment: 'nnunet' } as const;
const cases = Array.from({ length: 4 }, (_, i) =>
  prepareCase({ ...phantomCase('Task04_Hippocampus', key(1, 'case', i)), id: `case ${i}` }, 3),
);

const seconds = (f: () => void) => {
  const began = performance.now();
  f();
  return (performance.now() - began) / 1000;
};
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const least = (f: (i: number) => void) =>
  Math.min(...Array.from({ length: 20 }, (_, i) => seconds(() => f(i))));

/** Median and greatest wait for a batch while steps compute, and the wait for the first, which is the worker's start. */
async function waits(): Promise<{ first: number; median: number; greatest: number }> {
  const drawsOf = (s: number) => [{ set: 'train', key: key(5, 'batch', s) }];
  const stream = batchStream({ sets: { train: cases }, options, drawsOf, from: 0, to: steps, ahead: 2 });
  const waited: number[] = [];
  for (let s = 0; s < steps; s++) {
    const began = performance.now();
    await stream.next();
    waited.push((performance.now() - began) / 1000);
    while (performance.now() - began < (waited[s] + step) * 1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await stream.close();
  const later = waited.slice(1);
  return { first: waited[0], median: median(later), greatest: Math.max(...later) };
}

async function main(): Promise<void> {
  const draw = least((i) => drawBatch(cases, options, key(1, i)));
  const ready = drawBatch(cases, options, key(1));
  const upload = least(() => {
    const { x, y } = toTensors(ready);
    tf.tidy(() => [x, y].map((t) => t.flatten().slice(0, 1).dataSync()));
    tf.dispose([x, y]);
  });
  const wait = await waits();
  const share = { draw: draw / step, upload: upload / step, wait: wait.median / step };
  console.log(JSON.stringify({ patch, batch, step, draw, upload, wait, share }, null, 1));
}

main();
