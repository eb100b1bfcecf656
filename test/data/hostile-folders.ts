/** Rows about a task folder that end in an error; it names dataset.json unless told otherwise. */
import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Json, Wrong } from './hostile';
import type { Fails } from './hostile-images';

const json = (change: (j: Json) => unknown): Wrong => ({ json: change });
const key = (name: string, value: unknown) => json((j) => ({ ...j, [name]: value }));
const without = (name: string) => json((j) => ({ ...j, [name]: undefined }));
const labels = (...names: readonly string[]) => key('labels', { ...names });
/** A single case in the list. */
const one = (entry: unknown) => key('training', [entry]);
const image = (name: string) => one({ image: name });
const deep = `[${'['.repeat(1e5)}${']'.repeat(1e5)}]`;
/** No dataset.json but what `put` makes of it. */
const instead = (put: (file: string) => void): Wrong => ({
  json: () => undefined,
  files: (folder) => put(path.join(folder, 'dataset.json')),
});
const twoFiles = (folder: string) => {
  const name = path.join(folder, 'imagesTr', 'a.nii');
  copyFileSync(`${name}.gz`, name);
};

export const folderFails: Readonly<Record<string, Fails>> = {
  'no dataset.json': [json(() => undefined), 'no dataset.json', 'Task09 Tïny'],
  'dataset.json is a folder': [instead((file) => mkdirSync(file)), 'expected a file'],
  'a dataset.json of a terabyte': [
    instead((file) => {
      writeFileSync(file, '{');
      truncateSync(file, 2 ** 40);
    }),
    'at most 67108864 bytes',
  ],
  'text that is no JSON': [json(() => '{\n  "labels":\n  '), 'expected JSON'],
  'bytes that are no text': [json(() => '\u0000\u0001\n\n'), 'expected JSON'],
  'a list': [json(() => '[]'), 'a JSON object'],
  null: [json(() => 'null'), 'a JSON object'],
  'nested 100,000 deep': [
    json((j) => JSON.stringify({ ...j, training: 0 }).replace('"training":0', `"training":${deep}`)),
    'nested very deeply',
  ],
  'no modality': [without('modality'), '"modality", an object'],
  'an empty modality': [key('modality', {}), '"modality" with at least one entry'],
  'no labels': [without('labels'), '"labels", an object'],
  'labels by name': [key('labels', { background: 0, one: 1 }), '"labels" with the keys 0 to 1'],
  'a gap in the labels': [key('labels', { '0': 'b', '2': 'two' }), 'found ["0","2"]'],
  'labels under __proto__': [json((j) => JSON.stringify(j).replace('"labels"', '"__proto__"')), '"labels"'],
  'two classes of one name': [labels('b', 'x', 'x'), 'different names'],
  'a class named as the mean': [labels('b', 'x', 'mean'), 'none of them "mean"'],
  'a name with a line end': [labels('b', 'x\ny'), 'without control characters'],
  'only a background': [labels('b'), '1 to 127 classes'],
  '200 classes': [labels(...Array.from({ length: 200 }, (_, i) => `c${i}`)), '1 to 127 classes'],
  'no training': [without('training'), '"training"'],
  'an empty training': [key('training', []), '"training"'],
  'only ._ files': [image('imagesTr/._a.nii.gz'), 'only ._ files'],
  'a case without image': [one({ label: 'x' }), 'training[0]'],
  'a case that is null': [one(null), 'training[0]'],
  'an image that is a number': [one({ image: 4 }), 'training[0]'],
  'an image under __proto__': [
    json((j) => JSON.stringify(j).replace('"image"', '"__proto__"')),
    'training[0] as {"image": path',
  ],
  'a path outside': [image('../../etc/passwd'), 'a file inside'],
  'a path out of the folder and into one of a like name': [
    image('../Task09 Tïny2/a.nii.gz'),
    'a file inside',
  ],
  'an absolute path': [image('/etc/passwd'), 'a file inside'],
  'a label outside': [one({ image: 'imagesTr/a.nii.gz', label: '../a.nii.gz' }), 'a file inside'],
  'a path with a NUL': [image('imagesTr/a.nii.gz\0.txt'), 'a file inside'],
  'a path with a line end': [image('imagesTr/a\nb.nii.gz'), 'a file inside'],
  'the folder itself': [image('./'), 'a file inside'],
  'a name that is only an ending': [image('imagesTr/.nii.gz'), 'a name before its ending'],
  'a case twice': [
    json((j) => ({ ...j, training: [j.training, j.training].flat() })),
    'found a more than once',
  ],
  'two files of one id': [
    {
      ...key(
        'training',
        ['', '.gz'].map((end) => ({ image: `imagesTr/a.nii${end}` })),
      ),
      files: twoFiles,
    },
    'found a more than once',
  ],
  'a missing file': [image('imagesTr/c.nii.gz'), '1 missing, the first imagesTr/c.nii.gz'],
};
