/**
 * NIfTI volumes in and out. A file keeps x fastest; here arrays are [x, y, z, c] in C order, z and channel fastest,
 * and the order is turned once on reading and once on writing.
 */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { readRest } from './nifti-file';
import { type OpenVolume, openVolume, type VolumeFacts } from './nifti-header';

export { affineOf, type Geometry, plainGeometry } from './geometry';
export type { VolumeFacts } from './nifti-header';
export { writeLabelMap, writeVolume } from './nifti-write';

/** A volume in memory. `data` is [x, y, z, c] in C order; `spacing` is in mm. */
export interface Volume extends VolumeFacts {
  readonly data: Float32Array;
}

/** Shape, channels, spacing and geometry of a NIfTI file, from its header alone; errors as {@link readNifti}'s. */
export function inspectNifti(file: string): VolumeFacts {
  const { shape, channels, spacing, geometry } = openVolume(file);
  return { shape, channels, spacing, geometry };
}

/**
 * Reads a NIfTI-1 or NIfTI-2 file, gzipped or not, of either byte order, in one part or as .hdr and .img, 2D to 5D
 * (the fourth and fifth axis are channels).
 *
 * Values are stored · scl_slope + scl_inter; a slope that is 0 or not finite means that they are as stored.
 * Errors: a ScnasError names the file for anything that cannot be read as such, and for voxels that are NaN or infinite.
 * Sizes are checked against the header before memory is taken.
 */
export function readNifti(file: string): Volume {
  const opened = openVolume(file);
  const { shape, channels, part, offset, type, littleEndian, spacing, geometry } = opened;
  const values = shape[0] * shape[1] * shape[2] * channels;
  const what = `${shape.join(' × ')} × ${channels} voxels of ${type.bytes} bytes, as its header says`;
  const stored = type.read(readRest(part, offset, values * type.bytes, what), littleEndian);
  const data = toChannelsLast(stored, shape, channels);
  applyScale(data, opened);
  refuseNotFinite(data, opened);
  return { shape, channels, data, spacing, geometry };
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

function applyScale(data: Float32Array, { slope, inter }: OpenVolume): void {
  if (slope === 1 && inter === 0) return;
  for (let i = 0; i < data.length; i++) data[i] = data[i] * slope + inter;
}

function refuseNotFinite(data: Float32Array, { part, slope, inter }: OpenVolume): void {
  let count = 0;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) count++;
  if (count === 0) return;
  const scaled = slope === 1 && inter === 0 ? '' : ` after · ${slope} + ${inter}`;
  fail({
    where: part.file,
    expected: 'finite voxels',
    found: `${count} of ${data.length} that are NaN or infinite in 32 bits${scaled}`,
    next: 'replace them (0 outside the body) or leave the case out',
  });
}
