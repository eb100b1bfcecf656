/** What operations do to a patch, side by side: the middle slice of each result, at stride one and two. */
import { plainPatch } from '../data/patches';
import type { PreparedCase } from '../data/preprocess';
import { fold, type Key } from '../engine/keys';
import { initialise, type Shape3 } from '../engine/model';
import { tf } from '../engine/tf';
import type { Operation } from '../paper/operations';
import { aboutForeground } from './augmented';
import { type DrawingFigure, drawing, type TableFigure, tableFigure } from './figure';
import { box, page, text } from './ink';
import { inkOn, operationColor } from './palette';
import { dataUri, png } from './png';
import type { Grid } from './slices';
import { GREYS } from './slices-svg';

/** Channels of the maps that the pictures come from; the first is shown. */
const CHANNELS = 2;

/** The result of one operation at one stride: its first channel. */
export interface Applied {
  readonly name: string;
  readonly stride: 1 | 2;
  readonly data: Float32Array;
  readonly shape: Shape3;
  /** Whether it has weights of its own, which are random here. */
  readonly trained: boolean;
}

/**
 * The first channel of a case about the middle of its foreground.
 *
 * @param prepared a case in memory
 * @param patch its sides, voxels
 */
export function foregroundPatch(prepared: PreparedCase, patch: Shape3): Grid {
  const { image } = plainPatch(prepared, aboutForeground(prepared, patch), patch);
  const data = image.filter((_, i) => i % prepared.channels === 0);
  return { data, shape: patch, spacing: prepared.spacing };
}

/**
 * Each operation on the patch at stride one and two, with weights as before training and no norm after pooling.
 *
 * @param operations candidates; those with weights get random ones
 * @param patch one channel; every channel of the map is this one
 * @param k key of the weights: an operation's depend on its name alone
 */
export function applyOperations(operations: readonly Operation[], { data, shape }: Grid, k: Key): Applied[] {
  const [X, Y, Z] = shape;
  const doubled = Float32Array.from(
    { length: CHANNELS * data.length },
    (_, i) => data[Math.floor(i / CHANNELS)],
  );
  return operations.flatMap((operation) =>
    ([1, 2] as const).map((stride) => {
      const built = operation.build({
        width: CHANNELS,
        stride,
        affine: false,
        poolNorm: false,
        identity: 'factorized reduce',
      });
      const named = built.parameters.map((p) => ({ ...p, group: operation.name }));
      const y = tf.tidy(() =>
        built.apply(tf.tensor5d(doubled, [1, X, Y, Z, CHANNELS]), initialise(named, fold(k, operation.name))),
      );
      const [, x2, y2, z2] = y.shape;
      const first = (y.dataSync() as Float32Array).filter((_, i) => i % CHANNELS === 0);
      y.dispose();
      return {
        name: operation.name,
        stride,
        data: first,
        shape: [x2, y2, z2],
        trained: built.parameters.length > 0,
      };
    }),
  );
}

/** Width of a picture at stride one, pixels, and pictures in a row. */
const [WIDTH, COLUMNS] = [112, 5];

/**
 * The patch and what each operation makes of it: the slice in the middle of y, a small picture beside it at stride two.
 *
 * Without weights the greys are those of the patch; with weights each picture has its own, from its least to its largest value.
 * @param patch what the operations were applied to
 * @param applied results of {@link applyOperations}
 */
export function appliedFigure(
  patch: Grid,
  applied: readonly Applied[],
  { title }: { readonly title: string },
): DrawingFigure {
  const names = [...new Set(applied.map((a) => a.name))];
  const [, , tall] = patch.shape;
  const scale = WIDTH / patch.shape[0];
  const high = (tall * scale * (patch.spacing?.[2] ?? 1)) / (patch.spacing?.[0] ?? 1);
  const [across, down] = [WIDTH * 1.5 + 20, high + 34];
  const own = range(middleSlice(patch));
  const tile = (name: string, i: number, top: number) => {
    const [x, y] = [12 + (i % COLUMNS) * across, top + 8 + Math.floor(i / COLUMNS) * down];
    const chip = name === '' ? '#444444' : operationColor(name);
    const head =
      box(x - 1, y, WIDTH * 1.5 + 6, 18, chip) +
      text(x + 5, y + 13, name || 'the patch', { color: inkOn(chip), weight: 'bold' });
    const shown: readonly Grid[] = name ? applied.filter((a) => a.name === name) : [patch];
    const pictures = shown.map((grid, k) => {
      const given = 'trained' in grid && grid.trained ? range(middleSlice(grid)) : own;
      const half = k === 0 ? 1 : 0.5;
      return picture(grid, given, x + k * (WIDTH + 4), y + 20, WIDTH * half, high * half);
    });
    return head + pictures.join('');
  };
  const caption =
    `The slice in the middle of y, first channel; beside each its result at stride two. ` +
    `Operations without weights keep the greys of the patch, those with weights (random ones) have their own.`;
  const tiles = ['', ...names];
  const height = Math.ceil(tiles.length / COLUMNS) * down + 8;
  const body = (top: number) => tiles.map((name, i) => tile(name, i, top)).join('');
  return drawing(page({ title, caption }, 12 + COLUMNS * across, height, body), { title, caption });
}

/** Values [z rows from the top, x] of the slice in the middle of y. */
function middleSlice({ data, shape: [X, Y, Z] }: Grid): Float32Array {
  const y = Y >> 1;
  return Float32Array.from(
    { length: X * Z },
    (_, i) => data[((i % X) * Y + y) * Z + (Z - 1 - Math.floor(i / X))],
  );
}

function range(values: Float32Array): readonly [number, number] {
  return values.reduce<readonly [number, number]>(
    ([low, high], v) => [Math.min(low, v), Math.max(high, v)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

function picture(
  grid: Grid,
  [low, high]: readonly [number, number],
  x: number,
  y: number,
  width: number,
  height: number,
): string {
  const grey = (v: number) => Math.min(255, Math.max(0, Math.round((255 * (v - low)) / (high - low || 1))));
  const pixels = Uint8Array.from(middleSlice(grid), grey);
  const file = dataUri(png(pixels, grid.shape[0], GREYS));
  return `<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${file}"/>`;
}

/** What each operation made of the patch, in numbers: over all voxels of the first channel. */
export function appliedTable(applied: readonly Applied[]): TableFigure {
  const rows = applied.map(({ name, stride, data, shape }) => {
    const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
    const square = data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length;
    const [low, high] = range(data);
    return [
      name,
      stride,
      shape.join(' × '),
      ...[mean, Math.sqrt(square), low, high].map((v) => v.toFixed(2).replace('-0.00', '0.00')),
    ];
  });
  return tableFigure(['operation', 'stride', 'shape', 'mean', 'deviation', 'least', 'largest'], rows, {
    title: 'The results in numbers',
    caption: 'Over all voxels of the first channel.',
  });
}
