/**
 * NIfTI volumes in and out. A file keeps x fastest; here arrays are [x, y, z, c] in C order, z and channel fastest,
 * and the order is turned once on reading and once on writing.
 */
import { readFileSync } from 'node:fs';
import { fail, ScnasError } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { type Geometry, readGeometry } from './geometry';
import { DEFLATE_LIMIT, inflateAll, inflateStart, isGzip } from './gunzip';
import { type NiftiHeader, nifti } from './nifti-library';
import { readers, type VoxelType } from './voxel-types';

export { type Geometry, plainGeometry } from './geometry';
export { writeLabelMap, writeVolume } from './nifti-write';

/** A volume in memory. `data` is [x, y, z, c] in C order; `spacing` is in mm. */
export interface Volume {
  readonly shape: Shape3;
  readonly channels: number;
  readonly data: Float32Array;
  readonly spacing: readonly [number, number, number];
  readonly geometry: Geometry;
}

/** More voxels × channels than this are refused: 2 GiB as float32. */
const MOST_VALUES = 2 ** 29;

/**
 * Reads a NIfTI-1 or NIfTI-2 file, gzipped or not, of either byte order, 2D to 5D (the fourth and fifth axis are channels).
 *
 * Values are stored · scl_slope + scl_inter; a slope that is 0 or not finite means that they are as stored.
 * Errors: a ScnasError names the file for anything that cannot be read as such, and for voxels that are NaN or infinite.
 * Sizes are checked against the header before memory is taken.
 */
export function readNifti(file: string): Volume {
  const bytes = readBytes(file);
  const packed = isGzip(bytes);
  const start = packed ? inflateStart(bytes, file) : bytes.subarray(0, 540);
  const header = readHeader(start, file);
  const { shape, channels } = readShape(header, file);
  const type = voxelType(header, file);
  const values = shape[0] * shape[1] * shape[2] * channels;
  const offset = dataOffset(header, file);
  const expected = offset + values * type.bytes;
  if (values > MOST_VALUES || expected > bytes.length * (packed ? DEFLATE_LIMIT : 1)) {
    fail({
      where: file,
      expected: `${shape.join(' × ')} × ${channels} voxels of ${type.bytes} bytes, as its header says`,
      found: `a file of ${bytes.length} bytes, which cannot hold them or is larger than can be read`,
      next: 'fetch the file again or repair its header',
    });
  }
  const content = packed ? inflateAll(bytes, file, expected) : bytes;
  if (content.length !== expected) {
    fail({
      where: file,
      expected: `${expected} bytes for ${shape.join(' × ')} × ${channels} voxels of ${type.bytes} bytes`,
      found: `${content.length} bytes`,
      next: 'fetch the file again or repair its header',
    });
  }
  const data = toChannelsLast(type.read(content.subarray(offset), header.littleEndian), shape, channels);
  applyScale(data, header, file);
  refuseNotFinite(data, file);
  return { shape, channels, data, spacing: readSpacing(header, file), geometry: readGeometry(header, start) };
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return fail({
      where: file,
      expected: 'a NIfTI file',
      found: code === 'ENOENT' ? 'no such file' : `an error on reading (${code})`,
      next: 'check the path, or dataset.json if it names this file',
    });
  }
}

function readHeader(start: Buffer, file: string): NiftiHeader {
  const view = (length: number) => new Uint8Array(start.subarray(0, length)).buffer;
  try {
    if (start.length >= 352 && nifti.isNIFTI1(view(352))) {
      const header = new nifti.NIFTI1();
      header.readHeader(view(348));
      return header;
    }
    if (start.length >= 540 && nifti.isNIFTI2(view(540))) {
      const header = new nifti.NIFTI2();
      header.readHeader(view(540));
      return header;
    }
  } catch (error) {
    if (error instanceof ScnasError) throw error;
  }
  return fail({
    where: file,
    expected: 'a NIfTI-1 or NIfTI-2 file in one part (.nii or .nii.gz)',
    found: `${start.length < 352 ? 'too few bytes for a header' : 'no such header'}`,
    next: 'convert it to .nii.gz',
  });
}

function readShape({ dims }: NiftiHeader, file: string): { shape: Shape3; channels: number } {
  const rank = dims[0];
  const used = dims.slice(1, 1 + rank);
  if (rank < 2 || rank > 7 || used.length < rank || used.some((n) => !Number.isInteger(n) || n < 1)) {
    fail({
      where: file,
      expected: '2 to 5 axes, each at least one voxel long',
      found: `dim = [${dims.join(', ')}]`,
      next: 'repair the header',
    });
  }
  const [x, y, z = 1, ...rest] = used;
  const channels = rest.reduce((a, b) => a * b, 1);
  if (rest.filter((n) => n > 1).length > 1) {
    fail({
      where: file,
      expected: 'three axes and at most one of channels',
      found: `dim = [${dims.join(', ')}]`,
      next: 'split it into one file a time point',
    });
  }
  return { shape: [x, y, z], channels };
}

function voxelType(header: NiftiHeader, file: string): VoxelType {
  const type = readers.get(header.datatypeCode);
  if (type) return type;
  return fail({
    where: file,
    expected: 'whole numbers of 8 to 64 bits or floats of 32 or 64 bits',
    found: `data type ${header.datatypeCode} (${header.getDatatypeCodeString(header.datatypeCode)})`,
    next: 'convert it to float32',
  });
}

function dataOffset({ vox_offset: offset, magic }: NiftiHeader, file: string): number {
  const least = magic.startsWith('n+2') ? 540 : 348;
  if (offset === 0) return least === 540 ? 544 : 352;
  if (Number.isInteger(offset) && offset >= least && offset <= 2 ** 26) return offset;
  return fail({
    where: file,
    expected: `vox_offset, where the voxels begin, from ${least} to ${2 ** 26}`,
    found: String(offset),
    next: 'repair the header',
  });
}

function readSpacing({ pixDims, xyzt_units: units }: NiftiHeader, file: string): [number, number, number] {
  const toMillimetres = { 1: 1000, 3: 0.001 }[units & 7] ?? 1;
  const [x, y, z] = pixDims.slice(1, 4).map((d) => Math.abs(d) * toMillimetres);
  if ([x, y, z].every((d) => Number.isFinite(d) && d > 0)) return [x, y, z];
  return fail({
    where: file,
    expected: 'a spacing above 0 along each axis',
    found: `pixdim = [${pixDims.slice(1, 4).join(', ')}]`,
    next: 'repair the header',
  });
}

/** From x fastest, channel slowest, to [x, y, z, c] in C order. */
function toChannelsLast(values: ArrayLike<number>, [X, Y, Z]: Shape3, channels: number): Float32Array {
  const out = new Float32Array(values.length);
  let from = 0;
  for (let c = 0; c < channels; c++)
    for (let z = 0; z < Z; z++)
      for (let y = 0; y < Y; y++) {
        let to = (y * Z + z) * channels + c;
        for (let x = 0; x < X; x++, to += Y * Z * channels) out[to] = values[from++];
      }
  return out;
}

function applyScale(
  data: Float32Array,
  { scl_slope: slope, scl_inter: inter }: NiftiHeader,
  file: string,
): void {
  if (slope === 0 || !Number.isFinite(slope)) return;
  if (!Number.isFinite(inter)) {
    fail({
      where: file,
      expected: 'a finite scl_inter beside a usable scl_slope',
      found: `scl_slope ${slope}, scl_inter ${inter}`,
      next: 'repair the header',
    });
  }
  if (slope === 1 && inter === 0) return;
  for (let i = 0; i < data.length; i++) data[i] = data[i] * slope + inter;
}

function refuseNotFinite(data: Float32Array, file: string): void {
  let count = 0;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) count++;
  if (count === 0) return;
  fail({
    where: file,
    expected: 'finite voxels',
    found: `${count} of ${data.length} that are NaN or infinite`,
    next: 'replace them (0 outside the body) or leave the case out',
  });
}
