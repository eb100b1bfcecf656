/** The native kernels beside the portable ones, under any number of threads, and given what they must refuse. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Kernels } from '../../src/engine/kernels';
import { kernels } from '../../src/engine/kernels';
import type { Shape3, Tensor5D } from '../../src/engine/model';
import { native, nativeThreads } from '../../src/engine/native';
import { run as runOp } from '../../src/engine/native-op';
import { portable } from '../../src/engine/portable';
import { tf } from '../../src/engine/tf';
import { type Case, cases, cotangent, distance, inputsOf, tensor } from './cases';

const threads = nativeThreads();
afterAll(() => {
  nativeThreads(threads);
});

/** The output and all gradients, as numbers. */
function results(k: Kernels, row: Case): ArrayLike<number>[] {
  return tf.tidy(() => {
    const inputs = inputsOf(row).map(tensor);
    const y = row.run(k, inputs);
    const dy = tensor(cotangent({ shape: y.shape }));
    const gradients = tf.grads((...xs) => tf.sum(tf.mul(row.run(k, xs), dy)))(inputs);
    return [y, ...gradients].map((t) => t.dataSync());
  });
}

/** ‖a − b‖ / ‖b‖ of the output and every gradient; equal where both are zero. */
function compare(row: Case, expected: readonly ArrayLike<number>[], tolerance: number) {
  results(native as Kernels, row).forEach((values, i) => {
    const isZero = Array.from(expected[i]).every((v) => v === 0) && Array.from(values).every((v) => v === 0);
    if (isZero) return;
    expect(distance(values, expected[i]), i === 0 ? 'y' : `gradient ${i - 1}`).toBeLessThan(tolerance);
  });
}

const titled = (space: Shape3, channels: number, outputs: number) =>
  cases(1, space, channels, outputs).map((row) => ({
    ...row,
    title: `${channels} → ${outputs}: ${row.name}`,
  }));

describe.skipIf(!native)('native and portable agree within 1e-4 a tensor', () => {
  const agree = (row: Case) => compare(row, results(portable, row), 1e-4);
  const widths = [3, 8, 16, 24, 34, 48, 68, 136];
  it.each(widths.flatMap((c) => titled([3, 5, 7], c, c)))('3×5×7, $title', agree);
  // A norm over two voxels, or after a single weight, cancels what it differentiates.
  const plain = (rows: ReturnType<typeof titled>) => rows.filter(({ name }) => !/norm|unit/i.test(name));
  it.each(plain(titled([1, 2, 1], 5, 6)))('1×2×1, $title', agree);
  it.each(plain(titled([3, 5, 7], 1, 1)))('3×5×7, $title', agree);
});

describe.skipIf(!native)('native agrees with the float64 loops within 1e-5 a tensor on 40×56×40', () => {
  // Not with portable: its float32 sums over 89,600 voxels are off by up to 1e-3 in the gradients of the weights.
  const rows =
    /^(convUnit stride 1 dilation 1|separableUnit stride 1 dilation 2 affine|instanceNorm|poolUnit .* with norm)$/;
  it.each(titled([40, 56, 40], 4, 4).filter(({ name }) => rows.test(name)))(
    '$title',
    (row) => {
      const { y, pull } = row.loop(inputsOf(row));
      const expected = [y, ...pull(cotangent(y))].map(({ data }) => data);
      compare(row, expected, 1e-5);
    },
    60000,
  );
});

describe.skipIf(!native)('native results are the same bits under 1, 2 and 3 threads', () => {
  const rows = [...titled([10, 9, 11], 4, 4), ...titled([6, 7, 6], 17, 12)];
  it.each(rows)('$title', (row) => {
    const [one, ...others] = [1, 2, 3].map((n) => {
      nativeThreads(n);
      return results(native as Kernels, row).map((values) =>
        Uint8Array.from(Buffer.from(Float32Array.from(values).buffer)),
      );
    });
    for (const other of others) expect(other).toEqual(one);
  });
});

describe.skipIf(!native)('the gradients that one op makes together', () => {
  const rows = titled([3, 5, 7], 4, 4).filter(({ name }) => /^(separable|factorizedReduce)/.test(name));
  it.each(rows)('are the same bits when one alone is asked for, and nothing is left over: $title', (row) => {
    const values = inputsOf(row);
    const before = tf.memory().numTensors;
    const gradientsOf = (places: readonly number[]) =>
      tf.tidy(() => {
        const inputs = values.map(tensor);
        const f = (...some: tf.Tensor[]) =>
          tf.sum(
            tf.square(
              row.run(
                native as Kernels,
                inputs.map((x, i) => (places.includes(i) ? some[places.indexOf(i)] : x)),
              ),
            ),
          );
        return tf
          .grads(f)(places.map((i) => inputs[i]))
          .map((t) => Array.from(t.dataSync()));
      });
    const all = gradientsOf(values.map((_, i) => i));
    values.forEach((_, i) => {
      expect(gradientsOf([i])).toEqual([all[i]]);
    });
    // A weight's gradient that nobody asked for is freed when the next backward pass begins.
    gradientsOf([0]);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe.skipIf(!native)('max pooling among equal values', () => {
  it.each([1, 2] as const)(
    'stride %i: the first in x, y, z order gets the gradient, as in portable',
    (stride) => {
      const values = Float32Array.from({ length: 5 * 6 * 7 * 3 }, (_, i) => (i * 7919) % 3);
      const gradient = (k: Kernels) =>
        tf.tidy(() => {
          const x = tf.tensor5d(values, [1, 5, 6, 7, 3]);
          return tf
            .grad((a) => k.pool(a as Tensor5D, 'max', stride))(x)
            .dataSync();
        });
      expect(Array.from(gradient(native as Kernels))).toEqual(Array.from(gradient(portable)));
    },
  );
});

describe.skipIf(!native)('what does not fit is refused with a message', () => {
  const x = () => tf.ones([1, 4, 4, 4, 3]) as Tensor5D;
  const k = native as Kernels;
  const step = { stride: 1, dilation: 1 } as const;
  const refused: [string, () => tf.Tensor, RegExp][] = [
    [
      'weights of other channels',
      () => k.conv3d(x(), tf.ones([3, 3, 3, 4, 2]), step),
      /expected weights \[k, k, k, 3, out\]/,
    ],
    [
      'a kernel of side 5',
      () => k.convUnit(x(), tf.ones([5, 5, 5, 3, 2]), step),
      /k 1 or 3, found \[5, 5, 5, 3, 2\]/,
    ],
    [
      'depthwise weights',
      () => k.separable(x(), tf.ones([3, 3, 3, 4]), tf.ones([3, 2]), step),
      /expected \[3, 3, 3, 3\]/,
    ],
    [
      'pointwise weights',
      () => k.separable(x(), tf.ones([3, 3, 3, 3]), tf.ones([4, 2]), step),
      /expected weights \[3, out\]/,
    ],
    [
      'a dilation of 0',
      () => k.conv3d(x(), tf.ones([3, 3, 3, 3, 2]), { stride: 1, dilation: 0 }),
      /dilation from 1/,
    ],
    [
      'a tensor of rank 4',
      () => k.leakyRelu(tf.ones([4, 4, 4, 3]) as unknown as Tensor5D),
      /\[batch, x, y, z, channel\]/,
    ],
    ['an empty tensor', () => k.instanceNorm(tf.ones([1, 0, 4, 4, 3])), /without empty axes/],
    [
      'γ of other channels',
      () => k.instanceNorm(x(), { gamma: tf.ones([2]), beta: tf.ones([3]) }),
      /expected \[3\], found \[2\]/,
    ],
    [
      'values of unlike shape',
      () =>
        k.weightedSum([
          { value: x(), index: 0 },
          { value: tf.ones([1, 4, 4, 5, 3]), index: 1 },
        ]),
      /expected \[1, 4, 4, 4, 3\]/,
    ],
    [
      'a place outside ẑ',
      () => k.weightedSum([{ value: x(), index: 2 }], tf.ones([2])),
      /places below 2 \(one is 2\)/,
    ],
    [
      'codes that are missing',
      () =>
        runOp('ScnasPoolGradient', [x(), tf.ones([0]).toBool()], {
          ints: { d: 4, h: 4, w: 4, stride: 1, kind: 1 },
        }),
      /uint8/,
    ],
  ];
  it.each(refused)('%s', (_, f, message) => {
    expect(() => tf.tidy(f)).toThrow(message);
  });
});

describe('the choice of kernels', () => {
  const set = (value?: string) => {
    if (value === undefined) delete process.env.SCNAS_KERNELS;
    else process.env.SCNAS_KERNELS = value;
  };
  const before = process.env.SCNAS_KERNELS;
  afterAll(() => set(before));
  it('is native where built, portable on demand, and an error for anything else', () => {
    set(undefined);
    expect(kernels()).toBe(native ?? portable);
    set('portable');
    expect(kernels()).toBe(portable);
    set('fastest');
    expect(() => kernels()).toThrow(/SCNAS_KERNELS: expected .* found "fastest"/);
  });
});
