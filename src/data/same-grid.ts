/** Whether two volumes of one shape lie in the same place: a label map that does not is of another image, or mirrored. */
import { affineOf, type Geometry, millimetres } from './geometry';
import type { VolumeFacts } from './nifti-header';

/** Volumes may lie apart by this part of a voxel: headers round, and half a voxel would hit the neighbour. */
const TOLERANCE = 0.5;

/**
 * How the grids of two volumes of one shape differ, in words; undefined where they agree within half a voxel.
 *
 * Rule: along each axis |spacing − spacing'| · n ≤ ½ spacing, and no corner of the volume lies more than half of the smallest
 * spacing away from where the other header puts it. A header without a usable affine is compared by its spacing alone.
 * Departs from nnU-Net, which wants equal numbers, and then only warns.
 */
export function gridDifference(a: VolumeFacts, b: VolumeFacts): string | undefined {
  if (a.spacing.some((d, axis) => Math.abs(d - b.spacing[axis]) * a.shape[axis] > TOLERANCE * d))
    return `spacing ${b.spacing.map(short).join(' × ')} mm`;
  const [ours, theirs] = [a, b].map(({ geometry }) => affineInMillimetres(geometry));
  if (!ours || !theirs) return undefined;
  const ends = a.shape.map((n) => [0, n - 1]);
  const corners = ends[0].flatMap((x) => ends[1].flatMap((y) => ends[2].map((z) => [x, y, z])));
  const farthest = Math.max(...corners.map((corner) => distance(at(ours, corner), at(theirs, corner))));
  return farthest <= TOLERANCE * Math.min(...a.spacing)
    ? undefined
    : `a grid of which a corner lies ${short(farthest)} mm away`;
}

function affineInMillimetres(geometry: Geometry): number[] | undefined {
  return affineOf(geometry)?.map((v) => v * millimetres(geometry.units));
}

function at(affine: readonly number[], [x, y, z]: readonly number[]): number[] {
  return [0, 4, 8].map((i) => affine[i] * x + affine[i + 1] * y + affine[i + 2] * z + affine[i + 3]);
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.hypot(...a.map((v, i) => v - b[i]));
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
