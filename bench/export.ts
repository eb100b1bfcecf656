/**
 * A network of ours as files that bench/torch reads: its parameters, a batch, and what we compute from them.
 *
 *     node setup/run.mjs bench/export.ts FOLDER search|derived STEM BATCH X,Y,Z INPUTS CLASSES
 *
 * Everything follows from one key. An edge of the search network draws two distinct operations, with weights that sum to one.
 */
import fs from 'node:fs';
import path from 'node:path';
import { gradients } from '../src/engine/gradients';
import { fold, integers, type Key, key, normal, uniform } from '../src/engine/keys';
import {
  initialise,
  type LayerCost,
  type Network,
  type ParameterSpec,
  type Shape3,
  type Tensor5D,
  type Theta,
} from '../src/engine/model';
import { tf } from '../src/engine/tf';
import type { BatchTensors } from '../src/paper/first-order';
import { edgesOf, genotypeOf } from '../src/paper/genotype';
import { jaccardDistance } from '../src/paper/jaccard';
import {
  derivedNetwork,
  type NetworkOptions,
  type Sample,
  type Supernet,
  supernet,
  zHatOf,
} from '../src/paper/network';
import { operations } from '../src/paper/operations';
import { defaultReadings } from '../src/paper/readings';

export interface Setting {
  readonly phase: 'search' | 'derived';
  readonly stem: number;
  readonly batch: number;
  readonly patch: Shape3;
  readonly inputs: number;
  readonly classes: number;
}

/** A network to compare: parameters, names of the operations on every edge, and its logits as a function of Θ and ẑ. */
export interface Comparison {
  /** Parameters that the logits depend on. */
  readonly parameters: readonly ParameterSpec[];
  /** Operation names, [edge][one or two], for each cell type. */
  readonly choices: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** ẑ, [types · edges · 2]; empty for a derived network. */
  readonly zHat: Float32Array;
  /** Of one sample of the patch. */
  readonly cost: readonly LayerCost[];
  /** The network itself: the search's with its sample, or the derived one. */
  readonly of: { readonly search: Supernet; readonly sample: Sample } | { readonly derived: Network };
  logits(theta: Theta, x: Tensor5D, zHat?: tf.Tensor1D): Tensor5D;
}

/** The key of everything in the benchmark. */
export const benchKey: Key = key(20190615, 'bench');

const TYPES = ['enc', 'red', 'dec', 'exp'] as const;

/** The network of a setting; of the supernet only what the sample uses. */
export function comparison(setting: Setting, k: Key = benchKey): Comparison {
  const options: NetworkOptions = { ...setting, operations, readings: defaultReadings };
  const edges = edgesOf(4);
  const names = operations.map((o) => o.name);
  if (setting.phase === 'derived') {
    const drawn = TYPES.map((type) => integers(fold(k, 'derived', type), edges.length, names.length));
    const genotype = genotypeOf(
      operations,
      (type) => edges.map((edge, e) => ({ ...edge, op: names[drawn[TYPES.indexOf(type)][e]] })),
      {},
    );
    const net = derivedNetwork(options, genotype);
    const choices = Object.fromEntries(
      TYPES.map((type) => [type, genotype.cells[type].map(({ op }) => [op])]),
    );
    return {
      parameters: net.parameters,
      choices,
      zHat: new Float32Array(0),
      cost: net.cost(setting.patch),
      of: { derived: net },
      logits: net.forward,
    };
  }
  const net = supernet(options);
  const sample = net.sites.map((type) =>
    edges.map((_, e) => {
      const [first] = integers(fold(k, 'first', type, e), 1, names.length);
      const [skip] = integers(fold(k, 'second', type, e), 1, names.length - 1);
      const [weight] = uniform(fold(k, 'weight', type, e), 1);
      return { operations: [first, (first + 1 + skip) % names.length], weights: [weight, 1 - weight] };
    }),
  );
  const used = new Set(net.used(sample));
  const choices = Object.fromEntries(
    net.sites.map((type, site) => [type, sample[site].map((draw) => draw.operations.map((o) => names[o]))]),
  );
  return {
    parameters: net.parameters.filter(({ name }) => used.has(name)),
    choices,
    zHat: zHatOf(sample),
    cost: net.cost(sample, setting.patch),
    of: { search: net, sample },
    logits: (theta, x, zHat) => net.forward(theta, x, sample, zHat ?? tf.tensor1d(zHatOf(sample)), 'theta'),
  };
}

/** Values of the parameters; of the same name always the same. */
export function startOf(parameters: readonly ParameterSpec[], k: Key = benchKey): Record<string, tf.Tensor> {
  const theta = initialise(parameters, fold(k, 'theta'));
  // Scales of 1 and shifts of 0 would hide a mistake in them.
  for (const { name, shape, init } of parameters)
    if (init !== 'he')
      theta[name] = tf.tidy(() =>
        theta[name].add(tf.tensor(normal(fold(k, 'affine', name), shape[0])).mul(0.1)),
      );
  return theta;
}

/** Normal voxels and uniform classes. */
export function batchOf({ batch, patch, inputs, classes }: Setting, k: Key = benchKey): BatchTensors {
  const voxels = batch * patch[0] * patch[1] * patch[2];
  return {
    x: tf.tensor(normal(fold(k, 'x'), voxels * inputs), [batch, ...patch, inputs]) as Tensor5D,
    y: tf.tensor(integers(fold(k, 'labels'), voxels, classes), [batch, ...patch], 'int32') as tf.Tensor4D,
  };
}

/** Writes spec.json and weights.bin, x.bin, labels.bin, zhat.bin; then logits.bin, the loss and, if wanted, gradients.bin. */
export function write(folder: string, setting: Setting, withGradients = true): void {
  const { parameters, choices, zHat, logits } = comparison(setting);
  const theta = startOf(parameters);
  const { x, y } = batchOf(setting);
  const z = zHat.length > 0 ? [tf.tensor1d(zHat)] : [];
  const values = [...parameters.map(({ name }) => theta[name]), ...z];
  fs.mkdirSync(folder, { recursive: true });
  const put = (name: string, tensors: readonly tf.Tensor[]) =>
    fs.writeFileSync(
      path.join(folder, name),
      Buffer.concat(tensors.map((t) => Buffer.from(t.dataSync().buffer))),
    );
  put('weights.bin', values.slice(0, parameters.length));
  put('x.bin', [x]);
  put('labels.bin', [y]);
  put('zhat.bin', z);
  const loss = tf.tidy(() => {
    const output = logits(theta, x, z[0]);
    put('logits.bin', [output]);
    return jaccardDistance(output, y, defaultReadings).arraySync();
  });
  if (withGradients)
    tf.tidy(() => {
      const f = () => jaccardDistance(logits(theta, x, z[0]), y, defaultReadings);
      const byValue = gradients(f, values).gradients;
      put(
        'gradients.bin',
        byValue.map((g, i) => g ?? tf.zerosLike(values[i])),
      );
    });
  const spec = {
    ...setting,
    poolNorm: setting.phase === 'search',
    choices,
    parameters: parameters.map(({ name, shape }) => ({ name, shape })),
    loss,
  };
  fs.writeFileSync(path.join(folder, 'spec.json'), `${JSON.stringify(spec, null, 1)}\n`);
  tf.dispose([Object.values(theta), z, x, y]);
}

if (require.main === module) {
  const [folder, phase, stem, batch, patch, inputs, classes] = process.argv.slice(2);
  write(folder, {
    phase: phase as Setting['phase'],
    stem: Number(stem),
    batch: Number(batch),
    patch: patch.split(',').map(Number) as unknown as Shape3,
    inputs: Number(inputs),
    classes: Number(classes),
  });
}
