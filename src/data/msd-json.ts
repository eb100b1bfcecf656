/** dataset.json, read with care: a byte-order mark is allowed, paths stay inside the folder, keys count up from 0. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';

export interface Description {
  readonly modalities: readonly string[];
  readonly classes: readonly string[];
  readonly cases: readonly { readonly id: string; readonly image: string; readonly label?: string }[];
  /** True where the volumes are drawn by rules (scnas phantom). */
  readonly phantom: boolean;
  readonly bytes: Buffer;
}

/** More than any list of cases needs, in bytes. */
const LARGEST = 2 ** 26;

/** Line ends and the like, which would tear an error's one line. */
const CONTROL = /\p{Cc}/u;

/** What the dataset.json of a task folder says; errors name the file and the key. */
export function readDescription(root: string): Description {
  const file = path.join(root, 'dataset.json');
  const bytes = readWhole(file);
  const json = parse(bytes, file);
  const modalities = numbered(json, 'modality', file);
  if (modalities.length === 0) complain(file, '"modality" with at least one entry', 'none');
  const classes = numbered(json, 'labels', file);
  if (classes.length < 2 || classes.length > 128) {
    complain(file, '"labels" with a background and 1 to 127 classes', `${classes.length} entries`);
  }
  const taken = classes.find((name, i) => classes.indexOf(name) < i || name === 'mean');
  if (taken !== undefined)
    complain(file, '"labels" with different names, none of them "mean", which tables use', `"${taken}"`);
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
  return { modalities, classes, cases: sorted, phantom: own(json, 'phantom') !== undefined, bytes };
}

function readWhole(file: string): Buffer {
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return complain(file, 'a file', 'something else');
    return stat.size <= LARGEST
      ? readFileSync(file)
      : complain(file, `at most ${LARGEST} bytes`, String(stat.size));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return complain(file, 'a readable file', code);
  }
}

function parse(bytes: Buffer, file: string): object {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    return complain(file, 'JSON', String(error).replace(/[\p{Cc}\s]+/gu, ' '));
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
    if (typeof name !== 'string')
      return complain(file, `"${key}" with the keys 0 to ${names - 1}`, describe(Object.keys(record)));
    return CONTROL.test(name) ? complain(file, `"${key}" without control characters`, describe(name)) : name;
  });
}

function readEntry(entry: unknown, index: number, root: string, file: string): Description['cases'][number] {
  const where = `training[${index}]`;
  const image = own(entry, 'image');
  const label = own(entry, 'label');
  if (typeof image !== 'string' || (label !== undefined && typeof label !== 'string')) {
    return complain(file, `${where} as {"image": path, "label": path}`, describe(entry));
  }
  const id = path.basename(image).replace(/\.(nii|hdr|img)(\.gz)?$/, '');
  if (id === '') complain(file, `${where} with a name before its ending`, describe(image));
  return {
    id,
    image: inside(image, root, file, where),
    ...(typeof label === 'string' ? { label: inside(label, root, file, where) } : {}),
  };
}

function inside(name: string, root: string, file: string, where: string): string {
  const full = path.resolve(root, name);
  return full.startsWith(root + path.sep) && !CONTROL.test(name)
    ? full
    : complain(file, `${where} to name a file inside ${root}`, describe(name));
}

function own(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  try {
    return JSON.stringify(value).slice(0, 80);
  } catch {
    // Nested deeper than the stack.
    return 'something nested very deeply';
  }
}

function complain(where: string, expected: string, found: string): never {
  return fail({ where, expected, found, next: 'correct dataset.json' });
}
