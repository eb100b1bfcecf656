/** What the kernels execute of each network, counted as they run, against its cost table. */
import { afterEach, describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import type { Network, Shape3 } from '../../src/engine/model';
import { native } from '../../src/engine/native';
import { nnunet } from '../../src/networks/nnunet';
import { unet } from '../../src/networks/unet';
import { uresnet } from '../../src/networks/uresnet';
import { totalCost } from '../../src/paper/cost';
import { randomGenotype } from '../../src/paper/genotype';
import { derivedNetwork } from '../../src/paper/network';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';
import { countStep } from '../../src/run/count-step';

const ends = { inputs: 2, classes: 3 };
const patch: Shape3 = [16, 32, 16];
const cells = { ...ends, stem: 12, readings: defaultReadings };

const every = (name: string, recompute = false): Network =>
  derivedNetwork(
    { ...cells, operations, recompute },
    randomGenotype(
      operations.filter((o) => o.name === name),
      key(1),
    ),
  );
/** Without zero: what only edges of zero read is computed and has no gradient. */
const parametric = operations.filter((o) => !o.zero);
const random = (seed: number) =>
  derivedNetwork({ ...cells, operations }, randomGenotype(parametric, key(seed)));

const peers: readonly (readonly [string, Network])[] = [
  ['unet', unet({ ...ends, width: 5 })],
  ['uresnet', uresnet({ ...ends, width: 5 })],
  ['nnunet', nnunet({ ...ends, width: 5, patch })],
  ['nnunet whose axes are halved unequally often', nnunet({ ...ends, width: 5, patch: [16, 32, 64] })],
];
const found: readonly (readonly [string, Network])[] = [
  ...parametric.map(({ name }) => [`scnas, every edge ${name}`, every(name)] as const),
  ...[1, 2].map((seed) => [`scnas, random genotype ${seed}`, random(seed)] as const),
];

/** Multiply-adds of the network, and of its first layer, which has no gradient by the image. */
function tableOf(network: Network, at: Shape3) {
  const layers = network.cost(at);
  return { all: totalCost(layers).flops, first: layers[0].multiplyAdds };
}

const before = process.env.SCNAS_KERNELS;
afterEach(() => {
  if (before === undefined) delete process.env.SCNAS_KERNELS;
  else process.env.SCNAS_KERNELS = before;
});
const under = <T>(kernels: 'native' | 'portable', f: () => T): T => {
  process.env.SCNAS_KERNELS = kernels;
  return f();
};
const patchOf = (name: string): Shape3 => (name.includes('unequally') ? [16, 32, 64] : patch);

describe.skipIf(!native)('the native kernels execute what the table says', () => {
  it.each([...peers, ...found])('%s', (name, network) => {
    const { all, first } = tableOf(network, patchOf(name));
    const count = under('native', () => countStep(network, patchOf(name)));
    expect(count.forward).toBe(all);
    // forward, gradients of the inputs (the image's is not wanted), gradients of the filters
    expect(count.step).toBe(3 * all - first);
  });

  it('and no gradients of what only edges of zero read', () => {
    const { all, first } = tableOf(every('zero'), patch);
    const count = under('native', () => countStep(every('zero'), patch));
    expect(count.forward).toBe(all);
    expect(count.step).toBeLessThan(3 * all - first);
  });

  it('and each cell’s forward pass once more where activations are computed anew', () => {
    const { all, first } = tableOf(every('conv3'), patch);
    const out = every('conv3').cost(patch).slice(-1)[0].multiplyAdds;
    const count = under('native', () => countStep(every('conv3', true), patch));
    expect(count.step).toBe(3 * all - first + (all - first - out));
  });
});

describe('the portable kernels', () => {
  it.each(peers)('execute what the table says of %s', (name, network) => {
    const { all, first } = tableOf(network, patchOf(name));
    const count = under('portable', () => countStep(network, patchOf(name)));
    expect(count).toEqual({ forward: all, step: 3 * all - first });
  });

  it('compute a separable convolution as a dense one', () => {
    const [dense, separable] = ['conv3', 'sep3'].map((name) =>
      under('portable', () => countStep(every(name), patch)),
    );
    expect(separable).toEqual(dense);
    expect(separable.forward).toBeGreaterThan(3 * tableOf(every('sep3'), patch).all);
  });
});
