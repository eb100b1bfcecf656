/**
 * A run folder of a network that bench/torch/train.py trained, so that scnas evaluate and scnas predict take it as their own.
 *
 *     SCNAS_DATA=DIR node setup/run.mjs bench/adopt.ts TRAINED RUN GENOTYPE
 *
 * TRAINED has model.safetensors and training.json. What trained it, and how, stands in the record.
 */
import fs from 'node:fs';
import path from 'node:path';
import { hippocampus } from '../src/notebook/data';
import { planRun, runIn } from '../src/notebook/runs';
import { parseGenotype } from '../src/paper/genotype';
import { operations } from '../src/paper/operations';
import { readJson, writeWhole } from '../src/run/files';
import { asLines, updateRecord, writeGenotype } from '../src/run/folder';
import { loadModel } from '../src/run/model';

/** training.json of bench/torch/train.py. */
interface Training {
  readonly patch: string;
  readonly fold: string;
  readonly inner: boolean;
  readonly batch: number;
  readonly rate: number;
  readonly decay: number;
  readonly steps: number;
  readonly done: number;
  readonly stem: number;
  readonly seed: number;
  readonly seconds: number;
  readonly engine: string;
  readonly device: string;
  readonly loss: readonly (readonly [number, number])[];
}

async function adopt(trained: string, dir: string, genotypeFile: string): Promise<void> {
  const training = readJson(path.join(trained, 'training.json'), 'train it first') as Training;
  const genotype = parseGenotype(readJson(genotypeFile, 'give a genotype.json'), operations, genotypeFile);
  const { batch, rate, decay, steps, stem, patch, inner, fold, seed } = training;
  const retrain = { stem, batch, microBatch: batch, steps, stepsPerEpoch: 50, 'adam.rate': rate, decay };
  const planned = await planRun(hippocampus(process.env.SCNAS_DATA), {
    config: 'laptop',
    set: [
      `patch=[${patch}]`,
      `inner=${inner}`,
      ...Object.entries(retrain).map(([name, value]) => `retrain.${name}=${value}`),
    ],
    fold: fold === 'all' ? 'all' : Number(fold),
    seed,
  });
  const run = runIn(dir, planned);
  writeGenotype(run, genotype);
  writeWhole(path.join(dir, 'model.safetensors'), fs.readFileSync(path.join(trained, 'model.safetensors')));
  const metrics = training.loss.map(([step, loss]) => ({ phase: 'retrain', step, loss }));
  writeWhole(path.join(dir, 'metrics.jsonl'), asLines(metrics));
  const { engine, device } = training;
  updateRecord(run, {
    phases: { retrain: { steps: training.done, seconds: training.seconds } },
    facts: { trainedBy: { engine, device, script: 'bench/torch/train.py' } },
  });
  // Refuses weights that are not this network's.
  loadModel(dir);
}

const [trained, dir, genotypeFile] = process.argv.slice(2);
adopt(trained, dir, genotypeFile);
