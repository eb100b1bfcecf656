/** Where volumes lie: read as nibabel reads it, and kept for their label maps as nibabel keeps it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { affineOf, inspectNifti, plainGeometry, readNifti, writeLabelMap } from '../../src/data/nifti';
import { gridDifference } from '../../src/data/same-grid';
import rows from '../fixtures/data/geometry/geometry.json';
import { freshFolder } from './folder';

const fixtures = path.join(__dirname, '..', 'fixtures', 'data', 'geometry');
const inMillimetres: Readonly<Record<string, number>> = { meter: 1000, micron: 0.001 };

/** Bytes of a NIfTI-1 header that a label map shares with its image, its own type among them. */
const KEPT: Readonly<Record<string, readonly [number, number]>> = {
  sizeof_hdr: [0, 4],
  'dim_info and dim': [39, 56],
  'datatype and bitpix': [70, 74],
  pixdim: [76, 108],
  xyzt_units: [123, 124],
  'descrip and aux_file': [148, 252],
  'qform_code, sform_code, quaternion, offsets, srow': [252, 328],
  magic: [344, 348],
};

describe('nibabel and this reader agree on', () => {
  it.each(rows)('$file', (row) => {
    const file = path.join(fixtures, row.file);
    const volume = readNifti(file);
    expect(volume.shape).toEqual(row.shape);
    expect(volume.channels).toBe(row.channels);
    expect(Array.from(volume.data)).toEqual(row.values);
    const unit = inMillimetres[row.units] ?? 1;
    expect(volume.spacing).toEqual(row.zooms.map((zoom) => expect.closeTo(zoom * unit, 5)));
    const affine = affineOf(volume.geometry);
    expect(affine).toEqual(row.affine?.slice(0, 12).map((v) => expect.closeTo(v, 4)));
    const { data: _, ...facts } = volume;
    expect(inspectNifti(file)).toEqual(facts);
  });

  it.each(rows)('the header of a label map of $file', (row) => {
    const { shape, geometry } = readNifti(path.join(fixtures, row.file));
    const file = path.join(freshFolder(), 'label.nii.gz');
    writeLabelMap(
      file,
      Uint8Array.from({ length: 60 }, (_, i) => i % 3),
      shape,
      geometry,
    );
    const written = gunzipSync(readFileSync(file));
    for (const [name, [from, to]] of Object.entries(KEPT))
      expect([...written.subarray(from, to)], name).toEqual(row.labelHeader.slice(from, to));
  });
});

describe('two grids', () => {
  const facts = (name: string) => inspectNifti(path.join(fixtures, name));
  const plain = facts('ras.nii.gz');
  const moved = (by: number) => ({
    ...plain,
    geometry: { ...plain.geometry, srow: plain.geometry.srow.map((v, i) => (i === 3 ? v + by : v)) },
  });

  it('are the same with themselves, by qform or by sform, with forms or without, in whatever unit', () => {
    for (const row of rows)
      expect(gridDifference(facts(row.file), facts(row.file)), row.file).toBeUndefined();
    expect(gridDifference(facts('axes-swapped.nii.gz'), facts('axes-swapped-qform.nii.gz'))).toBeUndefined();
    expect(gridDifference(plain, facts('no-forms.nii.gz'))).toBeUndefined();
    const [metres, millimetres] = [facts('metres.nii.gz'), facts('ras.nii.gz')];
    expect(gridDifference(metres, { ...millimetres, geometry: metres.geometry })).toBeUndefined();
  });

  it('differ from half of the smallest spacing on', () => {
    expect(gridDifference(plain, moved(0.49))).toBeUndefined();
    expect(gridDifference(plain, moved(-0.52))).toBe('a grid of which a corner lies 0.52 mm away');
  });

  it('differ where one is mirrored, turned, sheared or of another spacing', () => {
    for (const name of ['las', 'lps', 'axes-swapped', 'oblique-qform', 'micrometres', 'sheared-sform'])
      expect(gridDifference(plain, facts(`${name}.nii.gz`)), name).toBeDefined();
  });

  it('a singular affine, or one that is no number, says nothing', () => {
    const geometry = plainGeometry([1, 1, 1]);
    for (const srow of [new Array<number>(12).fill(0), new Array<number>(12).fill(Number.NaN)])
      expect(affineOf({ ...geometry, srow })).toBeUndefined();
    expect(affineOf({ ...geometry, sformCode: 0, quaternion: [Number.NaN, 0, 0] })).toBeUndefined();
  });
});
