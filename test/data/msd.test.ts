import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCase, openDataset } from '../../src/data/msd';
import { plainGeometry, writeLabelMap, writeVolume } from '../../src/data/nifti';
import { prepareCase } from '../../src/data/preprocess';
import type { Shape3 } from '../../src/engine/model';
import { errorOf, freshFolder } from './folder';

const SHAPE: Shape3 = [3, 4, 5];
const geometry = plainGeometry([1, 1, 1]);

type Json = Record<string, unknown>;

/** A task of two tiny cases, its dataset.json changed by `change`. */
function task({
  change = (json: Json): unknown => json,
  name = 'Task09_Tiny',
  root = freshFolder(),
} = {}): string {
  const folder = path.join(root, name);
  for (const id of ['b', 'a']) {
    const values = Int16Array.from({ length: 60 }, (_, i) => i + 1);
    writeVolume(path.join(folder, 'imagesTr', `${id}.nii.gz`), values, SHAPE, 1, geometry);
    const labels = Uint8Array.from(values, (v) => v % 3);
    writeLabelMap(path.join(folder, 'labelsTr', `${id}.nii.gz`), labels, SHAPE, geometry);
  }
  const pair = (id: string) => ({ image: `./imagesTr/${id}.nii.gz`, label: `./labelsTr/${id}.nii.gz` });
  const json = change({
    modality: { '0': 'MRI' },
    labels: { '0': 'background', '1': 'one', '2': 'two' },
    training: [pair('b'), pair('a')],
  });
  writeFileSync(path.join(folder, 'dataset.json'), typeof json === 'string' ? json : JSON.stringify(json));
  return folder;
}

describe('opening', () => {
  it('a task folder, a root with its name, and a root that holds one task are the same', () => {
    const folder = task();
    const dataset = openDataset(folder);
    expect(dataset).toMatchObject({
      name: 'Task09_Tiny',
      modalities: ['MRI'],
      classes: ['background', 'one', 'two'],
    });
    expect(dataset.cases.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(openDataset(path.dirname(folder), 'Task09_Tiny')).toEqual(dataset);
    expect(openDataset(path.dirname(folder))).toEqual(dataset);
    expect(openDataset(folder, 'Task09_Tiny')).toEqual(dataset);
  });

  it('the hash changes with dataset.json and with the size of a file', () => {
    const folder = task();
    const before = openDataset(folder).hash;
    const file = path.join(folder, 'imagesTr', 'a.nii.gz');
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from([0])]));
    expect(openDataset(folder).hash).not.toBe(before);
  });

  it('says what tasks are there', () => {
    const root = freshFolder();
    task({ root, name: 'Task01_A' });
    task({ root, name: 'Task02_B' });
    expect(errorOf(() => openDataset(root))).toContain(
      'found the tasks Task01_A, Task02_B; name one with --task',
    );
    expect(errorOf(() => openDataset(root, 'Task03_C'))).toContain('expected the task Task03_C');
    expect(errorOf(() => openDataset(path.join(root, 'Task01_A'), 'Task02_B'))).toContain(
      'found the task Task01_A',
    );
    expect(errorOf(() => openDataset(path.join(root, 'nowhere')))).toContain('no such folder');
    expect(errorOf(() => openDataset(freshFolder()))).toContain('no dataset.json');
  });
});

describe('a case', () => {
  const load = (prepare: (folder: string) => void, change?: (json: Json) => unknown) => {
    const folder = task({ change });
    prepare(folder);
    return loadCase(openDataset(folder), 'a');
  };
  const labelFile = (folder: string) => path.join(folder, 'labelsTr', 'a.nii.gz');

  it('comes with image, label and geometry', () => {
    const raw = load(() => undefined);
    expect(raw).toMatchObject({ id: 'a', shape: SHAPE, channels: 1, spacing: [1, 1, 1], geometry });
    expect(Array.from(raw.label ?? [])).toEqual(Array.from(raw.image, (v) => v % 3));
  });

  it('may have no label', () => {
    const raw = load(
      () => undefined,
      (json) => ({ ...json, training: [{ image: './imagesTr/a.nii.gz' }] }),
    );
    expect(raw.label).toBeUndefined();
  });

  it('a file that went away and an unknown id are named', () => {
    const folder = task();
    const dataset = openDataset(folder);
    rmSync(labelFile(folder));
    expect(errorOf(() => loadCase(dataset, 'a'))).toContain('no such file');
    expect(errorOf(() => loadCase(dataset, 'zz'))).toContain(
      'expected a case zz, found 2 cases, from a to b',
    );
  });
});

describe.skipIf(!process.env.SCNAS_DATA)('real volumes (SCNAS_DATA)', () => {
  const data = process.env.SCNAS_DATA ?? '';

  it('every hippocampus case opens; the first is 35 × 51 × 35 with 1324 and 1624 voxels', () => {
    const dataset = openDataset(data, 'Task04_Hippocampus');
    expect(dataset.cases.length).toBeGreaterThanOrEqual(200);
    const raw = loadCase(dataset, 'hippocampus_001');
    const prepared = prepareCase(raw, 3);
    expect(raw.shape).toEqual([35, 51, 35]);
    expect(prepared.classVoxels.map((v) => v.length)).toEqual([0, 1324, 1624]);
    const mean = prepared.image.reduce((sum, v) => sum + v, 0) / prepared.image.length;
    const square = prepared.image.reduce((sum, v) => sum + v * v, 0) / prepared.image.length;
    expect([mean, square]).toEqual([expect.closeTo(0, 4), expect.closeTo(1, 4)]);
  });

  it('a brain case has the channels that its dataset.json names, and mean 0, sd 1 in each', () => {
    if (!readdirSync(data).includes('Task01_BrainTumour')) return;
    const dataset = openDataset(data, 'Task01_BrainTumour');
    const prepared = prepareCase(loadCase(dataset, dataset.cases[0].id), dataset.classes.length);
    for (let c = 0; c < prepared.channels; c++) {
      const values = prepared.image.filter((_, i) => i % prepared.channels === c);
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      const square = values.reduce((sum, v) => sum + v * v, 0) / values.length;
      expect([mean, square]).toEqual([expect.closeTo(0, 3), expect.closeTo(1, 3)]);
    }
  });
});
