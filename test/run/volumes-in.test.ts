import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readChannels } from '../../src/data/channels';
import { plainGeometry, readNifti, writeVolume } from '../../src/data/nifti';
import { predictJobs } from '../../src/run/volumes-in';
import { errorOf, freshFolder } from '../data/folder';

const touch = (dir: string, ...names: string[]) => {
  for (const name of names) fs.writeFileSync(path.join(dir, name), '');
};

describe('what predict reads and writes', () => {
  it('a folder of whole volumes keeps its names; other files and ._ files are left alone', () => {
    const dir = freshFolder();
    touch(dir, 'b.nii', 'a.nii.gz', '._a.nii.gz', 'notes.txt', 'with space_0000.nii.gz');
    const jobs = predictJobs({ in: dir, out: path.join(dir, 'out') }, 1);
    expect(jobs.map(({ inputs }) => inputs.map((file) => path.basename(file)))).toEqual([
      ['a.nii.gz'],
      ['b.nii'],
      ['with space_0000.nii.gz'],
    ]);
    expect(jobs.map(({ output }) => path.relative(dir, output))).toEqual([
      'out/a.nii.gz',
      'out/b.nii',
      'out/with space_0000.nii.gz',
    ]);
  });

  it('files of one channel each are one volume where the model has several channels, and not where it has one', () => {
    const dir = freshFolder();
    touch(dir, 'k_0000.nii.gz', 'k_0001.nii.gz', 'whole.nii.gz', 'alone_0000.nii.gz');
    const out = path.join(dir, 'out');
    const jobs = predictJobs({ in: dir, out }, 2);
    expect(jobs.map(({ output }) => path.basename(output))).toEqual([
      'alone_0000.nii.gz',
      'k.nii.gz',
      'whole.nii.gz',
    ]);
    expect(jobs[1].inputs.map((file) => path.basename(file))).toEqual(['k_0000.nii.gz', 'k_0001.nii.gz']);
    expect(predictJobs({ in: dir, out }, 1)).toHaveLength(4);
    const one = predictJobs({ in: path.join(dir, 'k_0000.nii.gz'), out: path.join(dir, 'm.nii') }, 2);
    expect(one).toEqual([{ inputs: jobs[1].inputs, output: path.join(dir, 'm.nii') }]);
  });

  it('says what is wrong before any work', () => {
    const dir = freshFolder();
    const out = path.join(dir, 'out');
    expect(errorOf(() => predictJobs({ in: path.join(dir, 'no'), out }, 1))).toContain('a file or folder');
    expect(errorOf(() => predictJobs({ in: dir, out }, 1))).toContain('none');
    touch(dir, 'k_0000.nii.gz', 'k_0001.nii.gz', 'k_0003.nii.gz');
    expect(errorOf(() => predictJobs({ in: dir, out }, 3))).toContain('found _0000, _0001, _0003');
    expect(errorOf(() => predictJobs({ in: dir, out }, 2))).toContain('each of 2 channels');
    expect(errorOf(() => predictJobs({ in: dir, out: dir }, 1))).toContain('no such file yet');
    expect(errorOf(() => predictJobs({ in: dir, out: dir, overwrite: true }, 1))).toContain(
      'the input itself',
    );
    const file = path.join(dir, 'k_0000.nii.gz');
    expect(errorOf(() => predictJobs({ in: file, out }, 1))).toContain('.nii.gz file, since --in is one');
    touch(dir, 'k.nii.gz');
    fs.rmSync(path.join(dir, 'k_0003.nii.gz'));
    expect(errorOf(() => predictJobs({ in: dir, out }, 2))).toContain('found both');
  });
});

describe('one file a channel', () => {
  const shape = [3, 4, 5] as const;
  const values = (start: number) => Float32Array.from({ length: 60 }, (_, i) => start + i);
  const geometry = { ...plainGeometry([1, 2, 3], 'first'), offset: [4, 5, 6] };

  it('becomes one volume, channels last, with the first file’s geometry', () => {
    const dir = freshFolder();
    const files = [0, 1, 2].map((c) => path.join(dir, `k_000${c}.nii.gz`));
    for (const [c, file] of files.entries()) writeVolume(file, values(100 * c), shape, 1, geometry);
    const volume = readChannels(files);
    expect(volume).toMatchObject({ shape, channels: 3, geometry: readNifti(files[0]).geometry });
    expect(volume.geometry.description).toBe('first');
    expect(Array.from(volume.data.slice(0, 6))).toEqual([0, 100, 200, 1, 101, 201]);
    expect(readChannels([files[1]]).data).toEqual(values(100));
  });

  it('of another shape, place or channel count is an error', () => {
    const dir = freshFolder();
    const file = (
      name: string,
      ...rest: [Float32Array, readonly [number, number, number], number, typeof geometry]
    ) => {
      writeVolume(path.join(dir, name), ...rest);
      return path.join(dir, name);
    };
    const first = file('a.nii', values(0), shape, 1, geometry);
    const turned = file('b.nii', values(0), [5, 4, 3], 1, geometry);
    const moved = file('c.nii', values(0), shape, 1, { ...geometry, srow: geometry.srow.map((v) => v + 9) });
    const two = file('d.nii', Float32Array.from([...values(0), ...values(1)]), shape, 2, geometry);
    expect(errorOf(() => readChannels([first, turned]))).toContain('found 5 × 4 × 3 voxels');
    expect(errorOf(() => readChannels([first, moved]))).toContain('mm away');
    expect(errorOf(() => readChannels([first, two]))).toContain('one channel');
    expect(errorOf(() => readChannels([two, first]))).toContain('one channel');
  });
});
