import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Fingerprint,
  fingerprintOf,
  normalisations,
  shapeAt,
  usesMask,
} from '../../src/data/fingerprint';
import { type CaseFacts, lookAtCase } from '../../src/data/look';
import { openDataset } from '../../src/data/msd';
import { plainGeometry, writeLabelMap, writeVolume } from '../../src/data/nifti';
import type { Spacing } from '../../src/data/resample';
import type { Shape3 } from '../../src/engine/model';
import oracle from '../fixtures/data/fingerprint.json';
import { freshFolder } from './folder';

const modalities = ['CT', 'PET'];

/** The oracle's cases as a data set on disk. */
function dataset() {
  const root = path.join(freshFolder(), 'Task99_Fingerprint');
  const training = oracle.cases.map(({ shape, spacing, image, label }, i) => {
    const [to, at] = [shape as unknown as Shape3, plainGeometry(spacing as unknown as Spacing)];
    const files = { image: `imagesTr/c${i}.nii.gz`, label: `labelsTr/c${i}.nii.gz` };
    writeVolume(path.join(root, files.image), Float32Array.from(image), to, 2, at);
    writeLabelMap(path.join(root, files.label), Uint8Array.from(label), to, at);
    return files;
  });
  const numbered = (names: readonly string[]) =>
    Object.fromEntries(names.map((name, i) => [String(i), name]));
  const json = {
    modality: numbered(modalities),
    labels: numbered(['background', 'a', 'b', 'none']),
    training,
  };
  fs.writeFileSync(path.join(root, 'dataset.json'), JSON.stringify(json));
  return openDataset(root);
}

const looked = () => {
  const set = dataset();
  const looks = set.cases.map(({ id }) => lookAtCase(set, id));
  expect(looks.flatMap(({ problems }) => problems)).toEqual([]);
  return { set, facts: looks.flatMap((l): CaseFacts[] => (l.facts ? [l.facts] : [])) };
};

describe('the fingerprint', () => {
  it('has numpy’s medians, and percentiles, means and spreads within 1e-6', () => {
    const { set, facts } = looked();
    const found = fingerprintOf(set, facts);
    const { cases, intensities, kept, medianSpacing, ...shapes } = oracle;
    expect(found).toMatchObject({ cases: cases.length, ...shapes });
    expect(found.kept).toBeCloseTo(kept, 9);
    for (const [axis, mm] of found.medianSpacing.entries()) expect(mm).toBeCloseTo(medianSpacing[axis], 6);
    intensities.forEach((expected, channel) => {
      const { modality, ...numbers } = found.intensities[channel] ?? { modality: 'none' };
      expect(modality).toBe(modalities[channel]);
      for (const [name, value] of Object.entries(expected))
        expect(numbers[name as keyof typeof numbers], name).toBeCloseTo(value, 5);
    });
    expect(found.classShares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
    expect(found.classShares[3]).toBe(0);
  });

  it('without any foreground has no intensities, and then CT has no rule', () => {
    const { set, facts } = looked();
    const found = fingerprintOf(set, [facts[3]]);
    expect(found.intensities).toEqual([null, null]);
    expect(normalisations(found)).toEqual([]);
  });

  it('gives CT the rule of the foreground, other modalities their own statistics', () => {
    const { set, facts } = looked();
    const [ct, other] = normalisations(fingerprintOf(set, facts));
    expect(ct).toMatchObject({ scheme: 'ct' });
    expect((ct as { low: number }).low).toBeCloseTo(oracle.intensities[0].low, 5);
    expect(other).toEqual({ scheme: 'z' });
    expect(normalisations(fingerprintOf({ ...set, modalities: ['T1', 'T2'] }, facts))).toEqual([]);
  });

  it.each([
    [0.76, ['MRI'], false],
    [0.74, ['MRI'], true],
    [0.75, ['MRI'], false],
    [0.5, ['CT'], false],
    [0.5, ['MRI', ' ct '], false],
  ])('kept %f of %j: mask %s', (kept, names, mask) => {
    expect(usesMask({ kept, modalities: names } as unknown as Fingerprint)).toBe(mask);
  });

  it('the shape on a target spacing is the resampled median shape', () => {
    const { set, facts } = looked();
    const found = fingerprintOf(set, facts);
    expect(shapeAt(found, 'native')).toEqual(found.medianShape);
    const expected = found.medianShape.map((n, a) => Math.round((n * found.medianSpacing[a]) / 0.7));
    expect(shapeAt(found, [0.7, 0.7, 0.7])).toEqual(expected);
  });
});

describe('a look at a case', () => {
  it('names image and label, each for itself, and never throws', () => {
    const set = dataset();
    const [{ id, image, label = '' }, other] = set.cases;
    fs.truncateSync(image, 100);
    fs.writeFileSync(label, 'no volume');
    const { problems, facts } = lookAtCase(set, id);
    expect(facts).toBeUndefined();
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain(`${image}: expected`);
    expect(problems[1]).toContain(`${label}: expected`);
    const { shape, spacing } = oracle.cases[1];
    writeVolume(
      other.image,
      new Float32Array(2 * shape[0] * shape[1] * shape[2]),
      shape as unknown as Shape3,
      2,
      plainGeometry(spacing as unknown as Spacing),
    );
    expect(lookAtCase(set, other.id).problems).toEqual([
      expect.stringContaining(`${other.image}: expected a voxel other than 0`),
    ]);
  });

  it('finds too few channels and a strange label at once', () => {
    const set = dataset();
    const one = { ...set, modalities: ['CT'], classes: ['background', 'a'] };
    const { problems } = lookAtCase(one, set.cases[0].id);
    expect(problems).toEqual([
      expect.stringContaining('expected 1 channels (CT), found 2'),
      expect.stringContaining('labels 0 to 1'),
    ]);
  });
});
