/**
 * The paper's scale on one machine: one sample of 128³, one Θ and one α update at stem 48, one retraining update at stem 68, cells recomputed.
 *
 *     SCNAS_DATA=DIR node setup/run.mjs bench/large.ts [SIDE]
 *
 * Takes a case of Task01_BrainTumour from SCNAS_DATA, prints seconds and peak memory as JSON. Each part runs in a process of its own.
 */
import { spawnSync } from 'node:child_process';
import os from 'node:os';
import {
  type BatchTensors,
  defaultReadings,
  derivedNetwork,
  drawBatch,
  fail,
  initialRetrain,
  initialSearch,
  kernels,
  key,
  loadCase,
  native,
  openDataset,
  operations,
  prepareCase,
  randomGenotype,
  retrainStep,
  type SearchOptions,
  searchStep,
  supernet,
  totalCost,
} from '../src';
import { toTensors } from '../src/run/phase';

const side = Number(process.argv[2] ?? 128);
const part = process.argv[3];

const search: SearchOptions = {
  steps: 1,
  stepsPerEpoch: 1,
  microBatch: 1,
  tau: { kind: 'linear', from: 10, to: 0.1 },
  theta: { rate: 0.025, beta1: 0.1, beta2: 0.001 },
  alpha: { rate: 0.003, beta1: 0.5, beta2: 0.999 },
  plateau: { patience: 20, factor: 10 },
};

function sample(): { batch: BatchTensors; inputs: number; classes: number } {
  const data = process.env.SCNAS_DATA;
  if (!data) {
    fail({
      where: 'SCNAS_DATA',
      expected: 'a folder with Task01_BrainTumour',
      found: 'nothing',
      next: 'set it',
    });
  }
  const dataset = openDataset(data, 'Task01_BrainTumour');
  const prepared = prepareCase(loadCase(dataset, dataset.cases[0].id), dataset.classes.length, {
    ...native,
    maskStatistics: true,
  });
  const options = { batch: 1, patch: [side, side, side] as const, foreground: 0.33, mirror: true };
  const drawn = drawBatch([prepared], options, key(0, 'large'));
  return {
    batch: toTensors(drawn),
    inputs: dataset.modalities.length,
    classes: dataset.classes.length,
  };
}

const parts: Readonly<Record<string, () => Record<string, number>>> = {
  search: () => {
    const { batch, inputs, classes } = sample();
    const net = supernet({
      inputs,
      classes,
      stem: 48,
      operations,
      readings: defaultReadings,
      recompute: true,
    });
    const state = initialSearch(net, search, 0);
    const begin = performance.now();
    const { report } = searchStep(net, search, 0, state, { theta: batch, alpha: batch });
    return {
      stem: 48,
      seconds: (performance.now() - begin) / 1000,
      lossTheta: report.lossTheta,
      lossAlpha: report.lossAlpha,
    };
  },
  retrain: () => {
    const { batch, inputs, classes } = sample();
    const genotype = randomGenotype(operations, key(0, 'large'));
    const build = { inputs, classes, stem: 68, operations, readings: defaultReadings, recompute: true };
    const net = derivedNetwork(build, genotype);
    const adam = { rate: 3e-4, beta1: 0.9, beta2: 0.999 };
    const plateau = { patience: 30, factor: 5 };
    const options = { steps: 1, stepsPerEpoch: 1, microBatch: 1, adam, plateau, minRate: 1e-7 };
    const multiplyAdds = totalCost(net.cost([side, side, side])).flops;
    const begin = performance.now();
    const { report } = retrainStep(net, options, initialRetrain(net, options, 0), batch, defaultReadings);
    return { stem: 68, seconds: (performance.now() - begin) / 1000, loss: report.loss, multiplyAdds };
  },
};

if (part) {
  const numbers = parts[part]();
  // maxRSS is in KiB
  console.log(
    JSON.stringify({
      ...numbers,
      peakGiB: process.resourceUsage().maxRSS / 2 ** 20,
      kernels: kernels().name,
    }),
  );
} else {
  const rows = Object.keys(parts).map((name) => {
    const argv = [...process.execArgv, ...process.argv.slice(1, 2), String(side), name];
    const { stdout, status } = spawnSync(process.execPath, argv, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) {
      fail({
        where: `bench/large.ts ${name}`,
        expected: 'exit code 0',
        found: String(status),
        next: 'see the lines above',
      });
    }
    return [name, JSON.parse(stdout)];
  });
  const machine = {
    cpu: os.cpus()[0].model,
    threads: Number(process.env.SCNAS_THREADS ?? os.availableParallelism()),
  };
  console.log(
    JSON.stringify(
      { sample: `2×${side}³, Task01_BrainTumour`, ...machine, ...Object.fromEntries(rows) },
      null,
      2,
    ),
  );
}
