/** Rows about a volume that end in an error: what is wrong, what the error says, and what it names (imagesTr unless told otherwise). */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { bytesOf, COUNT, fixture, SHAPE, volume, type Wrong } from './hostile';
import * as make from './hostile-bytes';

const { dim, eightBytes, flip, float, floats, labels, nifti2, packed, packedOf, short, slope } = make;
const { spacingY, voxOffset } = make;
const [header, voxels] = make.pairOf(volume());

export type Fails = readonly [wrong: Wrong, found: string, where?: string];

/** Something else in the file's place, or done to it. */
function instead(put: (file: string) => void, name = 'a.nii.gz'): Wrong {
  return {
    files: (folder) => {
      const file = path.join(folder, 'imagesTr', name);
      rmSync(file, { force: true });
      put(file);
    },
  };
}

/** A sparse file: these bytes, then nothing up to a terabyte. */
const terabyte = (bytes: Buffer) =>
  instead((file) => {
    writeFileSync(file, bytes);
    truncateSync(file, 2 ** 40);
  });
/** One half of a pair, and a file beside it in the place of the other half. */
const half = (imageName: string, image: Buffer, other = '', bytes = voxels): Wrong => ({
  ...(other === '' ? {} : instead((file) => writeFileSync(file, bytes), other)),
  imageName,
  image,
});
const grid = (geometry: Parameters<typeof labels>[3]) => ({ label: labels(1, 0, 9, geometry) });
const shifted = { sformCode: 0, offset: [0, 0, 12] };
const mirrored = { srow: [-1, 0, 0, 5, 0, 1.5, 0, 0, 0, 0, 2, 0] };
const html = gzipSync(Buffer.from(`<html>404${' '.repeat(900)}</html>`));

export const imageFails: Readonly<Record<string, Fails>> = {
  'a stream cut near its end': [{ image: packed().subarray(0, -20) }, 'a whole gzip stream'],
  'a stream cut in its header': [{ image: packed().subarray(0, 30) }, 'too few bytes for a header'],
  'a wrong check sum': [{ image: flip(packed(), -8) }, 'incorrect data check'],
  'a wrong length after the check sum': [{ image: flip(packed(), -4) }, 'incorrect length check'],
  'packed twice': [{ image: gzipSync(packed()) }, 'no such header'],
  'nothing at all': [{ image: Buffer.alloc(0) }, 'too few bytes for a header (0)'],
  text: [{ image: Buffer.from('hello '.repeat(200)) }, 'no such header'],
  'a page that says that the file was not found': [{ image: html }, 'no such header'],
  'an Analyze header': [half('a.hdr', Buffer.from(header).fill(0, 344)), 'an Analyze 7.5 header'],
  'a pair’s header in a .nii': [
    { image: volume((b) => b.write('ni1\0', 344)) },
    'the header of a .hdr/.img pair',
  ],
  'a pair without .img': [half('a.hdr', header), 'found no such file', 'a.img'],
  'a pair without .hdr': [half('a.img', voxels), 'found no such file', 'a.hdr'],
  'a pair whose .img is cut': [
    half('a.hdr', header, 'a.img', voxels.subarray(9)),
    'a file of 663 bytes',
    'a.img',
  ],
  'fewer voxels than the header says': [{ image: volume().subarray(0, 460) }, 'a file of 460 bytes'],
  'fewer voxels, packed': [{ image: gzipSync(volume().subarray(0, 460)) }, 'found 460 bytes'],
  'more voxels than the header says': [
    { image: gzipSync(Buffer.concat([volume(), Buffer.alloc(9)])) },
    'at most 1024 bytes',
  ],
  'a gzip bomb': [
    { image: gzipSync(Buffer.concat([volume(), Buffer.alloc(2 ** 26)])) },
    'at most 1024 bytes',
  ],
  'a bomb with a header to match': [
    { image: gzipSync(Buffer.concat([volume(dim(3, 512, 512, 512)), Buffer.alloc(2 ** 16)])) },
    'which cannot hold them',
  ],
  'a terabyte of nothing': [terabyte(volume()), `a file of ${2 ** 40} bytes`],
  'a terabyte of nothing after a stream': [terabyte(packed()), 'which holds more'],
  'dim 0': [{ image: packed(dim(3, 0)) }, 'dim = [3, 0, 7, 8'],
  'a negative dim': [{ image: packed(dim(3, 6, -7)) }, 'dim = [3, 6, -7, 8'],
  'no axes': [{ image: packed(dim(0)) }, 'dim = [0'],
  'eight axes': [{ image: packed(dim(8)) }, 'dim = [8'],
  'huge dims': [{ image: packed(dim(3, 32767, 32767, 32767)) }, 'at most 536870912 values'],
  'dims beyond whole numbers (NIfTI-2)': [
    { image: nifti2((b) => b.writeBigInt64LE(2n ** 62n, 24)) },
    'dim = [3, 4611686018427',
  ],
  'a negative dim (NIfTI-2)': [{ image: nifti2((b) => b.writeBigInt64LE(-4n, 24)) }, 'dim = [3, -'],
  'more voxels than a file of this size can hold': [
    { image: volume(dim(3, 512, 512, 512)) },
    'found a file of 1024 bytes',
  ],
  'two axes of channels': [{ image: packed(dim(5, 1, 1, 8, 6, 7)) }, 'at most one of channels'],
  RGB: [{ image: packed(short(70, 128)) }, 'data type 128 (RGB)'],
  'complex numbers': [{ image: packed(short(70, 32)) }, 'data type 32'],
  'no type': [{ image: packed(short(70, 0)) }, 'data type 0'],
  'vox_offset in the header': [{ image: packed(voxOffset(12)) }, 'found 12;'],
  'vox_offset negative': [{ image: packed(voxOffset(-352)) }, 'found -352'],
  'vox_offset with a fraction': [{ image: packed(voxOffset(352.5)) }, 'found 352.5'],
  'vox_offset NaN': [{ image: packed(voxOffset(Number.NaN)) }, 'found NaN'],
  'vox_offset far away': [{ image: packed(voxOffset(1e30)) }, 'where the voxels begin'],
  'vox_offset behind the end': [{ image: packed(voxOffset(2 ** 25)) }, 'which cannot hold them'],
  'spacing 0': [{ image: packed(spacingY(0)) }, 'spacing above 0'],
  'spacing NaN': [{ image: packed(spacingY(Number.NaN)) }, 'spacing above 0'],
  'spacing infinite': [{ image: packed(spacingY(Number.POSITIVE_INFINITY)) }, 'spacing above 0'],
  'spacing 1e-30': [{ image: packed(spacingY(1e-30)) }, 'spacing above 0'],
  'spacing 1e30': [{ image: packed(spacingY(1e30)) }, 'spacing above 0'],
  'spacing 900, to be resampled to 0.7': [
    { image: packed((b) => [80, 84, 88].map((at) => float(at, 900)(b))) },
    'expected at most 536870912 values at a spacing of 0.7',
  ],
  'millimetres called metres': [{ image: packed((b) => b.writeUInt8(1, 123)) }, 'in units of 1000 mm'],
  'an infinite intercept': [{ image: packed(float(116, Number.POSITIVE_INFINITY)) }, 'finite scl_inter'],
  'a slope that leads out of 32 bits': [{ image: packed(slope(2 ** 127)) }, 'infinite in 32 bits after'],
  'NaN voxels': [{ image: floats(Number.NaN, 3, 7, 1) }, '4 of 336 that are NaN'],
  'infinite voxels': [
    { image: floats(Number.NEGATIVE_INFINITY, 3, 5, 1) },
    '2 of 336 that are NaN or infinite',
  ],
  'doubles beyond 32 bits': [
    { image: eightBytes(64, (b) => b.writeDoubleLE(1e300, 360)) },
    '1 of 84 that are NaN or infinite in 32 bits',
  ],
  'nothing but zeros': [{ image: floats(0, 0, COUNT, 0) }, 'expected a voxel other than 0'],
  'a missing modality': [
    { json: (j) => ({ ...j, modality: { '0': 'T1', '1': 'T2' } }) },
    'expected 2 channels (T1, T2), found 1',
  ],
  'a modality too many': [{ image: packedOf([6, 7, 4], 2) }, 'expected 1 channels (MRI), found 2'],
  'a folder in the file’s place': [instead((file) => mkdirSync(file)), 'found a folder'],
  'a pipe that nobody writes to': [instead((file) => execFileSync('mkfifo', [file])), 'no regular file'],
  'a device without end': [instead((file) => symlinkSync('/dev/zero', file)), 'no regular file'],
  'a link to itself': [instead((file) => symlinkSync(file, file)), '1 missing', 'dataset.json'],
};

export const labelFails: Readonly<Record<string, Fails>> = {
  'a label of another shape': [
    { label: gzipSync(bytesOf(new Uint8Array(COUNT), [6, 8, 7])) },
    'expected 6 × 7 × 8 voxels',
  ],
  'a label of two channels': [{ label: packedOf(SHAPE, 2) }, 'found 6 × 7 × 8 × 2'],
  'a label of another spacing': [
    grid({ pixdim: [1, 1, 1.5, 2.5, 1, 0, 0, 0] }),
    'found spacing 1 × 1.5 × 2.5 mm',
  ],
  'a label that is mirrored': [grid(mirrored), 'a corner lies 5 mm away'],
  'a label that is shifted': [grid(shifted), 'a corner lies 12 mm away'],
  'an unknown label': [{ label: labels(7, 2, 5) }, 'found 7 in 3 voxels'],
  'a negative label': [{ label: labels(-2, 2, 3) }, 'found -2 in 1 voxel;'],
  'a label between numbers': [{ label: floats(0.5, 0, 60, 0) }, 'found 0.5 in 60 voxels'],
  'a label as large as 64 bits': [
    { image: packedOf([6, 7, 2]), label: eightBytes(1024, (b) => b.writeBigInt64LE(2n ** 62n, 360)) },
    'found 4611686018427388000 in 1 voxel',
  ],
  'NaN in a label': [{ label: floats(Number.NaN, 0, 2, 0) }, '2 of 336 that are NaN'],
  'a label that is RGB': [{ label: packed(short(70, 128)) }, 'data type 128'],
  'a cut label': [{ label: packed().subarray(0, -9) }, 'a whole gzip stream'],
  'a label of another fixture': [{ label: fixture('int16-big.nii.gz') }, 'found 3 × 4 × 5'],
};
