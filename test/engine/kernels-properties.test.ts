import { afterEach, describe, expect, it, vi } from 'vitest';
import { gradients } from '../../src/engine/gradients';
import { key, normal } from '../../src/engine/keys';
import type { Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { distance } from './cases';
import { implementations } from './implementations';

const random = (name: string, shape: number[]) =>
  tf.tensor(
    normal(
      key(9, name),
      shape.reduce((a, b) => a * b, 1),
    ),
    shape,
  );
const volume = (name: string, channels = 4) => random(name, [2, 5, 4, 6, channels]) as Tensor5D;
const PLAIN = { stride: 1, dilation: 1 } as const;

/** How tfjs's backend runs an op. */
const METHODS = ['executeSingleOutput', 'executeMultipleOutputs'] as const;
type Method = (typeof METHODS)[number];

/** Names of the TensorFlow ops that run during `f`. */
function opsDuring(f: () => void): string[] {
  const backend = tf.backend() as unknown as Record<Method, (name: string) => unknown>;
  const spies = METHODS.map((method) => vi.spyOn(backend, method));
  tf.tidy(() => {
    f();
  });
  const names = spies.flatMap((spy) => spy.mock.calls.map(([name]) => name));
  // A second spy on the same method would be this one, with these calls.
  for (const spy of spies) spy.mockRestore();
  return names;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(implementations)('$name kernels', (k) => {
  it('the largest of equal values that comes first gets all of the gradient', () => {
    tf.tidy(() => {
      const x = tf.ones<tf.Rank.R5>([1, 4, 4, 4, 1]);
      const weights = tf.reshape(tf.range(1, 65), [1, 4, 4, 4, 1]);
      const dx = tf.grad((a) => tf.sum(tf.mul(k.pool(a as Tensor5D, 'max', 1), weights)))(x);
      expect(dx.sum().arraySync()).toBe((64 * 65) / 2);
      // Window (0,0,0), and the seven beside it, begin at voxel 0; no window begins at the last.
      const first = [1, 2, 5, 6, 17, 18, 21, 22].reduce((a, b) => a + b, 0);
      expect(dx.dataSync()[0]).toBe(first);
      expect(dx.dataSync()[63]).toBe(0);
    });
  });

  it('pooling of negative values never sees the padding', () => {
    tf.tidy(() => {
      const x = tf.fill<tf.Rank.R5>([1, 4, 3, 5, 2], -7);
      for (const kind of ['max', 'avg'] as const)
        for (const stride of [1, 2] as const) {
          const worst = tf.max(tf.abs(tf.add(k.pool(x, kind, stride), 7))).arraySync();
          expect(worst, `${kind} ${stride}`).toBeLessThan(1e-6);
        }
    });
  });

  it('InstanceNorm of a constant volume is near 0, with gradients that are finite', () => {
    tf.tidy(() => {
      const x = tf.fill<tf.Rank.R5>([2, 3, 4, 5, 3], 3.3);
      // The mean is off by at most some 1e-6, which 1 / √ε makes 316 times larger.
      expect(tf.max(tf.abs(k.instanceNorm(x))).arraySync()).toBeLessThan(2e-3);
      const dx = tf.grad((a) => tf.sum(tf.square(tf.add(k.instanceNorm(a as Tensor5D), 1))))(x);
      expect(tf.isFinite(dx).all().arraySync()).toBe(1);
    });
  });

  it('InstanceNorm keeps its accuracy far from zero', () => {
    tf.tidy(() => {
      const x = volume('offset');
      const near = k.instanceNorm(x).dataSync();
      // 1000 leaves float32 about 6e-5 of a unit.
      const far = k.instanceNorm(tf.add(x, 1000)).dataSync();
      expect(distance(far, near)).toBeLessThan(2e-4);
    });
  });

  it('several weighted sums add up in the gradient of ẑ', () => {
    tf.tidy(() => {
      const [a, b] = [volume('a'), volume('b')];
      const zHat = tf.tensor1d([0.3, 0, 0.7]);
      const loss = (z: tf.Tensor) => {
        const first = k.weightedSum(
          [
            { value: a, index: 0 },
            { value: b, index: 2 },
          ],
          z as tf.Tensor1D,
        );
        const second = k.weightedSum([{ value: first, index: 2 }], z as tf.Tensor1D);
        return tf.sum(tf.add(first, second)) as tf.Scalar;
      };
      const [sumA, sumB] = [a, b].map((t) => t.sum().arraySync() as number);
      // loss = (0.3 A + 0.7 B)(1 + z₂)
      const got = tf.grad(loss)(zHat).dataSync();
      const expected = [sumA * 1.7, 0, sumB * 1.7 + 0.3 * sumA + 0.7 * sumB];
      expect(distance(got, expected)).toBeLessThan(1e-5);
      expect(got[1]).toBe(0);
    });
  });

  it('gradients of ẑ alone compute no gradient of a filter', () => {
    const [x, w, z] = [volume('x'), random('w', [3, 3, 3, 4, 4]) as tf.Tensor5D, tf.tensor1d([0.5, 0.5])];
    const affine = { gamma: tf.ones<tf.Rank.R1>([4]), beta: tf.zeros<tf.Rank.R1>([4]) };
    const net = () => {
      const mixed = k.weightedSum([{ value: x, index: 0 }], z);
      return tf.sum(tf.square(k.convUnit(mixed, w, PLAIN, affine)));
    };
    const isFilterGradient = (name: string) => /Filter(V2)?$/.test(name);
    const alone = opsDuring(() => gradients(net, [z]));
    const both = opsDuring(() => gradients(net, [z, w]));
    expect(both.filter(isFilterGradient)).toHaveLength(1);
    expect(alone.filter(isFilterGradient)).toHaveLength(0);
    tf.dispose([x, w, z, affine.gamma, affine.beta]);
  });

  it('units leave nothing behind but their output, in and out of a recorded gradient', () => {
    const [x, w, d, p] = [
      volume('x'),
      random('w', [3, 3, 3, 4, 4]) as tf.Tensor5D,
      random('d', [3, 3, 3, 4]) as tf.Tensor4D,
      random('p', [4, 4]) as tf.Tensor2D,
    ];
    const affine = { gamma: tf.ones<tf.Rank.R1>([4]), beta: tf.zeros<tf.Rank.R1>([4]) };
    const units: ((a: Tensor5D) => Tensor5D)[] = [
      (a) => k.convUnit(a, w, PLAIN, affine),
      (a) => k.convUnit(a, w, { stride: 2, dilation: 2 }),
      (a) => k.separableUnit(a, d, p, { stride: 2, dilation: 3 }),
      (a) => k.reduceUnit(a, p, p),
      (a) => k.poolUnit(a, 'max', 2, true),
      (a) => k.poolUnit(a, 'avg', 2, true),
      (a) => k.upsample(a),
      (a) => k.weightedSum([{ value: a, index: 0 }]),
    ];
    for (const f of units) {
      const before = tf.memory().numTensors;
      const y = f(x);
      expect(tf.memory().numTensors).toBe(before + 1);
      y.dispose();
      expect(tf.memory().numTensors).toBe(before);
      tf.grad((a) => tf.sum(f(a as Tensor5D)))(x).dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
    tf.dispose([x, w, d, p, affine.gamma, affine.beta]);
  });

  it('the same inputs give the same bits', () => {
    const [x, w] = [
      random('x', [2, 24, 20, 16, 12]) as Tensor5D,
      random('w', [3, 3, 3, 12, 12]) as tf.Tensor5D,
    ];
    const once = () =>
      tf.tidy(() => {
        const { value, grads } = tf.valueAndGrads((a, f) =>
          tf.sum(tf.square(k.upsample(k.convUnit(a as Tensor5D, f as tf.Tensor5D, PLAIN)))),
        )([x, w]);
        return [value, ...grads].map((t) =>
          Buffer.from(Uint8Array.from(new Uint8Array(t.dataSync().buffer))),
        );
      });
    const [a, b] = [once(), once()];
    a.forEach((bytes, i) => {
      expect(bytes.equals(b[i]), `tensor ${i}`).toBe(true);
    });
    tf.dispose([x, w]);
  });

  it('a sum of no terms says so', () => {
    expect(() => k.weightedSum([])).toThrow(/weightedSum: expected at least one term/);
  });
});
