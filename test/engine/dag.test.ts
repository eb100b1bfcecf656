/** A DAG of units as one native op beside the same units one by one. */
import { afterAll, describe, expect, it } from 'vitest';
import { gradients } from '../../src/engine/gradients';
import type { Affine, Kernels } from '../../src/engine/kernels';
import { fold, type Key, key, normal } from '../../src/engine/keys';
import type { Shape3, Tensor5D } from '../../src/engine/model';
import { native, nativeThreads } from '../../src/engine/native';
import { runMany } from '../../src/engine/native-op';
import { tf } from '../../src/engine/tf';
import { type DagNode, type KernelUnit, runDag } from '../../src/engine/unit';
import { distance } from './cases';

const threads = nativeThreads();
afterAll(() => {
  nativeThreads(threads);
});

const tensor = (k: Key, shape: number[], scale = 1): tf.Tensor =>
  tf
    .tensor(
      normal(
        k,
        shape.reduce((a, b) => a * b, 1),
      ),
      shape,
    )
    .mul(scale);

/** A DAG like a cell's: two sources brought to `c` channels, one of them upsampled, then nodes of every kind of unit. */
function example(c: number, stride: 1 | 2, affine: boolean, weighted: boolean) {
  const k = key(7, 'dag', c, stride);
  const all: tf.Tensor[] = [];
  const made = <T extends tf.Tensor>(name: string, shape: number[], scale = 0.3): T => {
    const t = tensor(fold(k, name), shape, scale);
    all.push(t);
    return t as T;
  };
  const norm = (name: string): Affine | undefined =>
    affine ? { gamma: made(`${name}/gamma`, [c]), beta: made(`${name}/beta`, [c]) } : undefined;
  const conv = (name: string, side: number, from: number, s: 1 | 2): KernelUnit => ({
    kind: 'conv',
    w: made(name, [side, side, side, from, c]),
    step: { stride: s, dilation: 1 },
    affine: norm(name),
  });
  const separable = (name: string, s: 1 | 2, dilation: number): KernelUnit => ({
    kind: 'separable',
    depthwise: made(`${name}/d`, [3, 3, 3, c]),
    pointwise: made(`${name}/p`, [c, c]),
    step: { stride: s, dilation },
    affine: norm(name),
  });
  const reduce = (name: string): KernelUnit => ({
    kind: 'reduce',
    even: made(`${name}/e`, [c, Math.ceil(c / 2)]),
    odd: made(`${name}/o`, [c, Math.floor(c / 2)]),
    affine: norm(name),
  });
  let place = 0;
  const term = (from: number, unit: KernelUnit) => ({ from, unit, index: weighted ? place++ : -1 });
  const skip: KernelUnit = stride === 1 ? { kind: 'identity' } : reduce('skip');
  const pool = (kind: 'max' | 'avg', s: 1 | 2, normed: boolean): KernelUnit => ({
    kind: 'pool',
    pool: kind,
    stride: s,
    norm: normed,
  });
  // Nodes 2 and 3 are the entries, 4 the second one upsampled, 5 to 7 the intermediate nodes.
  const nodes: DagNode<KernelUnit>[] = [
    { terms: [{ from: 0, unit: conv('entry0', 1, 6, 1), index: -1 }], output: false },
    { terms: [{ from: 1, unit: conv('entry1', 1, 5, 1), index: -1 }], output: false },
    { terms: [{ from: 3, unit: { kind: 'upsample', alignCorners: false }, index: -1 }], output: false },
    {
      terms: [
        term(2, conv('conv', 3, c, stride)),
        term(2, separable('sep2', stride, 2)),
        term(4, pool('max', stride, true)),
        term(4, skip),
      ],
      output: true,
    },
    {
      terms: [
        term(2, pool('avg', stride, true)),
        term(4, separable('sep4', stride, 4)),
        term(5, { kind: 'identity' }),
      ],
      output: true,
    },
    { terms: [term(6, pool('max', 1, false)), term(5, separable('sep3', 1, 3))], output: true },
    { terms: [{ from: 2, unit: { kind: 'zero', stride }, index: -1 }], output: true },
  ];
  const space: Shape3 = [6, 10, 8];
  const sources = [
    made<Tensor5D>('x0', [2, ...space, 6], 1),
    made<Tensor5D>('x1', [2, 3, 5, 4, 5], 1),
  ] as const;
  const zHat = weighted ? made<tf.Tensor1D>('z', [place + 1], 1) : undefined;
  return { nodes, sources, zHat, all };
}

type Example = Omit<ReturnType<typeof example>, 'sources'> & { readonly sources: readonly Tensor5D[] };

/** The same units one by one. */
const units = native as Kernels;

const oneByOne = ({ nodes, sources, zHat }: Example) =>
  runDag({ ...units, chain: undefined }, sources, nodes, zHat);

const asOne = ({ nodes, sources, zHat }: Example) => runDag(units, sources, nodes, zHat);

/** Output and gradients by `xs`, as numbers. */
function results(made: Example, run: (made: Example) => Tensor5D, xs: readonly tf.Tensor[]) {
  return tf.tidy(() => {
    const y = run(made);
    const dy = tensor(key(8, 'dy'), y.shape);
    const { gradients: g } = gradients(() => tf.sum(tf.mul(run(made), dy)), xs);
    return [y, ...g].map((t) => t?.dataSync() ?? new Float32Array());
  });
}

const table = [4, 6, 12, 17].flatMap((c) =>
  ([1, 2] as const).flatMap((stride) =>
    [false, true].flatMap((affine) =>
      [false, true].map((weighted) => ({
        title: `${c} channels, stride ${stride}${affine ? ', affine' : ''}${weighted ? ', weighted' : ''}`,
        make: () => example(c, stride, affine, weighted),
      })),
    ),
  ),
);

describe.skipIf(!native)('a DAG as one op', () => {
  it.each(table)('agrees with its units one by one within 1e-4 a tensor: $title', ({ make }) => {
    const made = make();
    const expected = results(made, oneByOne, made.all);
    results(made, asOne, made.all).forEach((values, i) => {
      expect(distance(values, expected[i]), i === 0 ? 'y' : `gradient ${i - 1}`).toBeLessThan(1e-4);
    });
  });

  it.each([true, false])('computes a pooling that two nodes share once, norm: %s', (norm) => {
    const pool = (kind: 'max' | 'avg', index: number) =>
      ({ from: 0, unit: { kind: 'pool', pool: kind, stride: 1, norm }, index }) as const;
    const x = tensor(key(9, 'x'), [2, 5, 6, 7, 6]) as Tensor5D;
    const zHat = tensor(key(9, 'z'), [5]) as tf.Tensor1D;
    const nodes: DagNode<KernelUnit>[] = [
      { terms: [pool('max', 0), pool('avg', 1)], output: true },
      {
        terms: [pool('avg', 2), { from: 1, unit: { kind: 'identity' }, index: 3 }, pool('max', 4)],
        output: true,
      },
    ];
    const made = { nodes, sources: [x] as const, zHat, all: [x, zHat] };
    const expected = results(made, oneByOne, made.all);
    results(made, asOne, made.all).forEach((values, i) => {
      expect(distance(values, expected[i]), String(i)).toBeLessThan(1e-5);
    });
  });

  it('gives the same bits under 1, 2 and 3 threads', () => {
    const made = example(4, 1, true, true);
    const [one, two, three] = [1, 2, 3].map((n) => {
      nativeThreads(n);
      return results(made, asOne, made.all);
    });
    expect(two).toEqual(one);
    expect(three).toEqual(one);
  });

  it('computes only what is asked for, and the same', () => {
    const made = example(8, 2, true, true);
    const whole = results(made, asOne, made.all);
    const zHat = made.zHat as tf.Tensor1D;
    for (const t of [zHat, made.sources[1], made.all[0]]) {
      const [, alone] = results(made, asOne, [t]);
      expect(alone).toEqual(whole[1 + made.all.indexOf(t)]);
    }
  });

  it('keeps nothing where no gradient is taken', () => {
    const made = example(8, 1, false, true);
    const before = tf.memory().numTensors;
    const y = asOne(made);
    expect(tf.memory().numTensors).toBe(before + 1);
    y.dispose();
  });

  it.each([
    ['a program that ends early', [1, 1, 1, 0, 5], /longer program/],
    ['a source that is not there', [1, 1, 1, 3, 5, 1, 1, 0, 0, 0, -1], /0 to 0 at 3/],
    ['a kind that is not there', [1, 1, 1, 0, 9, 1, 1, 0, 0, 0, -1], /0 to 8 at 4/],
    ['weights that are not there', [1, 1, 1, 0, 0, 1, 1, 0, 0, 0, -1], /more weights/],
    ['no output', [1, 0, 1, 0, 5, 1, 1, 0, 0, 0, -1], /an output node/],
    ['a place that ẑ has not', [1, 1, 1, 0, 5, 1, 1, 0, 0, 0, 0], /-1 to -1 at 10/],
    ['terms of two shapes', [1, 1, 2, 0, 5, 1, 1, 0, 0, 0, -1, 0, 4, 2, 1, 0, 0, 0, -1], /one shape/],
  ])('refuses %s', (_, program, message) => {
    tf.tidy(() => {
      const inputs = [tf.tensor1d(program, 'int32'), tf.tensor1d([]), tf.zeros([1, 4, 4, 4, 2])];
      const attributes = { ints: { S: 1, N: 0, K: 1, keep: 0 }, floats: { epsilon: 1e-5 } };
      expect(() => runMany('ScnasDag', inputs, 3, attributes)).toThrow(message);
    });
  });
});
