/** models/hippocampus predicts by its name right after set-up; on real cases it finds both parts of the hippocampus. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadCase, openDataset } from '../../src/data/msd';
import { readNifti } from '../../src/data/nifti';
import { tf } from '../../src/engine/tf';
import { dice } from '../../src/evaluate/dice';
import { phantomData } from '../../src/notebook/data';
import { loadModel } from '../../src/run/model';
import { predictFile } from '../../src/run/predict-file';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-model-'));
const model = loadModel('hippocampus');
afterAll(() => {
  tf.dispose(model.theta);
  fs.rmSync(folder, { recursive: true, force: true });
});

const task = path.join(process.env.SCNAS_DATA ?? '', 'Task04_Hippocampus');
const there = process.env.SCNAS_DATA !== undefined && fs.existsSync(task);

describe('the model hippocampus', () => {
  it('writes a label map on the grid of its input', () => {
    const [{ image }] = phantomData('Task04_Hippocampus', { cases: 2 }).cases;
    const out = path.join(folder, 'phantom.nii.gz');
    const labels = predictFile(model, [image], out);
    const [written, read] = [readNifti(out), readNifti(image)];
    expect(written.shape).toEqual(read.shape);
    expect(written.spacing).toEqual(read.spacing);
    expect(labels.every((label) => label <= 2)).toBe(true);
  });

  // These cases it has learned from, so this shows that weights and network belong together, not how good it is.
  it.skipIf(!there)('knows the cases that it learned from', () => {
    const data = openDataset(task);
    for (const { id, image } of data.cases.slice(0, 2)) {
      const labels = predictFile(model, [image], path.join(folder, `${id}.nii.gz`));
      const truth = loadCase(data, id).label as Uint8Array;
      for (const label of [1, 2]) expect(dice(labels, truth, label)).toBeGreaterThan(0.88);
    }
  });
});
