import { describe, expect, it } from 'vitest';
import { kernels } from '../../src/engine/kernels';
import type { Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { operationChecks } from '../../src/paper/operation-checks';
import { convolution, type Operation, operations } from '../../src/paper/operations';

/** A right one of a reader's own; `wrong` changes it. */
const contrast = (wrong: Partial<Operation> & { apply?: (x: Tensor5D, stride: 1 | 2) => Tensor5D } = {}) => {
  const right = (x: Tensor5D, stride: 1 | 2) =>
    kernels()
      .pool(x, 'max', stride)
      .sub(kernels().pool(x, 'avg', stride)) as Tensor5D;
  const { apply = right, ...rest } = wrong;
  const operation: Operation = {
    name: 'contrast',
    paperName: 'max less average pooling',
    build: ({ width, stride }) => ({
      parameters: [{ name: 'gain', shape: [width], init: 'ones' }],
      apply: (x, theta) => apply(x, stride).mul(theta.gain),
    }),
    cost: ({ width }) => ({ multiplyAdds: width, kept: 2 * width }),
    ...rest,
  };
  return operation;
};
const failing = (operation: Operation) =>
  operationChecks(operation)
    .filter(({ holds }) => !holds)
    .map(({ name }) => name);

describe('operation checks', () => {
  it.each(operations)('$name passes all', (operation) => {
    expect(operationChecks(operation).filter(({ holds }) => !holds)).toEqual([]);
  });

  it("a reader's own passes, and each check says what it found", () => {
    const found = operationChecks(contrast());
    expect(found.map(({ name }) => name)).toEqual([
      ...[1, 2].flatMap((s) => [`shape at stride ${s}`, `cost at stride ${s}`, `gradient at stride ${s}`]),
      'drawn on every edge',
    ]);
    expect(found.filter(({ holds }) => !holds)).toEqual([]);
    expect(found[0]).toMatchObject({ expected: '1 × 8 × 8 × 8 × 4', found: '1 × 8 × 8 × 8 × 4' });
    // 12 cells of 14 edges, a gain on each
    expect(found[6].found).toMatch(/^by 168 and 56, loss 0\./);
  });

  it.each<[string, Operation, string[]]>([
    [
      'that forgets the stride',
      contrast({ apply: (x) => kernels().pool(x, 'max', 1) }),
      ['shape at stride 2', 'drawn on every edge'],
    ],
    [
      'that changes its channels',
      contrast({
        build: ({ width, stride, affine }) => convolution(1, width, 2 * width, stride, affine),
      }),
      ['shape at stride 1', 'shape at stride 2', 'drawn on every edge'],
    ],
    [
      'whose cost is no number',
      contrast({ cost: () => ({ multiplyAdds: Number.NaN, kept: 1 }) }),
      ['cost at stride 1', 'cost at stride 2'],
    ],
    [
      'that loses its gradient',
      contrast({
        apply: (x, stride) => {
          const y = kernels().pool(x, 'avg', stride);
          return tf.tensor(y.dataSync(), y.shape) as Tensor5D;
        },
      }),
      ['gradient at stride 1', 'gradient at stride 2'],
    ],
    [
      'whose gradient is another',
      contrast({
        apply: (x, stride) => {
          const twice = tf.customGrad((v) => ({
            value: (v as tf.Tensor).mul(1),
            gradFunc: (dy: tf.Tensor) => dy.mul(2),
          }));
          return twice(kernels().pool(x, 'avg', stride)) as Tensor5D;
        },
      }),
      ['gradient at stride 1', 'gradient at stride 2'],
    ],
    [
      'whose parameter does nothing',
      contrast({
        build: ({ width, stride }) => ({
          parameters: [{ name: 'gain', shape: [width], init: 'ones' }],
          apply: (x) => kernels().pool(x, 'avg', stride),
        }),
      }),
      ['drawn on every edge'],
    ],
    [
      'that throws',
      contrast({
        build: () => {
          throw new Error('no such kernel');
        },
      }),
      [...[1, 2].flatMap((s) => [`shape at stride ${s}`, `gradient at stride ${s}`]), 'drawn on every edge'],
    ],
  ])('one %s is found', (_, operation, expected) => {
    expect(failing(operation).sort()).toEqual(expected.sort());
  });

  it('leaves no tensors behind', () => {
    operationChecks(contrast());
    const before = tf.memory().numTensors;
    operationChecks(contrast());
    expect(tf.memory().numTensors).toBe(before);
  });
});
