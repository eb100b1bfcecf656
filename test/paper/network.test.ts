import { describe, expect, it } from 'vitest';
import { countMultiplyAdds } from '../../src/engine/count';
import { key } from '../../src/engine/keys';
import { initialise } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { unet } from '../../src/networks/unet';
import { totalCost } from '../../src/paper/cost';
import { cellTypes, type Genotype, randomGenotype } from '../../src/paper/genotype';
import { derivedNetwork, type Sample, supernet, zHatOf } from '../../src/paper/network';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';
import { batch, options, relative } from './small';

/** The sample that draws a genotype with weight one. */
const oneHot = (g: Genotype): Sample =>
  cellTypes.map((type) =>
    g.cells[type].map(({ op }) => ({
      operations: [operations.findIndex((o) => o.name === op)],
      weights: [1],
    })),
  );
const uniformGenotype = (name: string) =>
  randomGenotype(
    operations.filter((o) => o.name === name),
    key(1),
  );

describe('supernet and derived network', () => {
  it.each([1, 2, 3])('agree when Z is one-hot (random genotype %i)', (seed) => {
    const genotype = randomGenotype(operations, key(seed));
    const net = supernet(options);
    const derived = derivedNetwork(options, genotype, 'search');
    const theta = initialise(net.parameters, key(7));
    const { x } = batch(seed);
    const sample = oneHot(genotype);
    const a = net.forward(theta, x, sample, tf.tensor1d(zHatOf(sample)));
    const b = derived.forward(theta, x);
    expect(a.shape).toEqual([1, 16, 16, 16, 3]);
    expect(relative(a.dataSync(), b.dataSync())).toBeLessThan(1e-6);
    expect(new Set(net.used(sample))).toEqual(new Set(derived.parameters.map((p) => p.name)));
    expect(totalCost(net.cost(sample, [16, 16, 16])).flops).toBe(totalCost(derived.cost([16, 16, 16])).flops);
    tf.dispose([a, b, x, theta]);
  });

  it('a derived network has exactly its own parameters, and affine norms', () => {
    const derived = derivedNetwork(options, uniformGenotype('conv3'));
    expect(
      derived.parameters.filter((p) => p.name.includes('edge') && p.name.endsWith('weight')),
    ).toHaveLength(12 * 14);
    expect(derived.parameters.some((p) => p.name.endsWith('gamma'))).toBe(true);
    expect(supernet(options).parameters.some((p) => p.name.endsWith('gamma'))).toBe(false);
  });

  it('a node with only zero edges is zeros, and the network still runs', () => {
    const derived = derivedNetwork(options, uniformGenotype('zero'));
    const theta = initialise(derived.parameters, key(1));
    const { x } = batch(1);
    const y = derived.forward(theta, x);
    expect(y.shape).toEqual([1, 16, 16, 16, 3]);
    expect([...y.dataSync()].every(Number.isFinite)).toBe(true);
    tf.dispose([theta, x, y]);
  });

  it('runs under every reading that changes the network', () => {
    const { x } = batch(2);
    const changes = [
      { nodes: 'two' },
      { stem: 'two' },
      { identity: 'strided convolution' },
      { poolNorm: 'none' },
      { affine: 'always' },
      { decoderSum: 'expansion' },
      { upsampling: 'corners' },
    ] as const;
    for (const change of changes) {
      const readings = { ...defaultReadings, ...change };
      const n = readings.nodes === 'two' ? 2 : 4;
      const net = derivedNetwork({ ...options, readings }, randomGenotype(operations, key(3), n));
      const theta = initialise(net.parameters, key(1));
      const y = net.forward(theta, x);
      expect(y.shape).toEqual([1, 16, 16, 16, 3]);
      tf.dispose([theta, y]);
    }
    x.dispose();
  });

  it('refuses a stem that does not divide and a genotype of other operations', () => {
    expect(() => supernet({ ...options, stem: 10 })).toThrow(/stem channels: expected a multiple of 4/);
    const few = operations.slice(0, 2);
    expect(() => derivedNetwork({ ...options, operations: few }, uniformGenotype('maxpool'))).toThrow(
      /found maxpool/,
    );
  });
});

describe('only what is sampled is computed', () => {
  it('a step runs as many kernels with sixteen candidates as with eight', async () => {
    const more = [...operations, ...operations.map((o) => ({ ...o, name: `${o.name}-again` }))];
    const { x } = batch(4);
    const sample = oneHot(randomGenotype(operations, key(9)));
    const counts: { kernels: number; multiplyAdds: number; peak: number }[] = [];
    for (const table of [operations, more]) {
      const net = supernet({ ...options, operations: table });
      const theta = initialise(net.parameters, key(7));
      const zHat = tf.tensor1d(zHatOf(sample));
      const held = tf.memory().numBytes;
      const { kernels, peakBytes } = await tf.profile(() =>
        tf.tidy(() => net.forward(theta, x, sample, zHat)).dispose(),
      );
      const forward = () => tf.tidy(() => net.forward(theta, x, sample, zHat)).dispose();
      const { multiplyAdds } = countMultiplyAdds(forward);
      counts.push({ kernels: kernels.length, multiplyAdds, peak: peakBytes - held });
      tf.dispose(zHat);
      tf.dispose(theta);
    }
    x.dispose();
    // The native kernels run the twelve cells as one.
    expect(counts[0].kernels).toBeGreaterThan(2);
    expect(counts[1].kernels).toBe(counts[0].kernels);
    expect(counts[0].multiplyAdds).toBeGreaterThan(1e6);
    expect(counts[1].multiplyAdds).toBe(counts[0].multiplyAdds);
    expect(Math.abs(counts[1].peak / counts[0].peak - 1)).toBeLessThan(0.01);
  });
});

describe('cost', () => {
  const giga = (name: string) => {
    const net = derivedNetwork({ ...options, inputs: 4, classes: 4, stem: 68 }, uniformGenotype(name));
    return totalCost(net.cost([128, 128, 128])).flops / 1e9;
  };
  it.each([
    ['conv3', 1246],
    ['sep3', 132.3],
    ['avgpool', 43.5],
  ] as const)('at stem 68 and 4×128³ all %s come to about %f G multiply-adds', (name, expected) => {
    expect(Math.abs(giga(name) / expected - 1)).toBeLessThan(0.002);
  });

  it('counts the parameters that the network has', () => {
    for (const net of [
      derivedNetwork(options, randomGenotype(operations, key(2))),
      unet({ inputs: 2, classes: 3, width: 5 }),
    ]) {
      const sizes = net.parameters.reduce((sum, p) => sum + p.shape.reduce((a, b) => a * b, 1), 0);
      expect(totalCost(net.cost([16, 16, 16])).parameters).toBe(sizes);
    }
  });

  it('doubles where a multiply-add counts twice', () => {
    const layers = unet({ inputs: 1, classes: 2, width: 4 }).cost([16, 16, 16]);
    expect(totalCost(layers, 'twice').flops).toBe(2 * totalCost(layers).flops);
  });
});

describe('U-Net', () => {
  it('gives logits of the patch’s shape', () => {
    const net = unet({ inputs: 1, classes: 3, width: 4 });
    const theta = initialise(net.parameters, key(1));
    const { x } = batch(1);
    const y = net.forward(theta, x);
    expect(y.shape).toEqual([1, 16, 16, 16, 3]);
    tf.dispose([theta, x, y]);
  });
});
