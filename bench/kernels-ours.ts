/**
 * Our side of the kernels: times one, native or portable (stock TensorFlow), each time it is asked.
 *
 *     node --require ./src/register.js bench/kernels-ours.ts
 */
import { createInterface } from 'node:readline';
import { gradients } from '../src/engine/gradients';
import type { Kernels } from '../src/engine/kernels';
import type { Tensor5D } from '../src/engine/model';
import { native } from '../src/engine/native';
import { portable } from '../src/engine/portable';
import { tf } from '../src/engine/tf';
import { type KernelSpec, steppingOf } from './kernel-list';
import { median } from './statistics';

/** What a side answers for a kernel. */
export interface KernelTime {
  /** Median of the repeats. */
  readonly seconds: number;
  readonly fastest: number;
  readonly repeats: number;
  /** Some numbers of the result, for comparison. */
  readonly sample: readonly number[];
}

/** How many numbers of a result are compared. */
const SAMPLE = 64;

/** Numbers in [−1, 1) by a hash of their place: the same in bench/torch/kernels.py. */
export function values(n: number, seed: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => {
    let h = Math.imul(i + seed * 7919 + 1, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
    return ((h ^ (h >>> 13)) >>> 0) / 2 ** 31 - 1;
  });
}

const filled = (shape: readonly number[], seed: number) =>
  tf.tensor(
    values(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape as number[],
  );

/** The weights of a kernel, and the kernel as a function of x and them. */
function kernelOf({ kernel, shape }: KernelSpec): {
  readonly weights: readonly (readonly number[])[];
  apply(k: Kernels, x: Tensor5D, w: readonly tf.Tensor[]): Tensor5D;
} {
  const c = shape[4];
  const step = steppingOf(kernel);
  const half = Math.ceil(c / 2);
  if (kernel.startsWith('conv3') || kernel === 'pointwise unit') {
    const side = kernel === 'pointwise unit' ? 1 : 3;
    return {
      weights: [[side, side, side, c, c]],
      apply: (k, x, [w]) => k.convUnit(x, w as tf.Tensor5D, step),
    };
  }
  if (kernel.startsWith('separable'))
    return {
      weights: [
        [3, 3, 3, c],
        [c, c],
      ],
      apply: (k, x, [d, p]) => k.separableUnit(x, d as tf.Tensor4D, p as tf.Tensor2D, step),
    };
  if (kernel === 'factorized reduce unit')
    return {
      weights: [
        [c, half],
        [c, c - half],
      ],
      apply: (k, x, [even, odd]) => k.reduceUnit(x, even as tf.Tensor2D, odd as tf.Tensor2D),
    };
  if (kernel === 'instance norm') return { weights: [], apply: (k, x) => k.instanceNorm(x) };
  if (kernel === 'upsample ×2') return { weights: [], apply: (k, x) => k.upsample(x) };
  return { weights: [], apply: (k, x) => k.pool(x, kernel.startsWith('max') ? 'max' : 'avg', step.stride) };
}

/** Times a kernel for about `budget` seconds after one warm-up, at least three times unless that takes five budgets. */
export function timeKernel(spec: KernelSpec, implementation: Kernels, budget: number): KernelTime {
  return tf.tidy(() => {
    const { weights, apply } = kernelOf(spec);
    const xs = [filled(spec.shape, 1), ...weights.map((shape, i) => filled(shape, 2 + i))];
    const forward = () => apply(implementation, xs[0] as Tensor5D, xs.slice(1));
    const y = forward();
    const all = y.dataSync();
    const sample = Array.from(
      { length: SAMPLE },
      (_, i) => all[Math.floor((i * (all.length - 1)) / (SAMPLE - 1))],
    );
    const dy = filled(y.shape, 9);
    const once = () => {
      const begin = process.hrtime.bigint();
      tf.tidy(() => {
        if (spec.backward) gradients(forward, xs, dy);
        else forward();
      });
      return Number(process.hrtime.bigint() - begin) / 1e9;
    };
    once();
    const times: number[] = [];
    for (let spent = 0; times.length < 3 || (spent < budget && times.length < 200); ) {
      const seconds = once();
      spent += seconds;
      times.push(seconds);
      if (spent > 5 * budget) break;
    }
    return { seconds: median(times), fastest: Math.min(...times), repeats: times.length, sample };
  });
}

if (require.main === module) {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { spec, implementation, budget } = JSON.parse(line) as {
      spec: KernelSpec;
      implementation: 'native' | 'portable';
      budget: number;
    };
    const set = implementation === 'native' ? native : portable;
    process.stdout.write(`${JSON.stringify(set ? timeKernel(spec, set, budget) : { missing: true })}\n`);
  });
}
