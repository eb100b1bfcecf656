/** What `scnas predict` reads and writes: files of all channels, or one file a channel, and the label map that each becomes. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';

/** One volume: its file, or one file a channel in order, and the label map to write. */
export interface PredictJob {
  readonly inputs: readonly string[];
  readonly output: string;
}

export interface PredictPaths {
  readonly in: string;
  readonly out: string;
  readonly overwrite?: boolean;
}

const isVolume = (name: string) => /\.nii(\.gz)?$/.test(name) && !name.startsWith('._');
/** nnU-Net's name of a channel's file: CASE_0000.nii.gz. */
const CHANNEL = /^(.+)_(\d{4})(\.nii(?:\.gz)?)$/;

/**
 * Which files become which label map.
 *
 * A file named CASE_0000.nii.gz beside CASE_0001.nii.gz is the first of a volume's channels where the model has several; the label map is then
 * CASE.nii.gz. All outputs are checked before any work.
 * Errors: a ScnasError for a missing input, a channel too few or too many, an output that is there, or that is an input.
 */
export function predictJobs(paths: PredictPaths, channels: number): PredictJob[] {
  const { in: input, out, overwrite } = paths;
  if (!fs.existsSync(input))
    fail({ where: '--in', expected: 'a file or folder', found: `no ${input}`, next: 'correct the path' });
  const folder = fs.statSync(input).isDirectory();
  if (!folder && !isVolume(out))
    fail({
      where: '--out',
      expected: 'a .nii or .nii.gz file, since --in is one file',
      found: out,
      next: 'name the file to write',
    });
  const dir = folder ? input : path.dirname(input);
  const names = fs.readdirSync(dir).filter(isVolume).sort();
  if (folder && names.length === 0)
    fail({ where: input, expected: '.nii or .nii.gz files', found: 'none', next: 'give another folder' });
  const volumes = grouped(names, channels).filter(
    ({ files }) => folder || files.includes(path.basename(input)),
  );
  const jobs = (folder ? volumes : [volumes[0] ?? { name: '', files: [path.basename(input)] }]).map(
    ({ name, files }) => ({
      inputs: complete(files, channels, dir).map((file) => path.join(dir, file)),
      output: folder ? path.join(out, name) : out,
    }),
  );
  checkOutputs(jobs, overwrite);
  return jobs;
}

/** Volumes by the name of their label map; the files of one volume's channels stand together. */
function grouped(names: readonly string[], channels: number): { name: string; files: string[] }[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const [, id, , ending] = CHANNEL.exec(name) ?? [];
    const several = channels > 1 && id !== undefined && names.includes(`${id}_0001${ending}`);
    const key = several ? `${id}${ending}` : name;
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  const twice = names.find((name) => (groups.get(name)?.length ?? 0) > 1 && groups.get(name)?.includes(name));
  if (twice)
    fail({
      where: twice,
      expected: 'a volume in one file or in one file a channel',
      found: 'both',
      next: 'move one of them away',
    });
  return Array.from(groups, ([name, files]) => ({ name, files }));
}

/** A volume's files, checked to be channels 0, 1, … where there are several. */
function complete(files: readonly string[], channels: number, dir: string): readonly string[] {
  if (files.length === 1) return files;
  const numbers = files.map((file) => Number(CHANNEL.exec(file)?.[2]));
  if (files.length !== channels || numbers.some((number, i) => number !== i))
    fail({
      where: path.join(dir, files[0]),
      expected: `a file for each of ${channels} channels, _0000 to _${String(channels - 1).padStart(4, '0')}`,
      found: numbers.map((number) => `_${String(number).padStart(4, '0')}`).join(', '),
      next: 'give the modalities that the model was trained on',
    });
  return files;
}

function checkOutputs(jobs: readonly PredictJob[], overwrite: boolean | undefined): void {
  const there = jobs.find(({ output }) => fs.existsSync(output));
  if (there && !overwrite)
    fail({
      where: there.output,
      expected: 'no such file yet',
      found: 'one',
      next: 'choose another --out, or add --overwrite',
    });
  const inputs = new Set(jobs.flatMap((job) => job.inputs.map((file) => path.resolve(file))));
  const same = jobs.find(({ output }) => inputs.has(path.resolve(output)));
  if (same)
    fail({
      where: same.output,
      expected: 'another file than --in',
      found: 'the input itself',
      next: 'choose another --out',
    });
}
