/**
 * Prediction of a large CT from file to file: seconds and peak memory, with a network of one convolution, so that all but the network is measured.
 *
 *     node setup/run.mjs bench/predict-large.ts [X,Y,Z] [spacing on disk, mm] [target spacing, mm] [classes]
 *
 * Default 512,512,800 voxels of 0.7 mm, predicted at 0.7 mm, 3 classes, patches of 128³ without flips. Writes a volume of noise to a temporary
 * folder in a process of its own and prints JSON.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  key,
  type Network,
  normal,
  predictLabels,
  prepareCase,
  type Shape3,
  type Tensor5D,
  tf,
} from '../src';
import { plainGeometry, readNifti, writeLabelMap, writeVolume } from '../src/data/nifti';

const [sizes = '512,512,800', disk = '0.7', target = '0.7', classCount = '3'] = process.argv.slice(2);
const shape = sizes.split(',').map(Number) as unknown as Shape3;
const part = process.env.SCNAS_BENCH_PART;
const folder = process.env.SCNAS_BENCH_FOLDER ?? mkdtempSync(path.join(os.tmpdir(), 'scnas-bench-'));
const input = path.join(folder, 'ct.nii.gz');
const output = path.join(folder, 'labels.nii.gz');
const mm = (text: string): readonly [number, number, number] => [Number(text), Number(text), Number(text)];

/** Air around a body of noise, Hounsfield units. */
function write(): void {
  const [X, Y, Z] = shape;
  const noise = normal(key(1), 65_536);
  const data = new Int16Array(X * Y * Z);
  for (let x = 0, i = 0; x < X; x++)
    for (let y = 0; y < Y; y++) {
      const body = ((2 * x) / X - 1) ** 2 + ((2 * y) / Y - 1) ** 2 < 0.8;
      for (let z = 0; z < Z; z++, i++) data[i] = body ? 40 + 100 * noise[(i * 31) & 65_535] : -1024;
    }
  writeVolume(input, data, shape, 1, plainGeometry(mm(disk)));
}

function network(classes: number): Network {
  const kernel = Array.from(normal(key(2), 27 * classes));
  return {
    name: 'one convolution',
    inputs: 1,
    classes,
    parameters: [],
    cost: () => [],
    forward: (_, x) =>
      tf.tidy(() => tf.conv3d(x, tf.tensor5d(kernel, [3, 3, 3, 1, classes]), 1, 'same')) as Tensor5D,
  };
}

function predict(): void {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 100) / 10;
  const peak = () => Math.round(process.resourceUsage().maxRSS / 1024);
  const classes = Number(classCount);
  const prepared = (() => {
    const { data: image, ...volume } = readNifti(input);
    const how = { spacing: mm(target), maskStatistics: false, channels: [] };
    return prepareCase({ id: 'ct', image, ...volume }, classes, how);
  })();
  const afterPrepare = { seconds: seconds(), peakMiB: peak() };
  const options = { patch: [128, 128, 128] as const, flips: false };
  const labels = predictLabels(network(classes), {}, prepared, options);
  const afterPredict = { seconds: seconds(), peakMiB: peak() };
  writeLabelMap(output, labels, prepared.crop.shape, prepared.geometry);
  const facts = { shape, disk, grid: prepared.shape, classes, afterPrepare, afterPredict };
  const file = {
    inputMiB: Math.round(statSync(input).size / 2 ** 20),
    labels: new Set(labels.subarray(0, 1e7)).size,
  };
  process.stdout.write(`${JSON.stringify({ ...facts, seconds: seconds(), peakMiB: peak(), ...file })}\n`);
}

if (part === 'write') write();
else if (part === 'predict') predict();
else
  try {
    for (const each of ['write', 'predict']) {
      const env = { ...process.env, SCNAS_BENCH_PART: each, SCNAS_BENCH_FOLDER: folder };
      const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
        env,
        stdio: 'inherit',
      });
      if (status !== 0) process.exitCode = 1;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
