/** The hour's other side: what nnU-Net v2 is given, and how its label maps are scored. nnU-Net itself is not run here. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { layOut, scored } from '../../bench/hour-runs';
import { loadCase, openDataset } from '../../src/data/msd';
import { writeLabelMap } from '../../src/data/nifti';
import { writePhantom } from '../../src/data/phantom';
import { folds } from '../../src/data/splits';
import { resolveConfig } from '../../src/run/config';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-hour-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const phantom = (task: string) =>
  openDataset(writePhantom({ task, cases: 5, seed: 2, size: [20, 24, 20], out: folder }));

describe('what nnU-Net v2 is given', () => {
  const dataset = phantom('Task04_Hippocampus');
  const split = folds(dataset.cases.map(({ id }) => id))[0];

  it('are links to the volumes themselves, and our fold', () => {
    const place = path.join(folder, 'nnunetv2');
    expect(layOut(dataset, split, place)).toBe(4);
    expect(layOut(dataset, split, place)).toBe(4); // again, over what is there
    const raw = path.join(place, 'raw', 'Dataset004_Hippocampus');
    const description = JSON.parse(fs.readFileSync(path.join(raw, 'dataset.json'), 'utf8'));
    expect(description).toEqual({
      channel_names: { 0: dataset.modalities[0] },
      labels: { background: 0, Anterior: 1, Posterior: 2 },
      numTraining: 5,
      file_ending: '.nii.gz',
    });
    for (const { id, image, label } of dataset.cases) {
      expect(fs.realpathSync(path.join(raw, 'imagesTr', `${id}_0000.nii.gz`))).toBe(fs.realpathSync(image));
      expect(fs.realpathSync(path.join(raw, 'labelsTr', `${id}.nii.gz`))).toBe(fs.realpathSync(label ?? ''));
    }
    const [own, ...more] = JSON.parse(fs.readFileSync(path.join(place, 'splits_final.json'), 'utf8'));
    expect([own, more]).toEqual([{ train: split.train, val: split.validation }, []]);
  });

  it('has one channel', () => {
    const brain = phantom('Task01_BrainTumour');
    expect(() => layOut(brain, split, path.join(folder, 'brain'))).toThrow('one channel');
  });

  it('comes back as label maps that are scored on the grid on disk', () => {
    const [id] = split.validation;
    const { label, shape, geometry } = loadCase(dataset, id);
    const truth = label ?? new Uint8Array();
    writeLabelMap(path.join(folder, `${id}.nii.gz`), truth, shape, geometry);
    expect(scored(dataset, [id], folder)[0]).toMatchObject({
      id,
      dice: { Anterior: 1, Posterior: 1 },
      mean: 1,
    });
    const none = truth.map((v) => (v === 1 ? 0 : v));
    writeLabelMap(path.join(folder, `${id}.nii.gz`), none, shape, geometry);
    expect(scored(dataset, [id], folder)[0]).toMatchObject({
      dice: { Anterior: 0, Posterior: 1 },
      mean: 0.5,
    });
    const other = split.train[0];
    expect(() => scored(dataset, [other], folder)).toThrow(`${other}.nii.gz`);
  });
});

it('what is fixed in steps: the configurations of the hour and of ablations', () => {
  const [hour, ablation] = ['hour', 'ablation'].map((file) => resolveConfig({ file }));
  expect([hour.search.steps, hour.retrain.steps, hour.inner]).toEqual([400, 9000, false]);
  expect([ablation.search.steps, ablation.retrain.steps, ablation.inner]).toEqual([200, 300, true]);
  // A hundred epochs, so that schedules by epoch run their course.
  expect(ablation.search.steps / ablation.search.stepsPerEpoch).toBe(100);
});
