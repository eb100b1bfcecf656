/** dataset.json, read with care: a byte-order mark is allowed, paths stay inside the folder, keys count up from 0. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';

export interface Description {
  readonly modalities: readonly string[];
  readonly classes: readonly string[];
  readonly cases: readonly { readonly id: string; readonly image: string; readonly label?: string }[];
  readonly bytes: Buffer;
}

/** What the dataset.json of a task folder says; errors name the file and the key. */
export function readDescription(root: string): Description {
  const file = path.join(root, 'dataset.json');
  const bytes = readFileSync(file);
  const json = parse(bytes, file);
  const modalities = numbered(json, 'modality', file);
  const classes = numbered(json, 'labels', file);
  if (classes.length < 2 || classes.length > 128) {
    complain(file, '"labels" with a background and 1 to 127 classes', `${classes.length} entries`);
  }
  const training = own(json, 'training');
  if (!Array.isArray(training) || training.length === 0) {
    return complain(file, '"training", a list of {"image", "label"}', describe(training));
  }
  const cases = training.map((entry: unknown, index) => readEntry(entry, index, root, file));
  const listed = cases.filter(({ image }) => !path.basename(image).startsWith('._'));
  const sorted = [...listed].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const twice = sorted.find(({ id }, index) => index > 0 && sorted[index - 1].id === id);
  if (twice) complain(file, 'each case once in "training"', `${twice.id} more than once`);
  if (sorted.length === 0) complain(file, 'a case in "training"', 'only ._ files');
  return { modalities, classes, cases: sorted, bytes };
}

function parse(bytes: Buffer, file: string): object {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    return complain(file, 'JSON', error instanceof Error ? error.message : String(error));
  }
  return typeof json === 'object' && json !== null && !Array.isArray(json)
    ? json
    : complain(file, 'a JSON object', describe(json));
}

/** A record {"0": name, "1": name, …} as a list. */
function numbered(json: object, key: string, file: string): string[] {
  const record = own(json, key);
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return complain(file, `"${key}", an object {"0": name, "1": name, …}`, describe(record));
  }
  const names = Object.keys(record).length;
  return Array.from({ length: names }, (_, index) => {
    const name = own(record, String(index));
    return typeof name === 'string'
      ? name
      : complain(file, `"${key}" with the keys 0 to ${names - 1}`, Object.keys(record).join(', '));
  });
}

function readEntry(entry: unknown, index: number, root: string, file: string): Description['cases'][number] {
  const where = `training[${index}]`;
  const image = own(entry, 'image');
  const label = own(entry, 'label');
  if (typeof image !== 'string' || (label !== undefined && typeof label !== 'string')) {
    return complain(file, `${where} as {"image": path, "label": path}`, describe(entry));
  }
  const id = path.basename(image).replace(/\.nii(\.gz)?$/, '');
  return {
    id,
    image: inside(image, root, file, where),
    ...(typeof label === 'string' ? { label: inside(label, root, file, where) } : {}),
  };
}

function inside(name: string, root: string, file: string, where: string): string {
  const full = path.resolve(root, name);
  return full.startsWith(root + path.sep) && !name.includes('\0')
    ? full
    : complain(file, `${where} to name a file inside ${root}`, name);
}

function own(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function describe(value: unknown): string {
  return value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

function complain(where: string, expected: string, found: string): never {
  return fail({ where, expected, found, next: 'correct dataset.json' });
}
