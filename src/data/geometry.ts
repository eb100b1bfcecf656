/** Where a volume's voxels lie in space: the header fields that a label map must share with its image. */
import type { NiftiHeader } from './nifti-library';

/** Fields of a NIfTI header as they stand in the file; plain numbers, so that it can be stored as JSON. */
export interface Geometry {
  /** pixdim[0…7]: handedness, then spacings in the file's own units. */
  readonly pixdim: readonly number[];
  readonly qformCode: number;
  readonly sformCode: number;
  /** Quaternion b, c, d. */
  readonly quaternion: readonly number[];
  readonly offset: readonly number[];
  /** srow_x, srow_y, srow_z: 12 numbers. */
  readonly srow: readonly number[];
  readonly units: number;
  readonly dimInfo: number;
  readonly description: string;
  readonly auxFile: string;
}

/** The geometry of a header; `bytes` are the header's own, for what the library does not keep. */
export function readGeometry(header: NiftiHeader, bytes: Buffer): Geometry {
  const two = bytes.readInt32LE(0) === 540 || bytes.readInt32BE(0) === 540;
  const little = header.littleEndian;
  const single = (at: number) => (little ? bytes.readFloatLE(at) : bytes.readFloatBE(at));
  const double = (at: number) => (little ? bytes.readDoubleLE(at) : bytes.readDoubleBE(at));
  const text = (from: number, to: number) => bytes.toString('latin1', from, to).replace(/\0.*$/s, '');
  return {
    pixdim: header.pixDims.slice(0, 8),
    qformCode: header.qform_code,
    sformCode: header.sform_code,
    quaternion: [header.quatern_b, header.quatern_c, header.quatern_d],
    offset: [header.qoffset_x, header.qoffset_y, header.qoffset_z],
    srow: Array.from({ length: 12 }, (_, i) => (two ? double(400 + 8 * i) : single(280 + 4 * i))),
    units: header.xyzt_units,
    dimInfo: header.dim_info,
    description: two ? text(240, 320) : text(148, 228),
    auxFile: two ? text(320, 344) : text(228, 252),
  };
}

/** The geometry of a volume that has no file yet: spacing [x, y, z] in mm, axes along the world's, origin in the first voxel. */
export function plainGeometry([x, y, z]: readonly [number, number, number], description = ''): Geometry {
  return {
    pixdim: [1, x, y, z, 1, 0, 0, 0],
    qformCode: 1,
    sformCode: 1,
    quaternion: [0, 0, 0],
    offset: [0, 0, 0],
    srow: [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0],
    units: 2,
    dimInfo: 0,
    description,
    auxFile: '',
  };
}
