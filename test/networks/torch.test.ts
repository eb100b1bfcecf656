/** The peers against PyTorch: nnU-Net against version 1's own code, 3D U-ResNet against one written apart (test/oracles/torch_peers.py). */
import { afterEach, describe, expect, it } from 'vitest';
import { gradients } from '../../src/engine/gradients';
import type { Network, ParameterSpec, Shape3, Theta } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { networkBy } from '../../src/networks/build';
import { methodOf } from '../../src/networks/methods';
import { poolings } from '../../src/networks/nnunet';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';
import { initialRetrain, type RetrainOptions, retrainStep } from '../../src/paper/retrain';
import { losses } from '../../src/paper/training';
import { implementations } from '../engine/implementations';
import fixture from '../fixtures/torch_peers.json';

const { inputs, classes, width, stride, cases } = fixture;

/** The formulas of test/oracles/torch_peers.py. */
function values(count: number, salt: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((7919 * i + 104729 * salt) % 2003) / 1001.5 - 1);
}
function weight({ name, shape }: ParameterSpec): tf.Tensor {
  const salt = [...name].reduce((sum, c, i) => sum + (i + 1) * c.charCodeAt(0), 0) % 997;
  const size = shape.reduce((a, b) => a * b, 1);
  const kind = name.split('/')[1];
  const fan = name.startsWith('up') && shape.length === 5 ? shape[4] : size / shape[shape.length - 1];
  const scale = kind === 'weight' ? Math.fround(Math.sqrt(6 / fan)) : 0.25;
  return tf.tensor(
    values(size, salt).map((v) => v * scale + (kind === 'gamma' ? 1 : 0)),
    shape as number[],
  );
}
function batch({ patch, salt }: { patch: readonly number[]; salt: number }) {
  const [a, b, c] = patch;
  const voxels = 2 * patch.reduce((a, b) => a * b, 1);
  const labels = Int32Array.from({ length: voxels }, (_, i) => ((i * 7919) % 2003) % classes);
  return {
    x: tf.tensor(values(voxels * inputs, salt), [2, a, b, c, inputs]) as tf.Tensor5D,
    y: tf.tensor(labels, [2, a, b, c], 'int32') as tf.Tensor4D,
  };
}

/** ‖a − b‖ / ‖b‖ over the numbers that the fixture stores of a. */
function apart(a: tf.Tensor, text: string): number {
  const b = new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
  const all = a.dataSync();
  const some = all.length > 200 ? Array.from(b, (_, i) => all[i * stride]) : [...all];
  expect(some).toHaveLength(b.length);
  return Math.hypot(...some.map((v, i) => v - b[i])) / Math.hypot(...b);
}

const before = process.env.SCNAS_KERNELS;
afterEach(() => {
  if (before === undefined) delete process.env.SCNAS_KERNELS;
  else process.env.SCNAS_KERNELS = before;
});

const rows = implementations.flatMap((k) => cases.map((c) => ({ ...c, kernels: k.name })));

/** The network of a row, trained as its method is, from the fixture's weights. */
function prepared(row: (typeof rows)[number]) {
  const name = row.network as 'uresnet' | 'nnunet';
  const method = methodOf(name);
  const network: Network = networkBy[name]({
    inputs,
    classes,
    stem: width,
    patch: row.patch as unknown as Shape3,
    operations,
    readings: defaultReadings,
  });
  const start = (): Theta => Object.fromEntries(network.parameters.map((spec) => [spec.name, weight(spec)]));
  return { method, network, start };
}

/** nnU-Net's own loss begins at −1. */
const shift = ({ network }: { network: string }) => (network === 'nnunet' ? 1 : 0);

describe.each(rows)('$network at $patch, $kernels kernels', (row) => {
  const { method, network, start } = prepared(row);

  it('has the parameters, logits, loss and gradients of PyTorch, within 1e-4 a tensor', () => {
    process.env.SCNAS_KERNELS = row.kernels;
    const names = network.parameters.map(({ name }) => name);
    expect([...names].sort()).toEqual(Object.keys(row.gradients).sort());
    tf.tidy(() => {
      const [theta, { x, y }] = [start(), batch(row)];
      expect(apart(network.forward(theta, x), row.logits)).toBeLessThan(1e-4);
      const loss = () => losses[method.training.loss](network.forward(theta, x), y, defaultReadings);
      const made = gradients(
        loss,
        names.map((name) => theta[name]),
      );
      expect(made.value.dataSync()[0]).toBeCloseTo(row.loss + shift(row), 5);
      names.forEach((name, i) => {
        const stored = row.gradients[name as keyof typeof row.gradients] as string;
        expect(apart(made.gradients[i] as tf.Tensor, stored), name).toBeLessThan(1e-4);
      });
    });
  });
});

describe.each(rows.filter(({ losses: steps }) => steps))('$network at $patch, $kernels kernels', (row) => {
  const { method, network, start } = prepared(row);

  it('takes the first training steps of nnU-Net’s own optimiser', () => {
    process.env.SCNAS_KERNELS = row.kernels;
    const options: RetrainOptions = {
      steps: 100,
      stepsPerEpoch: 100,
      microBatch: 2,
      adam: { rate: fixture.rate, beta1: 0.9, beta2: 0.999 },
      plateau: { patience: 30, factor: 5 },
      minRate: 1e-7,
      training: method.training,
    };
    const data = batch(row);
    let state = { ...initialRetrain(network, options, 1), theta: start() };
    for (const loss of row.losses ?? []) {
      const next = retrainStep(network, options, state, data, defaultReadings);
      state = next.state as typeof state;
      expect(next.report.loss).toBeCloseTo(loss + shift(row), 3);
    }
    tf.dispose([state.theta, state.adam.m, state.adam.v, state.adam.peak ?? [], data]);
  });

  it('halves the axes as nnU-Net', () => {
    expect(poolings(row.patch as unknown as Shape3)).toEqual(row.strides);
  });
});
