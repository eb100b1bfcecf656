import { describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/engine/kernels';
import type { Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import fixture from '../fixtures/torch_kernels.json';
import { distance } from './cases';
import { implementations } from './implementations';

/** Largest ‖a − b‖ / ‖b‖ of a float32 kernel a against PyTorch in float64 b. */
const TOLERANCE = 1e-5;

type Op = (x: Tensor5D, ...weights: tf.Tensor[]) => Tensor5D;
type W = tf.Tensor5D;
type D = tf.Tensor4D;
type M = tf.Tensor2D;
type V = tf.Tensor1D;

/** What a row's name asks for: the kernel, then stride and dilation, or the kind of pooling and its stride. */
function op(k: Kernels, name: string): Op {
  const [kernel, ...words] = name.split(' ');
  const [stride, dilation] = words.slice(-2).map(Number);
  switch (kernel) {
    case 'conv3d':
      if (words[0] === '1³') return (x, w) => k.conv3d(x, w as W, { stride: 2, dilation: 1 });
      return (x, w) => k.conv3d(x, w as W, { stride: stride as 1 | 2, dilation });
    case 'separable':
      return (x, d, p) => k.separable(x, d as D, p as M, { stride: stride as 1 | 2, dilation });
    case 'pool':
      return (x) => k.pool(x, words[0] as 'max' | 'avg', Number(words[1]) as 1 | 2);
    case 'instanceNorm':
      return (x, gamma, beta) =>
        k.instanceNorm(x, gamma && { gamma: gamma as tf.Tensor1D, beta: beta as tf.Tensor1D });
    case 'leakyRelu':
      return k.leakyRelu;
    case 'upsample':
      return (x) => k.upsample(x, words[0] === 'aligned');
    case 'factorizedReduce':
      return (x, even, odd) => k.factorizedReduce(x, even as M, odd as M);
    case 'convUnit':
      return (x, w) => k.convUnit(x, w as W, { stride: 2, dilation: 2 });
    case 'separableUnit':
      return (x, d, p, gamma, beta) =>
        k.separableUnit(
          x,
          d as D,
          p as M,
          { stride: 1, dilation: 3 },
          { gamma: gamma as V, beta: beta as V },
        );
    case 'reduceUnit':
      return (x, even, odd, gamma, beta) =>
        k.reduceUnit(x, even as M, odd as M, { gamma: gamma as V, beta: beta as V });
    case 'stridedConv3d':
      return (x, w) => k.stridedConv3d(x, w as W, JSON.parse(name.split(/ (?=\[)/)[1]));
    case 'upUnit':
      return (x, w) => k.upUnit(x, w as W);
    case 'gate':
      return (x, a) => k.gate(x, a as Tensor5D);
    case 'poolUnit':
      return (x) => k.poolUnit(x, 'max', 2, true);
    default:
      throw new Error(`no kernel for the row ${name}`);
  }
}

/** The formula of test/oracles/torch_kernels.py. */
function values(shape: number[], salt: number): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((7919 * i + 104729 * salt) % 2003) / 1001.5 - 1),
    shape,
  );
}
function ties(shape: number[]): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((7919 * i) % 2003) % 3),
    shape,
  );
}
function unpack(text: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer);
}

describe.each(implementations)('$name kernels agree with PyTorch within 1e-5 a tensor', (k) => {
  it.each(fixture.rows)('$name', (row) => {
    tf.tidy(() => {
      const inputs = row.shapes.map((shape, salt) =>
        row.inputs === 'ties' ? ties(shape) : values(shape, salt),
      );
      const dy = values(row.y.shape, 99);
      const run = (xs: tf.Tensor[]) => op(k, row.name)(xs[0] as Tensor5D, ...xs.slice(1));
      const y = run(inputs);
      expect(y.shape).toEqual(row.y.shape);
      expect(distance(y.dataSync(), unpack(row.y.data)), 'y').toBeLessThan(TOLERANCE);
      tf.grads((...xs) => tf.sum(tf.mul(run(xs), dy)))(inputs).forEach((gradient, i) => {
        expect(distance(gradient.dataSync(), unpack(row.gradients[i])), `gradient ${i}`).toBeLessThan(
          TOLERANCE,
        );
      });
    });
  });
});
