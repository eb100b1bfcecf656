/** A chain of DAGs as one entry on the tape beside the same units one by one on tfjs's tape. */
import { describe, expect, it } from 'vitest';
import { gradients } from '../../src/engine/gradients';
import type { Kernels } from '../../src/engine/kernels';
import { fold, key, normal } from '../../src/engine/keys';
import type { Tensor5D } from '../../src/engine/model';
import { native } from '../../src/engine/native';
import { tf } from '../../src/engine/tf';
import { type KernelUnit, runChain, runDag, type Stage } from '../../src/engine/unit';
import { distance } from './cases';

const k = key(3, 'chain');
const tensor = <T extends tf.Tensor>(name: string, shape: number[], scale = 0.3): T => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    normal(fold(k, name), size).map((v) => v * scale),
    shape,
  ) as T;
};

const C = 4;
const conv = (name: string, side: number, from: number): KernelUnit => ({
  kind: 'conv',
  w: tensor(name, [side, side, side, from, C]),
  step: { stride: 1, dilation: 1 },
});
const plain = { index: -1, unit: { kind: 'identity' } } as const;

/**
 * Like a network's: what is given is read three times, twice by the first stage; a result by two later stages; the last stage sums two of its sources,
 * and nothing but zero reads its last convolution.
 */
function example() {
  const given = tensor<Tensor5D>('x', [2, 6, 5, 7, 3], 1);
  const zHat = tensor<tf.Tensor1D>('z', [4], 1);
  const weights: tf.Tensor[] = [];
  const unit = (...of: Parameters<typeof conv>): KernelUnit => {
    const made = conv(...of);
    if (made.kind === 'conv') weights.push(made.w);
    return made;
  };
  const stages: Stage<KernelUnit>[] = [
    {
      sources: [0, 0],
      nodes: [
        { terms: [{ from: 0, unit: unit('a0', 1, 3), index: -1 }], output: false },
        { terms: [{ from: 1, unit: unit('a1', 3, 3), index: 0 }], output: true },
        { terms: [{ from: 2, unit: unit('a2', 3, C), index: 1 }], output: true },
      ],
    },
    {
      sources: [0, 1],
      nodes: [
        { terms: [{ from: 0, unit: unit('b0', 1, 3), index: -1 }], output: false },
        {
          terms: [
            { from: 2, unit: { kind: 'pool', pool: 'max', stride: 1, norm: true }, index: 2 },
            { from: 1, unit: unit('b1', 3, 2 * C), index: 3 },
          ],
          output: true,
        },
        { terms: [{ from: 1, unit: unit('b2', 1, 2 * C), index: -1 }], output: true },
      ],
    },
    {
      sources: [2, 1],
      nodes: [
        {
          terms: [
            { ...plain, from: 0 },
            { ...plain, from: 1 },
          ],
          output: false,
        },
        { terms: [{ from: 2, unit: unit('c0', 3, 2 * C), index: -1 }], output: true },
        { terms: [{ from: 1, unit: unit('c1', 3, 2 * C), index: -1 }], output: false },
        { terms: [{ from: 4, unit: { kind: 'zero', stride: 1 }, index: -1 }], output: true },
      ],
    },
  ];
  return { given, zHat, stages, all: [given, zHat, ...weights] };
}

type Example = ReturnType<typeof example>;

function asOne(kernels: Kernels, { given, stages, zHat }: Example, recompute = false): Tensor5D {
  const alone = (i: number, sources: readonly Tensor5D[]) => runDag(kernels, sources, stages[i].nodes, zHat);
  return runChain(kernels, [given], stages, { zHat, recompute }, alone);
}

/** Output and gradients by `xs`, as numbers. */
function results(made: Example, run: () => Tensor5D, xs: readonly tf.Tensor[] = made.all) {
  return tf.tidy(() => {
    const y = run();
    const dy = tensor('dy', y.shape, 1);
    const { gradients: g } = gradients(() => tf.sum(tf.mul(run(), dy)), xs);
    return [y, ...g].map((t) => t?.dataSync() ?? new Float32Array());
  });
}

const kernels = native as Kernels;

describe.skipIf(!native)('a chain of DAGs as one entry', () => {
  it('agrees with its units one by one within 1e-4 a tensor', () => {
    const made = example();
    const expected = results(made, () => asOne({ ...kernels, chain: undefined }, made));
    results(made, () => asOne(kernels, made)).forEach((values, i) => {
      // tfjs has no gradient where nothing comes; ours is zero
      if (expected[i].length === 0) expect(values.every((v) => v === 0)).toBe(true);
      else expect(distance(values, expected[i]), i === 0 ? 'y' : `gradient ${i - 1}`).toBeLessThan(1e-4);
    });
  });

  it('gives the same bits where it recomputes', () => {
    const made = example();
    const stored = results(made, () => asOne(kernels, made));
    expect(results(made, () => asOne(kernels, made, true))).toEqual(stored);
  });

  it('computes only what is asked for, and the same', () => {
    const made = example();
    const whole = results(made, () => asOne(kernels, made));
    made.all.forEach((t, i) => {
      const [, alone] = results(made, () => asOne(kernels, made), [t]);
      expect(alone, String(i)).toEqual(whole[1 + i]);
    });
  });

  it('leaves nothing behind, and does not write into what it was given', () => {
    const made = example();
    const given = made.given.dataSync().slice();
    const before = tf.memory().numTensors;
    const y = asOne(kernels, made);
    expect(tf.memory().numTensors).toBe(before + 1);
    y.dispose();
    const dy = tf.ones(y.shape);
    const { value, gradients: g } = gradients(() => asOne(kernels, made, true), made.all, dy);
    expect(dy.dataSync().every((v) => v === 1)).toBe(true);
    expect(made.given.dataSync()).toEqual(given);
    tf.dispose([value, dy, ...g.map((t) => t as tf.Tensor)]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
