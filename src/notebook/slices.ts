/** The slice viewer's record from volumes: which slices, how grey, how much fits. */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import type { SlicesFigure } from './figure';

/** A volume's values in C order (z fastest) and its shape [x, y, z]. */
export interface Grid {
  readonly data: ArrayLike<number>;
  readonly shape: Shape3;
  /** Voxel size [x, y, z] in mm; 1 mm if absent. */
  readonly spacing?: readonly number[];
}

export interface SliceOptions {
  readonly title?: string;
  readonly caption?: string;
  /** Across which axis to cut: z (axial) unless told. */
  readonly axis?: 'x' | 'y' | 'z';
  /** Label maps by name, each [x · y · z] on the image's grid: a panel each. */
  readonly overlays?: Readonly<Record<string, ArrayLike<number>>>;
  /** Numbers by name, each [x · y · z] on the image's grid: a panel in colours each, behind the label maps. */
  readonly maps?: Readonly<Record<string, ArrayLike<number>>>;
  /** What the ends of their colours stand for; 0 and the largest number unless told. */
  readonly range?: readonly [number, number];
  /** Names of the classes, the background first. */
  readonly classes?: readonly string[];
  /** At most so many slices. */
  readonly maxSlices?: number;
}

/** Pixels over all panels and slices: keeps a figure under about 0.6 MB in a saved notebook. */
const PIXEL_BUDGET = 400_000;

/**
 * A viewer with a slider through the slices of a volume: the image, a panel for each label map over it, and one for each map of numbers.
 *
 * @param volume image [x, y, z], any intensity; shown between its 1st and 99th percentile
 * @throws ScnasError where a map has another number of voxels
 */
export function sliceFigure(volume: Grid, options: SliceOptions = {}): SlicesFigure {
  const { axis = 'z', overlays = {}, maps = {}, classes = ['background'], maxSlices = 64 } = options;
  const { shape, data, spacing = [1, 1, 1] } = volume;
  const across = 'xyz'.indexOf(axis);
  const [u, v] = [0, 1, 2].filter((a) => a !== across);
  const [labels, numbers] = [Object.entries(overlays), Object.entries(maps)];
  for (const [name, map] of [...labels, ...numbers]) {
    if (map.length !== data.length) {
      fail({
        where: `sliceFigure, overlay ${name}`,
        expected: `${data.length} voxels (${shape.join(' × ')})`,
        found: `${map.length}`,
        next: 'give a map on the image’s own grid',
      });
    }
  }
  const pixels = shape[u] * shape[v] * (1 + labels.length + numbers.length);
  const room = Math.max(1, Math.min(maxSlices, Math.floor(PIXEL_BUDGET / pixels)));
  const every = Math.ceil(shape[across] / room);
  const indices = Array.from({ length: Math.ceil(shape[across] / every) }, (_, i) => i * every);
  const cut = (source: ArrayLike<number>, index: number, level: (value: number) => number) =>
    slice(source, shape, across, index, level);
  const grey = window(data);
  const classOf = (value: number) => Math.max(0, value);
  const overlaid = labels.map(([name, map]) => ({ name, slices: indices.map((i) => cut(map, i, classOf)) }));
  // Opens where there is most of the first label map: the truth, where it stands before predictions.
  const foreground = indices.map((_, i) => (overlaid.length > 0 ? count(overlaid[0].slices[i]) : 0));
  const most = Math.max(...foreground);
  const range = options.range ?? [0, largest(numbers.map(([, map]) => map))];
  const share = (value: number) =>
    Math.round(255 * Math.min(1, Math.max(0, (value - range[0]) / (range[1] - range[0] || 1))));
  const coloured = numbers.map(([name, map]) => ({
    name,
    slices: indices.map((i) => cut(map, i, share)),
    range,
  }));
  const note = every > 1 ? ` Every ${every}${every === 2 ? 'nd' : every === 3 ? 'rd' : 'th'} slice.` : '';
  return {
    kind: 'slices',
    title: options.title ?? `Slices across ${axis}`,
    caption: (options.caption ?? `${shape.join(' × ')} voxels, cut across ${axis}.`) + note,
    width: shape[u],
    height: shape[v],
    aspect: spacing[v] / spacing[u],
    indices,
    axis,
    start: most > 0 ? foreground.indexOf(most) : indices.length >> 1,
    image: indices.map((i) => cut(data, i, grey)),
    overlays: [...overlaid, ...coloured],
    classes,
  };
}

function slice(
  source: ArrayLike<number>,
  shape: Shape3,
  across: number,
  index: number,
  level: (value: number) => number,
): Uint8Array {
  const strides = [shape[1] * shape[2], shape[2], 1];
  const [u, v] = [0, 1, 2].filter((a) => a !== across);
  const out = new Uint8Array(shape[u] * shape[v]);
  for (let j = 0; j < shape[v]; j++) {
    for (let i = 0; i < shape[u]; i++) {
      out[j * shape[u] + i] = level(source[index * strides[across] + i * strides[u] + j * strides[v]]);
    }
  }
  return out;
}

/** Grey value of an intensity: 0 at the 1st percentile, 255 at the 99th. */
function window(data: ArrayLike<number>): (value: number) => number {
  const step = Math.max(1, Math.floor(data.length / 20_000));
  const sample = Array.from({ length: Math.ceil(data.length / step) }, (_, i) => data[i * step]).sort(
    (a, b) => a - b,
  );
  const low = sample[Math.floor(0.01 * (sample.length - 1))];
  const high = sample[Math.ceil(0.99 * (sample.length - 1))];
  const scale = 255 / (high - low || 1);
  return (value) => Math.min(255, Math.max(0, Math.round((value - low) * scale)));
}

function largest(maps: readonly ArrayLike<number>[]): number {
  let found = 0;
  for (const map of maps) for (let i = 0; i < map.length; i++) found = Math.max(found, map[i]);
  return found;
}

function count(labels: Uint8Array): number {
  return labels.reduce((n, label) => n + (label > 0 ? 1 : 0), 0);
}
