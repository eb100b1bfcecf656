/** What augmentation does: one case's patch before and after each transform, at the ends of its range, and as training would draw it. */
import { applyGamma, augmentRanges, coarsePatchAxis, deformedPatch, drawAugmentation } from '../data/augment';
import type { Deformation } from '../data/augment-places';
import { originRange, plainPatch } from '../data/patches';
import type { PreparedCase } from '../data/preprocess';
import { fold, type Key } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import { type DrawingFigure, drawing } from './figure';
import { box, legend, page, text } from './ink';
import { classColor } from './palette';
import { dataUri, png } from './png';
import { composed, GREYS, TINTS } from './slices-svg';

/** One version of a patch: `image` [x, y, z, c] and `label` [x, y, z] in C order, −1 where nothing is known. */
export interface AugmentedPatch {
  readonly name: string;
  readonly image: Float32Array;
  readonly label: Int8Array;
}

/** Patches beside each other in a row. */
const COLUMNS = 5;
/** Width of a picture, pixels. */
const WIDTH = 132;

/**
 * The patch about the middle of a case's foreground: as it is; bent, turned, scaled, with gamma, mirrored, each as strongly as training may draw
 * it; and twice as training draws it.
 *
 * @param prepared a case in memory
 * @param patch its sides, voxels
 * @param k decides the elastic noise and the drawn versions
 */
export function augmentedPatches(prepared: PreparedCase, patch: Shape3, k: Key): AugmentedPatch[] {
  const { elastic, rotation, scale, gamma } = augmentRanges;
  const plane = coarsePatchAxis(patch) !== undefined;
  const angle = plane ? rotation.angleInPlane / 4 : rotation.angle;
  const degrees = Math.round((angle * 180) / Math.PI);
  const alpha = (plane ? elastic.alphaInPlane : elastic.alpha)[1];
  const sigma = elastic.sigma[0];
  const origin = aboutForeground(prepared, patch);
  const made = (
    name: string,
    deformation?: Deformation,
    exponent?: readonly number[],
    flips = [false, false, false],
  ) => {
    const { image, label } = deformation
      ? deformedPatch(prepared, origin, patch, deformation, flips, k)
      : plainPatch(prepared, origin, patch, flips);
    if (exponent) applyGamma(image, exponent);
    return { name, image, label };
  };
  const each = (exponent: number) => Array.from({ length: prepared.channels }, () => exponent);
  const drawn = (i: number) => {
    const { deformation, gamma: exponents } = drawnOne(patch, prepared.channels, fold(k, i));
    return made(`as training draws it, ${i}`, deformation, exponents, [i === 1, i === 2, false]);
  };
  return [
    made('as it is'),
    made(`elastic, α ${alpha}, σ ${sigma}`, { elastic: { alpha, sigma } }),
    made(`turned by ${degrees}°${plane ? '' : ' each'}`, {
      angles: plane ? [angle, 0, 0] : [angle, angle, angle],
    }),
    made(`scale ${scale.range[0]}: larger`, { scale: scale.range[0] }),
    made(`scale ${scale.range[1]}: smaller`, { scale: scale.range[1] }),
    ...gamma.range.map((exponent) => made(`gamma ${exponent}`, undefined, each(exponent))),
    made('mirrored along x', undefined, undefined, [true, false, false]),
    drawn(1),
    drawn(2),
  ];
}

/** The first drawing by the key that deforms and changes the gamma: most do neither. */
function drawnOne(patch: Shape3, channels: number, k: Key): ReturnType<typeof drawAugmentation> {
  for (let i = 0; ; i++) {
    const drawn = drawAugmentation(patch, channels, fold(k, 'picture', i));
    if (drawn.deformation && drawn.gamma) return drawn;
  }
}

/** The patch whose centre is the foreground's, as far as patches may lie; the case's centre where there is none. */
export function aboutForeground({ shape, label }: PreparedCase, patch: Shape3): Shape3 {
  const [, Y, Z] = shape;
  const sums = [0, 0, 0, 0];
  label?.forEach((value, i) => {
    if (value <= 0) return;
    const voxel = [Math.floor(i / (Y * Z)), Math.floor(i / Z) % Y, i % Z, 1];
    for (let a = 0; a < 4; a++) sums[a] += voxel[a];
  });
  const corner = (axis: 0 | 1 | 2) => {
    const centre = sums[3] > 0 ? sums[axis] / sums[3] : shape[axis] / 2;
    const [low, high] = originRange(shape[axis], patch[axis]);
    return Math.min(high, Math.max(low, Math.round(centre) - Math.floor(patch[axis] / 2)));
  };
  return [corner(0), corner(1), corner(2)];
}

/**
 * {@link augmentedPatches} as a picture: the middle slice of each, first channel, and below it the same with its labels.
 *
 * Slices lie across z, or across a coarse axis, out of which nothing moves. All share one scale of greys, that of the patch as it is.
 * @param prepared a case in memory
 * @param patch its sides, voxels
 * @param options names of the classes, background first; the key
 */
export function augmentedFigure(
  prepared: PreparedCase,
  patch: Shape3,
  { classes, key: k }: { readonly classes: readonly string[]; readonly key: Key },
): DrawingFigure {
  const patches = augmentedPatches(prepared, patch, k);
  const across = coarsePatchAxis(patch) ?? 2;
  const [u, v] = [0, 1, 2].filter((axis) => axis !== across);
  const grey = greysOf(patches[0].image, prepared.channels);
  const scale = WIDTH / patch[u];
  const [width, height] = [WIDTH, (patch[v] * scale * prepared.spacing[v]) / prepared.spacing[u]];
  const row = 2 * height + 30;
  const title = `Augmentation of ${prepared.id}`;
  const caption = `Middle slice of a patch of ${patch.join(' × ')} voxels, the first channel; below with its labels. Each transform at an end of the range that training draws from.`;
  const rows = Math.ceil(patches.length / COLUMNS);
  const whole = 24 + COLUMNS * (width + 12);
  const body = (top: number) =>
    legend(
      classes.slice(1).map((name, c) => ({ name, color: classColor(c + 1) })),
      12,
      top + 8,
      whole - 24,
    ) +
    patches
      .map(({ name, image, label }, i) => {
        const x = 12 + (i % COLUMNS) * (width + 12);
        const y = top + 34 + Math.floor(i / COLUMNS) * row;
        const slice = sliceOf(patch, across, (voxel) => grey(image[voxel * prepared.channels]));
        const labels = sliceOf(patch, across, (voxel) => Math.max(0, label[voxel]));
        return (
          text(x + width / 2, y - 5, name, { anchor: 'middle' }) +
          picture(slice, patch[u], GREYS, x, y, width, height) +
          picture(composed(slice, labels), patch[u], TINTS, x, y + height + 2, width, height)
        );
      })
      .join('');
  return drawing(page({ title, caption }, whole, 34 + rows * row, body), { title, caption });
}

/** The grey of an intensity: black at the 1st percentile of the first channel, white at the 99th. */
function greysOf(image: Float32Array, channels: number): (value: number) => number {
  const values = image.filter((_, i) => i % channels === 0).sort();
  const [low, high] = [0.01, 0.99].map((share) => values[Math.round(share * (values.length - 1))]);
  return (value) => Math.min(255, Math.max(0, Math.round((255 * (value - low)) / (high - low || 1))));
}

/** The middle slice, rows from the top: the second of its axes downwards from its end. */
function sliceOf(patch: Shape3, across: number, valueAt: (voxel: number) => number): Uint8Array {
  const strides = [patch[1] * patch[2], patch[2], 1];
  const [u, v] = [0, 1, 2].filter((axis) => axis !== across);
  const middle = (patch[across] >> 1) * strides[across];
  return Uint8Array.from({ length: patch[u] * patch[v] }, (_, i) => {
    const [column, line] = [i % patch[u], patch[v] - 1 - Math.floor(i / patch[u])];
    return valueAt(middle + column * strides[u] + line * strides[v]);
  });
}

function picture(
  pixels: Uint8Array,
  columns: number,
  palette: readonly string[],
  x: number,
  y: number,
  width: number,
  height: number,
): string {
  const file = dataUri(png(pixels, columns, palette));
  return `${box(x - 1, y - 1, width + 2, height + 2, '#000')}<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${file}"/>`;
}
