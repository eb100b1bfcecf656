import { describe, expect, it } from 'vitest';
import { kernels } from '../../src/engine/kernels';
import { key, normal } from '../../src/engine/keys';
import { initialise, type Tensor5D, type Theta } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { operationCosts, totalCost } from '../../src/paper/cost';
import { type Built, type Operation, operations, type Site } from '../../src/paper/operations';

/** Long enough for every tap of dilation 4 to meet a voxel, at stride two also. */
const grid = [6, 6, 8];
const widths = [4, 5];
const strides = [1, 2] as const;
const input = (c: number) =>
  tf.tensor5d(normal(key(9, 'x'), 2 * 288 * c), [2, ...grid, c] as Tensor5D['shape']);
const site = (more: Partial<Site>): Site => ({
  width: 4,
  stride: 1,
  affine: true,
  poolNorm: true,
  identity: 'factorized reduce',
  ...more,
});
const sites = widths.flatMap((width) =>
  strides.flatMap((stride) =>
    [true, false].flatMap((affine) =>
      (['factorized reduce', 'strided convolution'] as const).map((identity) =>
        // poolNorm goes with the rest: it matters to the pools alone
        site({ width, stride, affine, poolNorm: affine, identity }),
      ),
    ),
  ),
);
const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const thetaOf = (built: Built) =>
  initialise(
    built.parameters.map((p) => ({ ...p, group: 'o' })),
    key(4),
  );
const find = (name: string): Operation => operations[operations.findIndex((o) => o.name === name)];

/** Value and gradients by x and each parameter of Σ weights · o(x). */
function differentiate(built: Built, x: Tensor5D) {
  const theta = thetaOf(built);
  const names = Object.keys(theta);
  const f = (...at: tf.Tensor[]) => {
    const y = built.apply(at[0] as Tensor5D, Object.fromEntries(names.map((n, i) => [n, at[i + 1]])));
    const weights = tf.tensor(normal(key(2, 'weights'), y.size), y.shape);
    return y.mul(weights).sum() as tf.Scalar;
  };
  const all = tf.grads(f)([x, ...names.map((n) => theta[n])]);
  return { byX: all[0], byTheta: Object.fromEntries(names.map((n, i) => [n, all[i + 1]])) };
}

const norm = (t: tf.Tensor) => Math.hypot(...t.dataSync());

describe('the eight operations', () => {
  it("are the paper's, in its order, with names of their own", () => {
    expect(operations.map((o) => o.name)).toEqual([
      'conv3',
      'sep2',
      'sep3',
      'sep4',
      'maxpool',
      'avgpool',
      'identity',
      'zero',
    ]);
    expect(new Set(operations.map((o) => o.paperName)).size).toBe(8);
    expect(operations.filter((o) => o.zero).map((o) => o.name)).toEqual(['zero']);
  });
});

describe.each(operations)('$name', (operation) => {
  it.each(sites)(
    'keeps channels and divides the shape: width $width, stride $stride, affine $affine, $identity',
    (at) => {
      const built = operation.build(at);
      const y = built.apply(input(at.width), thetaOf(built));
      expect(y.shape).toEqual([2, ...grid.map((s) => s / at.stride), at.width]);
      expect(y.dataSync().every(Number.isFinite)).toBe(true);
    },
  );

  it.each(sites)(
    'has a gradient by x and by every parameter: width $width, stride $stride, affine $affine, $identity',
    (at) => {
      const x = input(at.width);
      const { byX, byTheta } = differentiate(operation.build(at), x);
      expect(byX.shape).toEqual(x.shape);
      expect(byX.dataSync().every(Number.isFinite)).toBe(true);
      if (operation.zero) expect(norm(byX)).toBe(0);
      else expect(norm(byX)).toBeGreaterThan(0.1);
      for (const { name, shape } of operation.build(at).parameters) {
        expect(byTheta[name].shape, name).toEqual(shape);
        // each number of a parameter, not one of them only
        expect(
          byTheta[name].dataSync().every((v) => Number.isFinite(v) && v !== 0),
          name,
        ).toBe(true);
      }
    },
  );

  it.each(sites)(
    'costs as many multiply-adds a voxel as it has weights: width $width, stride $stride, $identity',
    (at) => {
      const weights = operation.build(at).parameters.filter((p) => !['gamma', 'beta'].includes(p.name));
      expect(operation.cost(at).multiplyAdds).toBe(weights.reduce((sum, p) => sum + size(p.shape), 0));
    },
  );

  it('has scale and shift of width c where its norm is affine, and none else', () => {
    for (const stride of strides) {
      const shapes = (affine: boolean) =>
        operation.build(site({ affine, stride })).parameters.map((p) => [p.name, p.shape]);
      const trained = shapes(false).length > 0;
      const extra = trained
        ? [
            ['gamma', [4]],
            ['beta', [4]],
          ]
        : [];
      expect(shapes(true)).toEqual([...shapes(false), ...extra]);
    }
  });

  it('gives every parameter a name of its own, and He initialisation the inputs of one output', () => {
    const { parameters } = operation.build(site({ width: 5, stride: 2 }));
    expect(new Set(parameters.map((p) => p.name)).size).toBe(parameters.length);
    for (const { name, shape, init, fanIn } of parameters) {
      if (init === 'he') expect(fanIn, name).toBe(name === 'depthwise' ? 27 : size(shape.slice(0, -1)));
      else expect(init, name).toBe(name === 'gamma' ? 'ones' : 'zeros');
    }
  });
});

/** Operation, stride, width c, multiply-adds a voxel, parameters (with 2c of the norm), numbers kept. */
const costs: [string, 1 | 2, number, number, number, number][] = [
  ['conv3', 1, 4, 432, 440, 8],
  ['conv3', 2, 5, 675, 685, 10],
  ['sep2', 1, 4, 124, 132, 8],
  ['sep3', 2, 5, 160, 170, 10],
  ['sep4', 1, 5, 160, 170, 10],
  ['maxpool', 1, 4, 0, 0, 8],
  ['avgpool', 2, 5, 0, 0, 10],
  ['identity', 1, 4, 0, 0, 0],
  ['identity', 2, 4, 16, 24, 8],
  ['identity', 2, 5, 25, 35, 10],
  ['zero', 1, 4, 0, 0, 0],
  ['zero', 2, 5, 0, 0, 0],
];

describe('cost', () => {
  it.each(costs)(
    'of %s at stride %i, width %i: %i multiply-adds, %i parameters, %i kept',
    (name, stride, width, multiplyAdds, parameters, kept) => {
      const at = site({ stride, width });
      const row = operationCosts(at).find((r) => r.name === name);
      expect(row).toEqual({
        name,
        paperName: find(name).paperName,
        multiplyAdds,
        parameters,
        bytes: 4 * kept,
      });
    },
  );

  it('of a pool keeps half without a norm', () => {
    expect(find('maxpool').cost(site({ poolNorm: false })).kept).toBe(4);
  });

  it('of layers is their sum; a multiply-add counts once or twice', () => {
    const layers = [
      { name: 'a', multiplyAdds: 10, parameters: 3, activationBytes: 4 },
      { name: 'b', multiplyAdds: 5, parameters: 1, activationBytes: 8 },
    ];
    expect(totalCost(layers)).toEqual({ flops: 15, parameters: 4, activationBytes: 12 });
    expect(totalCost(layers, 'twice').flops).toBe(30);
  });
});

describe('what they compute', () => {
  const c = 4;
  const x = input(c);

  it('identity at stride one is x itself; zero is 0', () => {
    expect(find('identity').build(site({})).apply(x, {})).toBe(x);
    for (const stride of strides) expect(norm(find('zero').build(site({ stride })).apply(x, {}))).toBe(0);
  });

  it.each([
    ['factorized reduce', 2],
    ['strided convolution', 1],
  ] as const)('identity at stride two as %s reads %i of 8 voxels', (identity, read) => {
    const { byX } = differentiate(find('identity').build(site({ stride: 2, identity })), x);
    const seen = byX
      .slice([0, 0, 0, 0, 0], [1, 2, 2, 2, 1])
      .dataSync()
      .map((v) => (v === 0 ? 0 : 1));
    expect([...seen]).toEqual([1, 0, 0, 0, 0, 0, 0, read === 2 ? 1 : 0]);
  });

  const taps: [string, number][] = [
    ['conv3', 1],
    ['sep2', 2],
    ['sep3', 3],
    ['sep4', 4],
  ];
  it.each(taps)('%s with a single tap on z − %i moves x by that much, before the norm', (name, rate) => {
    const eye = tf.eye(c);
    const tap = tf.tensor(
      Float32Array.from({ length: 27 }, (_, i) => (i === 12 ? 1 : 0)),
      [3, 3, 3, 1],
    );
    const theta: Theta =
      name === 'conv3'
        ? { weight: tap.reshape([3, 3, 3, 1, 1]).mul(eye.reshape([1, 1, 1, c, c])) }
        : { depthwise: tap.tile([1, 1, 1, c]), pointwise: eye };
    const y = find(name)
      .build(site({ affine: false }))
      .apply(x, theta);
    const moved = x.leakyRelu(0.01).slice([0, 0, 0, 0, 0], [2, 6, 6, 8 - rate, c]);
    const pad: [number, number][] = [
      [0, 0],
      [0, 0],
      [0, 0],
      [rate, 0],
      [0, 0],
    ];
    const expected = kernels().instanceNorm(tf.pad(moved, pad) as Tensor5D);
    expect(norm(y.sub(expected)) / norm(expected)).toBeLessThan(1e-5);
  });

  it.each(['conv3', 'sep2', 'maxpool', 'avgpool'])(
    '%s is normalised over each sample and channel',
    (name) => {
      const built = find(name).build(site({ affine: false }));
      const { mean, variance } = tf.moments(built.apply(x, thetaOf(built)), [1, 2, 3]);
      expect(norm(mean)).toBeLessThan(1e-5);
      expect(variance.dataSync().every((v) => Math.abs(v - 1) < 1e-2)).toBe(true);
    },
  );

  it.each(['max', 'avg'] as const)('%spool without a norm is the %s of a window', (kind) => {
    const y = find(`${kind}pool`)
      .build(site({ poolNorm: false }))
      .apply(x, {});
    const window = x.slice([0, 1, 1, 2, 0], [1, 3, 3, 3, 1]);
    const expected = kind === 'max' ? window.max() : window.mean();
    expect(y.slice([0, 2, 2, 3, 0], [1, 1, 1, 1, 1]).dataSync()[0]).toBeCloseTo(expected.dataSync()[0], 5);
  });
});
