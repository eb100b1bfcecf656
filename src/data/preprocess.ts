/** From a case on disk to one that patches are drawn from: nonzero crop, resampling to a target spacing, normalisation of each channel. */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { boundingBox, cut, nonzeroMask } from './crop';
import type { RawCase } from './msd';
import type { Geometry } from './nifti';
import { MOST_VALUES } from './nifti-header';
import { type Normalisation, normaliseChannel } from './normalise';
import { coarseAxis, resampledShape, resampleImage, resampleLabel, type Spacing } from './resample';

/** Raised whenever the same volume and the same {@link Preprocessing} give other numbers than before. */
export const PREPROCESS_VERSION = 1;

/** What decides a prepared case, beside the volume itself. */
export interface Preprocessing {
  /** Target spacing, mm; `native` leaves each volume on its own grid. */
  readonly spacing: 'native' | Spacing;
  /** Statistics come from the nonzero mask and voxels outside it become 0: nnU-Net's rule where cropping took away more than a quarter. */
  readonly maskStatistics: boolean;
  /** The rule of each channel; an empty list: z-normalisation for all. */
  readonly channels: readonly Normalisation[];
}

/** Each volume on its own grid, z-normalised. */
export const native: Preprocessing = { spacing: 'native', maskStatistics: false, channels: [] };

/** A case that is ready for training. Flat indices and arrays are those of the prepared grid, [x, y, z(, c)] in C order. */
export interface PreparedCase {
  readonly id: string;
  readonly shape: Shape3;
  readonly channels: number;
  readonly image: Float32Array;
  /** Classes; −1 where the label is 0 outside the nonzero mask. */
  readonly label?: Int8Array;
  /** For each class the flat indices of its voxels; the background's list stays empty, since no patch is centred on it. */
  readonly classVoxels: readonly Uint32Array[];
  /** mm a voxel of the prepared grid, as planned; the extent of the box in mm is that of the box on disk. */
  readonly spacing: Spacing;
  readonly crop: Crop;
  readonly geometry: Geometry;
}

/** Where a prepared case lies in the volume on disk. */
export interface Crop {
  /** The box's first voxel, and the whole volume's shape. */
  readonly origin: Shape3;
  readonly shape: Shape3;
  /** The box's voxels on disk; the prepared case's own shape where nothing was resampled. */
  readonly box: Shape3;
  /** The axis that was resampled apart, if one was. */
  readonly coarse?: 0 | 1 | 2;
}

/**
 * Crops a case to its nonzero region, puts it on the target spacing and normalises each channel.
 *
 * `classes` counts the background. Resampling comes before normalisation; the mask is resampled as a class of its own. A label that is 0
 * outside the mask becomes −1 before it is resampled, and another label there stays.
 * Errors: a ScnasError for a volume without a nonzero voxel, and where the rules are not one a channel. Source: nnU-Net v1.
 * Departs from nnU-Net: its mask is label ≥ 0, so it knows of foreground labels on zero voxels; here the mask is the image's alone, the
 * same with and without a label.
 */
export function prepareCase(raw: RawCase, classes: number, how: Preprocessing = native): PreparedCase {
  const { spacing: from, channels } = raw;
  const where = raw.file ?? raw.id;
  if (how.channels.length > 0 && how.channels.length !== channels)
    fail({
      where,
      expected: `${how.channels.length} channels, as the plan has rules of intensity for`,
      found: String(channels),
      next: 'give the modalities that were planned, or plan this data set anew',
    });
  const whole = nonzeroMask(raw.image, raw.shape, channels);
  const box =
    boundingBox(whole, raw.shape) ??
    fail({
      where,
      expected: 'a voxel other than 0',
      found: 'none',
      next: 'correct the volume, or leave its case out of dataset.json',
    });
  const mask = cut(whole, raw.shape, 1, box);
  const target = how.spacing === 'native' ? from : how.spacing;
  const shape = how.spacing === 'native' ? box.shape : resampledShape(box.shape, from, target);
  if (shape[0] * shape[1] * shape[2] * channels > MOST_VALUES)
    fail({
      where,
      expected: `at most ${MOST_VALUES} values at a spacing of ${target.join(' × ')} mm`,
      found: `${shape.join(' × ')} × ${channels}, from a spacing of ${from.join(' × ')} mm`,
      next: "correct the spacing in the volume's header, or plan with a coarser one",
    });
  const coarse = coarseAxis(from, target);
  const resampled = shape.some((n, axis) => n !== box.shape[axis]);
  const image = resampleImage(cut(raw.image, raw.shape, channels, box), box.shape, channels, shape, coarse);
  const inside = how.maskStatistics ? resampledMask(mask, box.shape, shape, coarse) : undefined;
  for (let c = 0; c < channels; c++)
    normaliseChannel(image, c, channels, how.channels[c] ?? { scheme: 'z' }, inside);
  const label =
    raw.label &&
    resampleLabel(withOutside(cut(raw.label, raw.shape, 1, box), mask), box.shape, shape, coarse);
  return {
    id: raw.id,
    shape,
    channels,
    image,
    label,
    classVoxels: voxelsByClass(label, classes),
    spacing: target,
    crop: {
      origin: box.origin,
      shape: raw.shape,
      box: box.shape,
      ...(resampled && coarse !== undefined ? { coarse } : {}),
    },
    geometry: raw.geometry,
  };
}

function resampledMask(
  mask: Uint8Array,
  shape: Shape3,
  to: Shape3,
  coarse: 0 | 1 | 2 | undefined,
): Int8Array {
  return resampleLabel(new Int8Array(mask.buffer, mask.byteOffset, mask.length), shape, to, coarse);
}

function withOutside(label: Uint8Array, mask: Uint8Array): Int8Array {
  return Int8Array.from(label, (value, i) => (value === 0 && mask[i] === 0 ? -1 : value));
}

function voxelsByClass(label: Int8Array | undefined, classes: number): Uint32Array[] {
  const counts = new Uint32Array(classes);
  for (const value of label ?? []) if (value > 0) counts[value]++;
  const lists = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  label?.forEach((value, i) => {
    if (value > 0) lists[value][counts[value]++] = i;
  });
  return lists;
}
