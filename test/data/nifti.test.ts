import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { plainGeometry, readNifti, writeLabelMap, writeVolume } from '../../src/data/nifti';
import type { Shape3 } from '../../src/engine/model';
import rows from '../fixtures/data/volumes.json';
import { errorOf, freshFolder } from './folder';

const fixtures = path.join(__dirname, '..', 'fixtures', 'data');

describe('what nibabel wrote is read as nibabel reads it', () => {
  it.each(rows)('$file', (row) => {
    const volume = readNifti(path.join(fixtures, row.file));
    expect(volume.shape).toEqual(row.shape);
    expect(volume.channels).toBe(row.channels);
    expect(Array.from(volume.data)).toEqual(row.values.map((v) => expect.closeTo(v, 4)));
    expect(volume.spacing).toEqual(row.spacing.map((v) => expect.closeTo(v, 6)));
    expect(volume.geometry.description).toBe(row.description);
    expect([volume.geometry.qformCode, volume.geometry.sformCode]).toEqual(row.codes);
    expect(volume.geometry.srow).toEqual(row.sform.slice(0, 12).map((v) => expect.closeTo(v, 5)));
  });
});

/** A volume 3 × 4 × 5 of 16-bit numbers, as the bytes of a file that is not packed. */
const SHAPE: Shape3 = [3, 4, 5];

function bytesOf(change: (bytes: Buffer) => void = () => undefined): Buffer {
  const file = path.join(freshFolder(), 'a.nii.gz');
  const data = Int16Array.from({ length: 60 }, (_, i) => i - 20);
  writeVolume(file, data, SHAPE, 1, plainGeometry([1, 1.5, 2]));
  const bytes = gunzipSync(readFileSync(file));
  change(bytes);
  return bytes;
}

function fileOf(bytes: Buffer, name = 'broken.nii.gz'): string {
  const file = path.join(freshFolder(), name);
  writeFileSync(file, bytes);
  return file;
}

describe('writing', () => {
  it('reads back what it wrote, for each kind of array and several channels', () => {
    const file = path.join(freshFolder(), 'deep', 'a ü.nii.gz');
    for (const data of [
      Uint8Array.from({ length: 120 }, (_, i) => i),
      Int16Array.from({ length: 120 }, (_, i) => i * 7 - 300),
      Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)),
    ]) {
      writeVolume(file, data, SHAPE, 2, plainGeometry([1, 1.5, 2], 'a test'));
      const volume = readNifti(file);
      expect(volume).toMatchObject({ shape: SHAPE, channels: 2, spacing: [1, 1.5, 2] });
      expect(Array.from(volume.data)).toEqual(Array.from(data));
      expect(volume.geometry).toEqual(plainGeometry([1, 1.5, 2], 'a test'));
    }
    expect(readdirSync(path.dirname(file))).toEqual(['a ü.nii.gz']);
  });

  it.each(rows.filter((row) => row.channels === 1))('a label map keeps the geometry of $file', (row) => {
    const image = readNifti(path.join(fixtures, row.file));
    const file = path.join(freshFolder(), 'label.nii.gz');
    const labels = Uint8Array.from(image.data, (_, i) => i % 3);
    writeLabelMap(file, labels, image.shape, image.geometry);
    const back = readNifti(file);
    expect(Array.from(back.data)).toEqual(Array.from(labels));
    for (const key of ['pixdim', 'quaternion', 'offset', 'srow'] as const) {
      expect(back.geometry[key], key).toEqual(image.geometry[key].map((v) => expect.closeTo(v, 5)));
    }
    expect({ ...back.geometry, pixdim: 0, quaternion: 0, offset: 0, srow: 0 }).toEqual({
      ...image.geometry,
      pixdim: 0,
      quaternion: 0,
      offset: 0,
      srow: 0,
    });
  });

  it('refuses an array of another length', () => {
    const file = path.join(freshFolder(), 'a.nii.gz');
    expect(errorOf(() => writeLabelMap(file, new Uint8Array(59), SHAPE, plainGeometry([1, 1, 1])))).toContain(
      '59 values',
    );
  });

  const python = process.env.SCNAS_ORACLE_PYTHON;
  it.skipIf(!python)('nibabel reads the label map with the affine of the image', () => {
    const image = path.join(fixtures, 'int16-big.nii.gz');
    const { shape, geometry, data } = readNifti(image);
    const file = path.join(freshFolder(), 'label.nii.gz');
    writeLabelMap(
      file,
      Uint8Array.from(data, (_, i) => i),
      shape,
      geometry,
    );
    const script = `
import sys, nibabel, numpy
a, b = map(nibabel.load, sys.argv[1:])
assert numpy.allclose(a.affine, b.affine, atol=1e-5) and numpy.allclose(a.get_qform(), b.get_qform(), atol=1e-5)
assert (numpy.asarray(b.dataobj).ravel() == numpy.arange(60)).all() and b.get_data_dtype() == 'u1'
assert a.header.get_xyzt_units() == b.header.get_xyzt_units()`;
    execFileSync(python ?? '', ['-c', script, image, file]);
  });
});

describe('units', () => {
  it('metres and micrometres become millimetres, what is unknown stays', () => {
    const unit = (code: number, times: number) =>
      readNifti(
        fileOf(
          bytesOf((b) => {
            b.writeUInt8(code, 123);
            for (const at of [80, 84, 88]) b.writeFloatLE(times * b.readFloatLE(at), at);
          }),
        ),
      ).spacing;
    expect(unit(1, 0.25)).toEqual([250, 375, 500]);
    expect(unit(3, 1024)).toEqual([1.024, 1.536, 2.048]);
    expect(unit(0, 1)).toEqual([1, 1.5, 2]);
  });
});
