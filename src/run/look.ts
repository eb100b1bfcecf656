/** A look at a whole data set: every problem in it, and its facts. Looks at unchanged files are kept in the cache. */
import fs from 'node:fs';
import path from 'node:path';
import { type Fingerprint, fingerprintOf } from '../data/fingerprint';
import type { CaseFacts, CaseLook } from '../data/look';
import { type Dataset, openDataset, taskFolder } from '../data/msd';
import { readDescription } from '../data/msd-json';
import { fail, ScnasError } from '../engine/errors';
import { type LookJob, look } from './case-jobs';
import type { CasesHooks } from './cases';
import { cacheFolder } from './files';
import { doAll, threadsFor } from './pool';

/** What a look at a data set found. */
export interface DatasetLook {
  /** What keeps the data set from being used, a line each. */
  readonly problems: readonly string[];
  /** What is odd but usable, a line each. */
  readonly warnings: readonly string[];
  /** From the cases without a problem; absent where there is none. */
  readonly facts?: Fingerprint;
}

/** Opens the data set that the command line names: `--data`, else SCNAS_DATA. */
export function openData(data: string | undefined, task: string | undefined): Dataset {
  return openDataset(dataFolder(data), task);
}

/** The folder that the command line names. */
export function dataFolder(data: string | undefined): string {
  const dir = data ?? process.env.SCNAS_DATA;
  if (!dir)
    return fail({
      where: 'data',
      expected: '--data DIR, or SCNAS_DATA set',
      found: 'neither',
      next: 'point one at a folder in MSD layout, or make one with scnas phantom',
    });
  return dir;
}

/**
 * Looks at every case of a data set, with its missing files among the problems.
 *
 * Errors: a ScnasError where dataset.json itself cannot be read as one.
 */
export async function lookAtFolder(dir: string, task?: string, hooks: CasesHooks = {}): Promise<DatasetLook> {
  const root = taskFolder(path.resolve(dir), task);
  const { modalities, classes, cases: listed } = readDescription(root);
  const missing = listed.flatMap(({ image, label }) =>
    [image, label].flatMap((file) => (file === undefined || fs.existsSync(file) ? [] : [file])),
  );
  const cases = listed.filter(
    ({ image, label }) => !missing.includes(image) && !missing.includes(label ?? ''),
  );
  const dataset = { root, name: path.basename(root), modalities, classes, cases, hash: '' };
  const found = await lookAt(dataset, hooks);
  const lines = missing.map(
    (file) =>
      `${file}: expected a file, since dataset.json lists it, found none; fetch it or take its case out`,
  );
  return {
    ...found,
    problems: [...lines, ...found.problems],
    warnings: [...unlisted(root, listed), ...found.warnings],
  };
}

/** Volumes beside the images that dataset.json does not list. */
function unlisted(root: string, listed: readonly { readonly image: string }[]): string[] {
  const folders = new Set(listed.map(({ image }) => path.dirname(image)));
  const known = new Set(listed.map(({ image }) => image));
  const strange = [...folders].flatMap((folder) => {
    if (!fs.existsSync(folder)) return [];
    const names = fs
      .readdirSync(folder)
      .filter((name) => /\.nii(\.gz)?$/.test(name) && !name.startsWith('._'));
    return names.map((name) => path.join(folder, name)).filter((file) => !known.has(file));
  });
  if (strange.length === 0) return [];
  const names = strange.slice(0, 3).map((file) => path.relative(root, file));
  return [
    `${path.join(root, 'dataset.json')}: ${strange.length} volumes are not listed: ${names.join(', ')}${strange.length > 3 ? ', …' : ''}`,
  ];
}

/** Looks at every case of an open data set. */
export async function lookAt(
  dataset: Dataset,
  { signal, progress, threads }: CasesHooks = {},
): Promise<DatasetLook> {
  const folder = path.join(cacheFolder(), 'looks', dataset.name);
  const { cases } = dataset;
  const bar = progress?.('look', cases.length, 0);
  try {
    const looks = await doAll<LookJob, CaseLook>({
      jobs: cases.map(({ id }) => ({ kind: 'look', dataset, id, folder })),
      work: look,
      script: 'case-worker.ts',
      threads: threads ?? threadsFor(cases.map(({ image }) => image)),
      signal,
      onDone: (done) => bar?.update(done, {}),
    });
    const facts = looks.flatMap((one): CaseFacts[] => (one.facts ? [one.facts] : []));
    return {
      problems: looks.flatMap(({ problems }) => problems),
      warnings: warningsOf(dataset, facts),
      ...(facts.length > 0 ? { facts: fingerprintOf(dataset, facts) } : {}),
    };
  } finally {
    bar?.done();
  }
}

function warningsOf({ root, cases, classes }: Dataset, facts: readonly CaseFacts[]): string[] {
  const where = path.join(root, 'dataset.json');
  const unlabelled = cases.filter(({ label }) => label === undefined).map(({ id }) => id);
  const empty =
    facts.filter(({ counts }) => counts.slice(1).every((n) => n === 0)).length - unlabelled.length;
  const absent = classes.filter((_, k) => k > 0 && facts.every(({ counts }) => counts[k] === 0));
  return [
    ...(unlabelled.length > 0
      ? [`${where}: ${unlabelled.length} cases have no label: they cannot be trained on`]
      : []),
    ...(empty > 0 ? [`${where}: ${empty} cases have no foreground`] : []),
    ...(facts.length > 0 ? absent.map((name) => `${where}: no case has a voxel of class ${name}`) : []),
  ];
}

/** The facts of a data set that has no problem. Errors: a ScnasError with the first problem, and how many more there are. */
export async function factsOf(dataset: Dataset, hooks: CasesHooks = {}): Promise<Fingerprint> {
  const { problems, facts } = await lookAt(dataset, hooks);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more: scnas plan lists them)` : '';
  if (problems.length > 0 || !facts) throw new ScnasError(`${problems[0]}${more}`);
  return facts;
}
