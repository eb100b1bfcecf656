/** A model of several channels, trained here, gives the same label map for a 4D file and for one file a channel; also a real brain with SCNAS_DATA. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cut } from '../../src/data/crop';
import { openDataset } from '../../src/data/msd';
import { readNifti, writeVolume } from '../../src/data/nifti';
import { writePhantom } from '../../src/data/phantom';
import type { Shape3 } from '../../src/engine/model';
import { main } from '../../src/run/cli';

const TASK = 'Task01_BrainTumour';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-channels-'));
const at = (...names: string[]) => path.join(folder, ...names);
const before = process.env.SCNAS_CACHE;
process.env.SCNAS_CACHE = at('cache');
afterAll(() => {
  if (before === undefined) delete process.env.SCNAS_CACHE;
  else process.env.SCNAS_CACHE = before;
  fs.rmSync(folder, { recursive: true, force: true });
});

const scnas = async (...args: string[]) =>
  expect(await main(['node', 'scnas', ...args]), args.join(' ')).toBe(0);

/** Writes the middle of a volume, at most 64 voxels along each axis, so that a prediction takes seconds. */
function middle(file: string, out: string): void {
  const { data, shape, channels, geometry } = readNifti(file);
  const side = (n: number) => Math.min(64, n);
  const box: Shape3 = [side(shape[0]), side(shape[1]), side(shape[2])];
  const origin = shape.map((n, axis) => (n - box[axis]) >> 1) as unknown as Shape3;
  writeVolume(out, cut(data, shape, channels, { origin, shape: box }), box, channels, geometry);
}

/** Writes each channel of a 4D file as a file of its own, in nnU-Net's names; `order` says which channel gets which number. */
function apart(file: string, dir: string, order: (channel: number, all: number) => number): void {
  const { data, shape, channels, geometry } = readNifti(file);
  fs.mkdirSync(dir, { recursive: true });
  for (let c = 0; c < channels; c++) {
    const own = Float32Array.from({ length: data.length / channels }, (_, i) => data[i * channels + c]);
    const name = `brain_${String(order(c, channels)).padStart(4, '0')}.nii.gz`;
    writeVolume(path.join(dir, name), own, shape, 1, geometry);
  }
}

const root = process.env.SCNAS_DATA;
const real = root !== undefined && fs.existsSync(path.join(root, TASK));

describe.each([
  ['phantom', '16,16,16', true],
  ['real', '32,32,32', real],
] as const)('a %s brain', { timeout: 300_000 }, (name, patch, there) => {
  it.skipIf(!there)('in one file, and in one file a channel', async () => {
    const data =
      name === 'real'
        ? path.join(root ?? '', TASK)
        : writePhantom({ task: TASK, cases: 4, seed: 2, size: [32, 36, 28], out: at('phantom') });
    const set = [
      `patch=${patch}`,
      'retrain.stem=4',
      'retrain.steps=30',
      'retrain.adam.rate=0.02',
      'retrain.microBatch=2',
      'foreground=1',
    ].flatMap((one) => ['--set', one]);
    const model = at(`run-${name}`);
    await scnas('retrain', '--data', data, '--config', 'smoke', '--method', 'random', ...set, '--run', model);
    const image = at(`${name}-middle.nii.gz`);
    middle(openDataset(data).cases[0].image, image);
    const predicted = async (input: string, out: string) => {
      await scnas('predict', '--model', model, '--in', input, '--out', out);
      return readNifti(out);
    };
    apart(image, at(name, 'channels'), (c) => c);
    apart(image, at(name, 'turned'), (c, all) => all - 1 - c);
    const together = await predicted(image, at(`${name}-one.nii.gz`));
    const single = await predicted(at(name, 'channels', 'brain_0000.nii.gz'), at(`${name}-several.nii.gz`));
    const turned = await predicted(at(name, 'turned', 'brain_0000.nii.gz'), at(`${name}-turned.nii.gz`));
    expect(Buffer.from(single.data.buffer).equals(Buffer.from(together.data.buffer))).toBe(true);
    expect(single.geometry).toEqual(together.geometry);
    // The network looks at its channels and knows more than one class, so that the maps could differ.
    expect(new Set(together.data).size).toBeGreaterThan(1);
    expect(turned.data).not.toEqual(together.data);
    // A folder of such files gets one map, under the volume's name.
    await scnas('predict', '--model', model, '--in', at(name, 'channels'), '--out', at(name, 'out'));
    expect(fs.readdirSync(at(name, 'out'))).toEqual(['brain.nii.gz']);
    expect(readNifti(at(name, 'out', 'brain.nii.gz')).data).toEqual(together.data);
  });
});
