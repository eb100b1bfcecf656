/** Rows that work: what is odd, and what must come of it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { type Geometry, plainGeometry, readNifti, writeLabelMap } from '../../src/data/nifti';
import { bytesOf, COUNT, fixture, type Reached, SHAPE, volume, type Wrong } from './hostile';
import * as make from './hostile-bytes';

const { dim, float, floats, labels, packed, packedOf, placed, short, slope, voxOffset } = make;
const flipped = { srow: [-1, 0, 0, 5, 0, 1.5, 0, 0, 0, 0, 2, 0] };
const turned = { sformCode: 0, quaternion: [0.1, Math.SQRT1_2, 0.2] };

/** The values of the plain volume, which has no 0. */
const plain = Float32Array.from({ length: COUNT }, (_, i) => (i < 20 ? i - 20 : i - 19));

type Check = (reached: Reached) => void;

const same: Check = ({ raw, batch, predicted, dice }) => {
  expect(raw.image).toEqual(plain);
  expect(batch.image.some((v) => v !== 0)).toBe(true);
  expect(predicted).toHaveLength(COUNT);
  expect(dice[2]).toBeGreaterThan(0);
};
const finite: Check = ({ prepared, batch }) => {
  expect(prepared.image.every(Number.isFinite)).toBe(true);
  expect(batch.image.every(Number.isFinite)).toBe(true);
};
const shaped =
  (...shape: readonly number[]): Check =>
  (reached) => {
    finite(reached);
    expect(reached.raw.shape).toEqual(shape);
    expect(reached.predicted).toHaveLength(shape[0] * shape[1] * shape[2]);
  };

/** A row about geometry: it is read as it stands, and a label map written with it has the same. */
function inPlace(change: Partial<Geometry>, read = change): readonly [Wrong, Check] {
  const rounded = Object.entries(read).map(([k, v]) => [k, Array.isArray(v) ? v.map(Math.fround) : v]);
  const check: Check = (reached) => {
    same(reached);
    const { geometry, shape } = reached.raw;
    expect(geometry).toEqual({ ...make.PLAIN, ...Object.fromEntries(rounded) });
    const file = path.join(reached.folder, 'back.nii.gz');
    writeLabelMap(file, reached.predicted, shape, geometry);
    expect(readNifti(file).geometry).toEqual(geometry);
  };
  return [{ image: placed(change) }, check];
}

/** A pair under these names, the first of which dataset.json lists. */
function pair(listed: string, other: string, pack = (b: Buffer): Buffer => b): Wrong {
  const [header, voxels] = make.pairOf(volume());
  const bytes = (name: string) => pack(name.includes('.hdr') ? header : voxels);
  const files = (folder: string) => writeFileSync(path.join(folder, 'imagesTr', other), bytes(other));
  return { imageName: listed, image: bytes(listed), files };
}

const classes = (names: Record<string, string>) => (json: object) => ({ ...json, labels: names });
const text = (change: (json: string) => string) => (json: object) => change(JSON.stringify(json));
const training = (json: object, ...more: readonly object[]) => ({
  ...json,
  training: [...more, ...(json as { training: object[] }).training],
});
const extended = Buffer.concat([
  volume(voxOffset(371)).subarray(0, 352),
  Buffer.alloc(19, 7),
  volume().subarray(352),
]);
const members = [volume().subarray(0, 100), volume().subarray(100)].map((part) => gzipSync(part));
const ones = new Uint8Array(COUNT).fill(1);
const roundedLabel = gzipSync(bytesOf(ones, SHAPE, 1, undefined, plainGeometry([1.0001, 1.5, 2])));

export const works: Readonly<Record<string, readonly [Wrong, Check]>> = {
  'nothing is wrong': [{}, same],
  'a plain file named .gz': [{ image: volume() }, same],
  'a packed file named .nii': [{ image: packed(), imageName: 'a.nii' }, same],
  'a stream of two members': [{ image: Buffer.concat(members) }, same],
  'zeros after the stream': [{ image: Buffer.concat([packed(), Buffer.alloc(512)]) }, same],
  'a pair, its .hdr listed': [pair('a.hdr', 'a.img'), same],
  'a pair, its .img listed': [pair('a.img', 'a.hdr'), same],
  'a packed pair': [pair('a.hdr.gz', 'a.img.gz', gzipSync), same],
  'a pair of which one is packed': [
    pair('a.img', 'a.hdr.gz', (b) => (b.length > 400 ? b : gzipSync(b))),
    same,
  ],
  'big-endian': [{ image: fixture('int16-big.nii.gz') }, shaped(3, 4, 5)],
  'NIfTI-2': [{ image: fixture('nifti2.nii.gz') }, shaped(3, 4, 5)],
  'NIfTI-2, big-endian': [{ image: fixture('nifti2-big.nii.gz') }, shaped(3, 4, 5)],
  '64-bit whole numbers': [{ image: fixture('int64.nii.gz') }, shaped(3, 4, 5)],
  '64-bit whole numbers without sign': [{ image: fixture('uint64.nii.gz') }, shaped(3, 4, 5)],
  'scl_slope 0': [{ image: packed(slope(0, 9)) }, same],
  'scl_slope NaN': [{ image: packed(slope(Number.NaN, 9)) }, same],
  'scl_slope infinite': [{ image: packed(slope(Number.POSITIVE_INFINITY, 9)) }, same],
  'scl_slope 0 beside scl_inter NaN': [{ image: packed(slope(0, Number.NaN)) }, same],
  'scl_slope −2, scl_inter 5.5': [
    { image: packed(slope(-2, 5.5)) },
    ({ raw }) => expect(raw.image).toEqual(plain.map((v) => 5.5 - 2 * v)),
  ],
  'vox_offset 0': [{ image: packed(voxOffset(0)) }, same],
  'voxels after an extension, off any boundary': [{ image: gzipSync(extended) }, same],
  'bitpix that contradicts the type': [{ image: packed(short(72, 8)) }, same],
  'a second axis of channels that is one long': [{ image: packed(dim(5, 6, 7, 8, 1, 1)) }, same],
  'qform and sform absent': inPlace({ qformCode: 0, sformCode: 0 }),
  'a singular sform': inPlace({ srow: new Array<number>(12).fill(0) }),
  'a sform of NaN': inPlace({ srow: new Array<number>(12).fill(Number.NaN) }),
  'a flipped sform': inPlace(flipped),
  'an oblique qform': inPlace(turned),
  'a left-handed qform': inPlace({ sformCode: 0, pixdim: [-1, 1, 1.5, 2, 1, 0, 0, 0] }),
  'a quaternion longer than 1': inPlace({ sformCode: 0, quaternion: [1, 1, 1] }),
  'a quaternion of NaN': inPlace({ sformCode: 0, quaternion: [Number.NaN, 0, 0] }),
  'unheard-of form codes': inPlace({ qformCode: 77, sformCode: -3 }, { qformCode: 77, sformCode: 0 }),
  'a negative spacing': [
    { image: packed(float(84, -1.5)) },
    ({ raw }) => expect(raw.spacing).toEqual([1, 1.5, 2]),
  ],
  'a label without qform and sform': [
    { image: placed(flipped), label: labels(1, 0, COUNT, { qformCode: 0, sformCode: 0 }) },
    ({ raw }) => expect(raw.label).toEqual(ones),
  ],
  'a label whose header rounds otherwise': [
    { label: roundedLabel },
    ({ raw }) => expect(raw.label).toEqual(ones),
  ],
  'a label as floats': [
    { label: floats(2, 3, 9, 0) },
    ({ raw }) => expect(raw.label?.filter((v) => v === 2)).toHaveLength(6),
  ],
  'two axes, the third spacing 0': [
    { image: gzipSync(volume((b) => [dim(2, 6, 56, 0), float(88, 0)].map((f) => f(b)))) },
    shaped(6, 56, 1),
  ],
  'one slice': [{ image: packedOf([6, 7, 1]) }, shaped(6, 7, 1)],
  'one slice across x': [{ image: packedOf([1, 7, 8]) }, shaped(1, 7, 8)],
  'one voxel': [{ image: packedOf([1, 1, 1]) }, shaped(1, 1, 1)],
  'smaller than the patch along two axes, larger along one': [
    { image: packedOf([3, 40, 5]) },
    shaped(3, 40, 5),
  ],
  'one voxel that is not 0': [
    { image: floats(4, 100, 101, 0) },
    (reached) => {
      shaped(...SHAPE)(reached);
      expect(reached.prepared.image.every((v) => Number.isFinite(v))).toBe(true);
    },
  ],
  'the same value everywhere': [
    { image: floats(3, 0, COUNT, 0) },
    ({ prepared }) => expect(prepared.image.every((v) => v === 0)).toBe(true),
  ],
  'one foreground voxel': [
    { label: labels(2, 17, 18) },
    ({ batch, raw }) => {
      expect(raw.label?.filter((v) => v === 2)).toHaveLength(1);
      const forced = batch.label.subarray((2 * batch.label.length) / 3);
      expect(forced.filter((v) => v === 2)).toHaveLength(1);
    },
  ],
  'an empty label': [
    { label: labels(0, 0, 1) },
    ({ batch, predicted, dice }) => {
      expect(batch.label.every((v) => v === 0)).toBe(true);
      expect(predicted.includes(2)).toBe(true);
      expect(dice).toEqual([Number.NaN, Number.NaN, 0]);
    },
  ],
  'values as large as 32 bits hold': [{ image: floats(3e38, 0, 9, 1) }, finite],
  'spaces, umlauts and signs in names': [
    { imageName: 'Ün fall (1) 𝟙 #%.nii.gz' },
    ({ raw }) => expect(raw.id).toBe('Ün fall (1) 𝟙 #%'),
  ],
  'a case named __proto__': [
    { imageName: '__proto__.nii.gz' },
    ({ raw, batch }) => expect([raw.id, batch.cases[0]]).toEqual(['__proto__', '__proto__']),
  ],
  'classes named __proto__ and constructor': [
    { json: classes({ '0': 'b', '1': '__proto__', '2': 'constructor' }) },
    same,
  ],
  '__proto__ as a key of dataset.json': [
    { json: text((json) => json.replace('{', '{"__proto__":{"training":[],"labels":{}},')) },
    same,
  ],
  'a dataset.json with a byte-order mark': [{ json: text((json) => `\ufeff${json}`) }, same],
  '._ files listed beside the real ones': [
    { json: (json) => training(json, { image: 'imagesTr/._a.nii.gz' }) },
    same,
  ],
  'keys that nobody knows': [
    { json: (json) => ({ ...json, numTraining: 99, tensorImageSize: '5D', test: ['../../x'] }) },
    same,
  ],
};
