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

  it('a byte-order mark, __proto__ as a key and ._ files do no harm', () => {
    const withMark = task({ change: (json) => `\ufeff${JSON.stringify(json)}` });
    expect(openDataset(withMark).cases).toHaveLength(2);
    const proto = task({
      change: (json) => JSON.stringify(json).replace('{', '{"__proto__":{"training":[]},'),
    });
    expect(openDataset(proto).cases).toHaveLength(2);
    const mac = task({
      change: (json) => ({
        ...json,
        training: [{ image: 'imagesTr/._a.nii.gz' }, ...(json.training as object[])],
      }),
    });
    expect(openDataset(mac).cases.map(({ id }) => id)).toEqual(['a', 'b']);
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

  it.each<[string, (json: Json) => unknown, string]>([
    ['text that is no JSON', () => '{"labels": ', 'expected JSON'],
    ['a list', () => '[]', 'a JSON object'],
    ['no modality', ({ modality, ...json }) => ({ ...json, was: modality }), '"modality", an object'],
    ['no labels', ({ labels, ...json }) => ({ ...json, was: labels }), '"labels", an object'],
    [
      'labels by name',
      (json) => ({ ...json, labels: { background: 0, one: 1 } }),
      '"labels" with the keys 0 to 1',
    ],
    ['a gap in the labels', (json) => ({ ...json, labels: { '0': 'b', '2': 'two' } }), 'found 0, 2'],
    ['labels under __proto__', (json) => JSON.stringify(json).replace('"labels"', '"__proto__"'), '"labels"'],
    ['only a background', (json) => ({ ...json, labels: { '0': 'b' } }), '1 to 127 classes'],
    ['no training', ({ training, ...json }) => ({ ...json, was: training }), '"training"'],
    ['an empty training', (json) => ({ ...json, training: [] }), '"training"'],
    ['a case without image', (json) => ({ ...json, training: [{ label: 'x' }] }), 'training[0]'],
    ['a path outside', (json) => ({ ...json, training: [{ image: '../../etc/passwd' }] }), 'a file inside'],
    ['an absolute path', (json) => ({ ...json, training: [{ image: '/etc/passwd' }] }), 'a file inside'],
    [
      'a case twice',
      (json) => ({ ...json, training: [...(json.training as object[]), { image: './imagesTr/a.nii.gz' }] }),
      'a more than once',
    ],
    ['a missing file', (json) => ({ ...json, training: [{ image: './imagesTr/c.nii.gz' }] }), '1 missing'],
  ])('%s: one line that names dataset.json', (_, change, found) => {
    const message = errorOf(() => openDataset(task({ change })));
    expect(message).toContain('dataset.json');
    expect(message).toContain(found);
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

  it.each<[string, (folder: string) => void, string]>([
    [
      'a label of another shape',
      (f) => writeLabelMap(labelFile(f), new Uint8Array(60), [3, 5, 4], geometry),
      'expected 3 × 4 × 5 voxels',
    ],
    [
      'an unknown label',
      (f) => writeLabelMap(labelFile(f), new Uint8Array(60).fill(7, 2, 5), SHAPE, geometry),
      'found 7 in 3 voxels',
    ],
    [
      'a negative label',
      (f) => writeVolume(labelFile(f), new Int16Array(60).fill(-2, 2, 3), SHAPE, 1, geometry),
      'found -2 in 1 voxel;',
    ],
    [
      'a label between numbers',
      (f) => writeVolume(labelFile(f), new Float32Array(60).fill(0.5), SHAPE, 1, geometry),
      'found 0.5 in 60',
    ],
  ])('%s is an error with file and value', (_, prepare, found) => {
    const message = errorOf(() => load(prepare));
    expect(message).toContain('labelsTr');
    expect(message).toContain(found);
  });

  it('channels are counted against the modalities, and a file that went away is named', () => {
    const two = (json: Json) => ({ ...json, modality: { '0': 'T1', '1': 'T2' } });
    expect(errorOf(() => load(() => undefined, two))).toContain('expected 2 channels (T1, T2), found 1');
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
