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
    qformCode: shortCode(header.qform_code),
    sformCode: shortCode(header.sform_code),
    quaternion: [header.quatern_b, header.quatern_c, header.quatern_d],
    offset: [header.qoffset_x, header.qoffset_y, header.qoffset_z],
    srow: Array.from({ length: 12 }, (_, i) => (two ? double(400 + 8 * i) : single(280 + 4 * i))),
    units: header.xyzt_units,
    dimInfo: header.dim_info,
    description: two ? text(240, 320) : text(148, 228),
    auxFile: two ? text(320, 344) : text(228, 252),
  };
}

/** NIfTI-2 has four bytes for a code, NIfTI-1 two; what fits in neither's table is as good as 0, "unknown". */
function shortCode(code: number): number {
  return code >= 0 && code <= 32767 ? code : 0;
}

/** Millimetres in a file's own unit of length: `units` is xyzt_units; an unknown unit is taken for mm. */
export function millimetres(units: number): number {
  return { 1: 1000, 3: 0.001 }[units & 7] ?? 1;
}

/**
 * The affine of a volume: world coordinates of voxel (i, j, k), 3 rows of 4 numbers, in the file's own units.
 *
 * The sform where its code is above 0, else the qform where its is; undefined where neither is, or where the one is
 * singular or has a number that is not finite. Source: the NIfTI-1 standard, methods 3 and 2.
 */
export function affineOf(geometry: Geometry): readonly number[] | undefined {
  const { sformCode, qformCode, srow } = geometry;
  const affine = sformCode > 0 ? srow : qformCode > 0 ? qformAffine(geometry) : undefined;
  return affine?.every(Number.isFinite) && determinant(affine) !== 0 ? affine : undefined;
}

/** Method 2: rotation by the quaternion (a, b, c, d), a = √(1 − b² − c² − d²), times spacings, the third one's sign in pixdim[0]. */
function qformAffine({ pixdim, quaternion: [b, c, d], offset }: Geometry): number[] {
  const squares = b * b + c * c + d * d;
  // Beyond 1 by rounding: a half turn, as nibabel takes it.
  const a = squares < 1 ? Math.sqrt(1 - squares) : 0;
  const n = 1 / (a * a + squares);
  const [x, y, z] = [pixdim[1], pixdim[2], pixdim[3] * (pixdim[0] < 0 ? -1 : 1)];
  const row = (r: number, s: number, t: number, o: number) => [n * r * x, n * s * y, n * t * z, o];
  return [
    ...row(a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c), offset[0]),
    ...row(2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b), offset[1]),
    ...row(2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c, offset[2]),
  ];
}

function determinant([a, b, c, , d, e, f, , g, h, i]: readonly number[]): number {
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
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
