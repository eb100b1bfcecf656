/** What a NIfTI header says, checked: shape, type, spacing, where the voxels are. Nothing in it is trusted. */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { type Geometry, millimetres, readGeometry } from './geometry';
import { openPart, type Part, partner } from './nifti-file';
import { type NiftiHeader, nifti } from './nifti-library';
import { readers, type VoxelType } from './voxel-types';

/** A volume that was looked at but not read. `spacing` in mm along x, y, z. */
export interface VolumeFacts {
  readonly shape: Shape3;
  readonly channels: number;
  readonly spacing: readonly [number, number, number];
  readonly geometry: Geometry;
}

/** More: what is needed to read it. */
export interface OpenVolume extends VolumeFacts {
  /** The file that holds the voxels: the header's own, or the .img of a pair. */
  readonly part: Part;
  readonly offset: number;
  readonly type: VoxelType;
  readonly littleEndian: boolean;
  /** Values are stored · slope + inter. */
  readonly slope: number;
  readonly inter: number;
}

/** More voxels × channels than this are refused: 2 GiB as float32. */
export const MOST_VALUES = 2 ** 29;
/** Spacings beyond these, in mm, are mistakes, and would make any resampling explode. */
const SPACINGS = [Math.fround(1e-4), 1e3] as const;

/** Reads and checks the header of a volume, of which `file` is the one part or either of a pair; a ScnasError names what is wrong. */
export function openVolume(file: string): OpenVolume {
  const headerFile = /\.img(\.gz)?$/.test(file) ? (partner(file, 'hdr') ?? file) : file;
  const { start } = openPart(headerFile);
  const header = parseHeader(start, headerFile);
  const pair = header.magic.startsWith('ni');
  const dataFile = pair ? partner(headerFile, 'img') : headerFile;
  if (dataFile === undefined) {
    return fail({
      where: file,
      expected: 'a volume in one part, as .nii and .nii.gz are',
      found: 'the header of a .hdr/.img pair',
      next: 'give the pair its own names again, or convert it to .nii.gz',
    });
  }
  const { shape, channels, rank } = readShape(header, headerFile);
  const type = voxelType(header, headerFile);
  const offset = dataOffset(header, headerFile, pair);
  const scale = readScale(header, headerFile);
  const spacing = readSpacing(header, headerFile, rank);
  const geometry = readGeometry(header, start);
  const { littleEndian } = header;
  return {
    shape,
    channels,
    type,
    offset,
    ...scale,
    spacing,
    geometry,
    littleEndian,
    part: openPart(dataFile),
  };
}

function parseHeader(start: Buffer, file: string): NiftiHeader {
  const copy = (length: number) => new Uint8Array(start.subarray(0, length)).buffer;
  const size = start.length < 4 ? 0 : start.readInt32LE(0);
  const swapped = start.length < 4 ? 0 : start.readInt32BE(0);
  const is = (n: number) => size === n || swapped === n;
  const parse = <H extends NiftiHeader>(header: H, length: number): H => {
    header.readHeader(copy(length));
    return header;
  };
  if (start.length >= 348 && is(348) && nifti.isNIFTI1(copy(348), true))
    return parse(new nifti.NIFTI1(), 348);
  if (start.length >= 540 && is(540) && nifti.isNIFTI2(copy(540), true))
    return parse(new nifti.NIFTI2(), 540);
  return fail({
    where: file,
    expected: 'a NIfTI-1 or NIfTI-2 header',
    found:
      start.length < 348 || (is(540) && start.length < 540)
        ? `too few bytes for a header (${start.length})`
        : is(348)
          ? 'an Analyze 7.5 header, which does not say how the volume lies'
          : 'no such header',
    next: 'convert it to .nii.gz',
  });
}

function readShape({ dims }: NiftiHeader, file: string): { shape: Shape3; channels: number; rank: number } {
  const rank = dims[0];
  const used = dims.slice(1, 1 + rank);
  const wrong = (expected: string, next: string) =>
    fail({ where: file, expected, found: `dim = [${dims.join(', ')}]`, next });
  if (rank < 2 || rank > 7 || used.length < rank || used.some((n) => !Number.isSafeInteger(n) || n < 1))
    wrong('2 to 5 axes, each at least one voxel long', 'repair the header');
  const [x, y, z = 1, ...rest] = used;
  const channels = rest.reduce((a, b) => a * b, 1);
  if (rest.filter((n) => n > 1).length > 1)
    wrong('three axes and at most one of channels', 'split it into one file a time point');
  if (x * y * z * channels > MOST_VALUES)
    wrong(`at most ${MOST_VALUES} values`, 'repair the header, or crop or resample the volume');
  return { shape: [x, y, z], channels, rank };
}

function voxelType({ datatypeCode: code }: NiftiHeader, file: string): VoxelType {
  const type = readers.get(code);
  if (type) return type;
  return fail({
    where: file,
    expected: 'whole numbers of 8 to 64 bits or floats of 32 or 64 bits',
    // The library's NIFTI2 has no names for them.
    found: `data type ${code} (${new nifti.NIFTI1().getDatatypeCodeString(code)})`,
    next: 'convert it to float32',
  });
}

function dataOffset({ vox_offset: offset, magic }: NiftiHeader, file: string, pair: boolean): number {
  const least = pair ? 0 : magic.startsWith('n+2') ? 540 : 348;
  if (offset === 0) return { 0: 0, 348: 352, 540: 544 }[least] ?? 0;
  if (Number.isInteger(offset) && offset >= least && offset <= 2 ** 26) return offset;
  return fail({
    where: file,
    expected: `vox_offset, where the voxels begin, from ${least} to ${2 ** 26}`,
    found: String(offset),
    next: 'repair the header',
  });
}

/** A slope that is 0 or not finite means: as stored. */
function readScale({ scl_slope: slope, scl_inter: inter }: NiftiHeader, file: string) {
  if (slope === 0 || !Number.isFinite(slope)) return { slope: 1, inter: 0 };
  if (Number.isFinite(inter)) return { slope, inter };
  return fail({
    where: file,
    expected: 'a finite scl_inter beside a usable scl_slope',
    found: `scl_slope ${slope}, scl_inter ${inter}`,
    next: 'repair the header',
  });
}

/** Spacing in mm; an axis that the volume does not have counts as 1. */
function readSpacing({ pixDims, xyzt_units: units }: NiftiHeader, file: string, rank: number) {
  const unit = millimetres(units);
  const sizes = [1, 2, 3].map((axis) => (axis > rank ? 1 / unit : Math.abs(pixDims[axis])));
  const [x, y, z] = sizes.map((d) => d * unit);
  const [least, most] = SPACINGS;
  // Judged as NIfTI-1 will hold them: what is read must still be good when it is written.
  if (sizes.every((d) => Math.fround(d) * unit >= least && Math.fround(d) * unit <= most))
    return [x, y, z] as const;
  return fail({
    where: file,
    expected: `a spacing above 0 along each axis (1e-4 to 1000 mm)`,
    found: `pixdim = [${pixDims.slice(1, 4).join(', ')}]${unit === 1 ? '' : ` in units of ${unit} mm`}`,
    next: 'repair the header',
  });
}
