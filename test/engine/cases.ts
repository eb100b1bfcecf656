/** One row for every kernel and every setting: its inputs, how to run it, and the naive loop it must agree with. */

import type { Kernels } from '../../src/engine/kernels';
import { gumbel, key, normal } from '../../src/engine/keys';
import type { Shape3, Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import type { Result, Value } from './naive';
import * as naive from './naive';

export interface Case {
  readonly name: string;
  /** Shape of each input; the first is x. */
  readonly shapes: readonly (readonly number[])[];
  run(k: Kernels, inputs: tf.Tensor[]): tf.Tensor;
  loop(inputs: Value[]): Result;
}

type X = Tensor5D;
type W = tf.Tensor5D;
type D = tf.Tensor4D;
type M = tf.Tensor2D;
type V = tf.Tensor1D;

/** Every case on [batch, ...space, channels], with `outputs` channels where weights decide. */
export function cases(batch: number, space: Shape3, channels: number, outputs: number): Case[] {
  const x = [batch, ...space, channels];
  const list: Case[] = [];
  const vectors = [[outputs], [outputs]];
  const strides = [1, 2] as const;

  for (const stride of strides) {
    for (const dilation of [1, 2, 3, 4]) {
      const step = { stride, dilation };
      const name = `stride ${stride} dilation ${dilation}`;
      const [cube, depth, point] = [
        [3, 3, 3, channels, outputs],
        [3, 3, 3, channels],
        [channels, outputs],
      ];
      list.push(
        {
          name: `conv3d 3³ ${name}`,
          shapes: [x, cube],
          run: (k, [a, w]) => k.conv3d(a as X, w as W, step),
          loop: ([a, w]) => naive.conv3d(a, w, stride, dilation),
        },
        {
          name: `separable ${name}`,
          shapes: [x, depth, point],
          run: (k, [a, d, p]) => k.separable(a as X, d as D, p as M, step),
          loop: ([a, d, p]) => naive.separable(a, d, p, stride, dilation),
        },
      );
      if (dilation > 2) continue;
      list.push(
        {
          name: `convUnit ${name}`,
          shapes: [x, cube],
          run: (k, [a, w]) => k.convUnit(a as X, w as W, step),
          loop: ([a, w]) =>
            naive.chain(
              naive.chain(naive.leakyRelu(a), (y) => naive.conv3d(y, w, stride, dilation)),
              naive.instanceNorm,
            ),
        },
        {
          name: `separableUnit ${name} affine`,
          shapes: [x, depth, point, ...vectors],
          run: (k, [a, d, p, gamma, beta]) =>
            k.separableUnit(a as X, d as D, p as M, step, { gamma: gamma as V, beta: beta as V }),
          loop: ([a, d, p, gamma, beta]) =>
            naive.chain(
              naive.chain(naive.leakyRelu(a), (y) => naive.separable(y, d, p, stride, dilation)),
              (y) => naive.instanceNorm(y, gamma, beta),
            ),
        },
      );
    }
    list.push({
      name: `conv3d 1³ stride ${stride}`,
      shapes: [x, [1, 1, 1, channels, outputs]],
      run: (k, [a, w]) => k.conv3d(a as X, w as W, { stride, dilation: 1 }),
      loop: ([a, w]) => naive.conv3d(a, w, stride, 1),
    });
    for (const kind of ['max', 'avg'] as const)
      list.push(
        {
          name: `pool ${kind} stride ${stride}`,
          shapes: [x],
          run: (k, [a]) => k.pool(a as X, kind, stride),
          loop: ([a]) => naive.pool(a, kind, stride),
        },
        {
          name: `poolUnit ${kind} stride ${stride} with norm`,
          shapes: [x],
          run: (k, [a]) => k.poolUnit(a as X, kind, stride, true),
          loop: ([a]) => naive.chain(naive.pool(a, kind, stride), naive.instanceNorm),
        },
        {
          name: `poolUnit ${kind} stride ${stride} without norm`,
          shapes: [x],
          run: (k, [a]) => k.poolUnit(a as X, kind, stride, false),
          loop: ([a]) => naive.pool(a, kind, stride),
        },
      );
  }

  const halves = [
    [channels, Math.ceil(outputs / 2)],
    [channels, Math.floor(outputs / 2)],
  ];
  list.push(
    {
      name: 'convUnit affine',
      shapes: [x, [3, 3, 3, channels, outputs], ...vectors],
      run: (k, [a, w, gamma, beta]) =>
        k.convUnit(a as X, w as W, { stride: 1, dilation: 1 }, { gamma: gamma as V, beta: beta as V }),
      loop: ([a, w, gamma, beta]) =>
        naive.chain(
          naive.chain(naive.leakyRelu(a), (y) => naive.conv3d(y, w, 1, 1)),
          (y) => naive.instanceNorm(y, gamma, beta),
        ),
    },
    {
      name: 'instanceNorm',
      shapes: [x],
      run: (k, [a]) => k.instanceNorm(a as X),
      loop: ([a]) => naive.instanceNorm(a),
    },
    {
      name: 'instanceNorm affine',
      shapes: [x, [channels], [channels]],
      run: (k, [a, gamma, beta]) => k.instanceNorm(a as X, { gamma: gamma as V, beta: beta as V }),
      loop: ([a, gamma, beta]) => naive.instanceNorm(a, gamma, beta),
    },
    {
      name: 'leakyRelu',
      shapes: [x],
      run: (k, [a]) => k.leakyRelu(a as X),
      loop: ([a]) => naive.leakyRelu(a),
    },
    ...[false, true].map((alignCorners) => ({
      name: `upsample ${alignCorners ? 'aligned corners' : 'half-pixel centres'}`,
      shapes: [x],
      run: (k: Kernels, [a]: tf.Tensor[]) => k.upsample(a as X, alignCorners),
      loop: ([a]: Value[]) => naive.upsample(a, alignCorners),
    })),
    {
      name: 'factorizedReduce',
      shapes: [x, ...halves],
      run: (k, [a, even, odd]) => k.factorizedReduce(a as X, even as M, odd as M),
      loop: ([a, even, odd]) => naive.factorizedReduce(a, even, odd),
    },
    {
      name: 'reduceUnit affine',
      shapes: [x, ...halves, ...vectors],
      run: (k, [a, even, odd, gamma, beta]) =>
        k.reduceUnit(a as X, even as M, odd as M, { gamma: gamma as V, beta: beta as V }),
      loop: ([a, even, odd, gamma, beta]) =>
        naive.chain(
          naive.chain(naive.leakyRelu(a), (y) => naive.factorizedReduce(y, even, odd)),
          (y) => naive.instanceNorm(y, gamma, beta),
        ),
    },
    {
      name: 'weightedSum',
      shapes: [x, x, x, [8]],
      run: (k, [a, b, c, z]) =>
        k.weightedSum(
          [a, b, c].map((value, i) => ({ value: value as X, index: [6, 0, 6][i] })),
          z as V,
        ),
      loop: ([a, b, c, z]) => naive.weightedSum([a, b, c], [6, 0, 6], z),
    },
    {
      name: 'weightedSum without ẑ',
      shapes: [x, x],
      run: (k, [a, b]) => k.weightedSum([a, b].map((value, index) => ({ value: value as X, index }))),
      loop: ([a, b]) => {
        const { y, pull } = naive.weightedSum([a, b], [0, 1], { shape: [2], data: Float64Array.of(1, 1) });
        return { y, pull: (dy) => pull(dy).slice(0, 2) };
      },
    },
  );
  return list;
}

/** Normal numbers, exact in float32, for each shape of a case. */
export function inputsOf({ name, shapes }: Case): Value[] {
  return shapes.map((shape, i) => ({
    shape,
    data: Float64Array.from(normal(key(3, name, i), naive.volume(shape))),
  }));
}

/** A gradient to pull back: skewed, so that sums of it are not near zero. */
export function cotangent({ shape }: Pick<Value, 'shape'>): Value {
  return { shape, data: Float64Array.from(Float32Array.from(gumbel(key(4, 'dy'), naive.volume(shape)))) };
}

export const tensor = ({ data, shape }: Value): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape]);

/** ‖a − b‖ / ‖b‖. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    size += b[i] ** 2;
  }
  return Math.sqrt(difference / size);
}
