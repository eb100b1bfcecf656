/** From a case on disk to one that patches are drawn from: nonzero crop, then z-normalisation of each channel. */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { boundingBox, cut, nonzeroMask } from './crop';
import type { RawCase } from './msd';
import type { Geometry } from './nifti';

/** A case that is ready for training. Flat indices and arrays are those of the cropped box, [x, y, z(, c)] in C order. */
export interface PreparedCase {
  readonly id: string;
  readonly shape: Shape3;
  readonly channels: number;
  readonly image: Float32Array;
  /** Classes; −1 where the label is 0 outside the nonzero mask. */
  readonly label?: Int8Array;
  /** For each class the flat indices of its voxels; the background's list stays empty, since no patch is centred on it. */
  readonly classVoxels: readonly Uint32Array[];
  readonly spacing: readonly [number, number, number];
  /** Where the box lies in the volume on disk, and that volume's shape. */
  readonly crop: { readonly origin: Shape3; readonly shape: Shape3 };
  readonly geometry: Geometry;
}

/**
 * Crops a case to its nonzero region and normalises each channel: (x − mean) / (sd + 1e-8).
 *
 * `classes` counts the background. `useMask`: statistics come from the nonzero mask and voxels outside it become 0
 * (nnU-Net's rule where cropping took away more than a quarter); otherwise from the whole box.
 * Errors: a ScnasError for a volume without a nonzero voxel. Source: nnU-Net v1.
 */
export function prepareCase(raw: RawCase, classes: number, useMask = false): PreparedCase {
  const whole = nonzeroMask(raw.image, raw.shape, raw.channels);
  const box =
    boundingBox(whole, raw.shape) ??
    fail({
      where: raw.id,
      expected: 'a voxel other than 0',
      found: 'none',
      next: 'leave the case out of dataset.json',
    });
  const mask = cut(whole, raw.shape, 1, box);
  const image = cut(raw.image, raw.shape, raw.channels, box);
  for (let c = 0; c < raw.channels; c++) normalise(image, c, raw.channels, useMask ? mask : undefined);
  const label = raw.label && withOutside(cut(raw.label, raw.shape, 1, box), mask);
  return {
    id: raw.id,
    shape: box.shape,
    channels: raw.channels,
    image,
    label,
    classVoxels: voxelsByClass(label, classes),
    spacing: raw.spacing,
    crop: { origin: box.origin, shape: raw.shape },
    geometry: raw.geometry,
  };
}

function normalise(
  image: Float32Array,
  channel: number,
  channels: number,
  mask: Uint8Array | undefined,
): void {
  const n = image.length / channels;
  let count = 0;
  let sum = 0;
  for (let i = 0; i < n; i++)
    if (!mask || mask[i]) {
      sum += image[i * channels + channel];
      count++;
    }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < n; i++) if (!mask || mask[i]) squares += (image[i * channels + channel] - mean) ** 2;
  const scale = Math.sqrt(squares / count) + 1e-8;
  for (let i = 0; i < n; i++) {
    const at = i * channels + channel;
    image[at] = !mask || mask[i] ? (image[at] - mean) / scale : 0;
  }
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
