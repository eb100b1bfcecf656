/** A trained network on disk: config.json, genotype.json and model.safetensors of a run folder, or of a folder under models/. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import type { Network, Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { networkBy } from '../networks/build';
import { methodOf } from '../networks/methods';
import { widthOfCost } from '../networks/width';
import type { Genotype } from '../paper/genotype';
import type { Operation } from '../paper/operations';
import type { Config } from './config';
import { writeWhole } from './files';
import { openRun, type RunFolder, readGenotype } from './folder';
import { loadOperations } from './operations';
import { configHash } from './record';
import { encodeSafeTensors, type Numbers, readSafeTensors } from './safetensors';

const FORMAT = 'scnas-model-1';

/** The network that a run retrains: its genotype's, or a peer that somebody designed. */
export function networkOf(
  config: Config,
  genotype: Genotype | undefined,
  operations: readonly Operation[],
  where: string,
): Network {
  const { inputs, readings, retrain, patch, match } = config;
  const { stem, recompute } = retrain;
  const method = methodOf(config.method);
  if (method.genotype && !genotype)
    fail({
      where,
      expected: 'genotype.json',
      found: 'none',
      next: 'run scnas derive --run on it, or give --genotype FILE to a new run',
    });
  const classes = config.classes.length;
  const at = (width: number) =>
    networkBy[config.method]({
      inputs,
      classes,
      stem: width,
      operations,
      readings,
      recompute,
      patch,
      genotype,
    });
  return method.genotype || match.multiplyAdds === 0
    ? at(stem)
    : at(widthOfCost(match.multiplyAdds, patch, at));
}

/** Writes the trained weights. */
export async function saveModel({ dir, config }: RunFolder, theta: Theta): Promise<void> {
  const tensors: Record<string, Numbers> = {};
  for (const [name, tensor] of Object.entries(theta))
    tensors[name] = { shape: tensor.shape, data: (await tensor.data()) as Float32Array };
  const metadata = { format: FORMAT, method: config.method, config: configHash(config) };
  writeWhole(path.join(dir, 'model.safetensors'), encodeSafeTensors({ tensors, metadata }));
}

/** A network with its weights, and how it was made. */
export interface Model {
  readonly run: RunFolder;
  readonly network: Network;
  readonly theta: Theta;
}

/** Loads a model by its folder or its name under models/; the weights must be exactly those that the network has. */
export function loadModel(nameOrDir: string): Model {
  const run = openRun(modelFolder(nameOrDir));
  const { config, dir } = run;
  const { operations, hash } = loadOperations(config.operationsFile);
  if (hash !== config.operationsHash)
    fail({
      where: dir,
      expected: 'the operations that it was trained with',
      found: 'a changed table',
      next: `restore ${config.operationsFile ?? 'this version of scnas'}`,
    });
  const file = path.join(dir, 'model.safetensors');
  if (!fs.existsSync(file))
    fail({
      where: file,
      expected: 'trained weights',
      found: 'none',
      next: `finish scnas retrain --run ${dir}`,
    });
  const network = networkOf(config, readGenotype(run, operations), operations, dir);
  const { tensors, metadata } = readSafeTensors(file);
  if (metadata.format !== FORMAT)
    fail({
      where: file,
      expected: `format ${FORMAT}`,
      found: String(metadata.format),
      next: 'this is no model',
    });
  const known = new Map(network.parameters.map(({ name, shape }) => [name, shape.join('×')]));
  for (const [name, shape] of known) {
    const found = tensors[name]?.shape.join('×');
    if (found !== shape)
      fail({
        where: file,
        expected: `${name} of shape ${shape || 'scalar'}`,
        found: found ?? 'nothing',
        next: 'the weights belong to another network',
      });
  }
  const strange = Object.keys(tensors).find((name) => !known.has(name));
  if (strange)
    fail({
      where: file,
      expected: 'only the network’s weights',
      found: strange,
      next: 'the weights belong to another network',
    });
  const theta = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [name, tf.tensor(data, shape as number[])]),
  );
  return { run, network, theta };
}

function modelFolder(nameOrDir: string): string {
  if (fs.existsSync(path.join(nameOrDir, 'config.json'))) return nameOrDir;
  const root = path.join(__dirname, '..', '..', 'models');
  const named = path.join(root, nameOrDir);
  if (fs.existsSync(path.join(named, 'config.json'))) return named;
  const names = fs.existsSync(root) ? fs.readdirSync(root) : [];
  return fail({
    where: `--model ${nameOrDir}`,
    expected: 'a run folder, or a name under models/',
    found: 'neither',
    next: names.length > 0 ? `there are ${names.join(', ')}` : 'give the folder of a finished run',
  });
}
