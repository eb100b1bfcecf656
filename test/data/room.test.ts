import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { plainGeometry, writeLabelMap } from '../../src/data/nifti';
import { writePhantom } from '../../src/data/phantom';
import { makeFolder } from '../../src/data/room';
import { writeJson } from '../../src/run/files';
import { errorOf, freshFolder } from './folder';

describe('a folder to write to', () => {
  it('is made with those above it, and may be there', () => {
    const folder = path.join(freshFolder(), 'ä b', 'c');
    makeFolder(folder);
    makeFolder(folder);
    expect(existsSync(folder)).toBe(true);
  });

  it.each<[string, (root: string) => string, string]>([
    ['a file in its place', (root) => path.join(root, 'file'), 'a file where a folder should be'],
    ['a file on the way', (root) => path.join(root, 'file', 'a', 'b'), 'a file where a folder should be'],
    ['a link to nowhere', (root) => path.join(root, 'link'), 'a file where a folder should be'],
    ['a name that is too long', (root) => path.join(root, 'n'.repeat(300)), 'a name that is too long'],
    ['a file system without new folders', () => '/proc/scnas/a', 'no such folder'],
  ])('%s is one error that names it, and nothing is changed', (_, place, found) => {
    const root = freshFolder();
    writeFileSync(path.join(root, 'file'), 'kept');
    symlinkSync(path.join(root, 'nowhere'), path.join(root, 'link'));
    const folder = place(root);
    expect(errorOf(() => makeFolder(folder))).toBe(
      `${folder}: expected a place that can be written to, found ${found}; choose another, or make room there`,
    );
    expect(readFileSync(path.join(root, 'file'), 'utf8')).toBe('kept');
  });
});

describe('what cannot be written', () => {
  it.each<[string, (place: string) => void]>([
    ['JSON', (place) => writeJson(place, {})],
    ['a label map', (place) => writeLabelMap(place, new Uint8Array(8), [2, 2, 2], plainGeometry([1, 1, 1]))],
    [
      'a phantom',
      (out) => writePhantom({ task: 'Task02_Heart', cases: 1, seed: 0, size: [16, 16, 16], out }),
    ],
  ])('%s below a file is one error', (_, write) => {
    const file = path.join(freshFolder(), 'file');
    writeFileSync(file, 'kept');
    expect(errorOf(() => write(path.join(file, 'x.nii')))).toContain('a file where a folder should be');
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  it('a file in the place of a folder, and a folder in that of a file', () => {
    const folder = path.join(freshFolder(), 'folder');
    mkdirSync(path.join(folder, 'in it'), { recursive: true });
    expect(errorOf(() => writeJson(folder, {}))).toMatch(/^.*folder: expected a place .*, found a folder; /);
    expect(existsSync(path.join(folder, 'in it'))).toBe(true);
  });
});
