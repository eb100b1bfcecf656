/**
 * A figure is one readonly record; {@link toPlotly}, {@link toSvg}, {@link toText} and {@link toHtml} read it. Made here, drawn elsewhere.
 */
import { seriesColor } from './palette';

interface Titled {
  readonly title: string;
  /** One sentence that says what to see; stands under the picture. */
  readonly caption: string;
}

/** One line of a chart: y over x. */
export interface Line {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly color: string;
  /** Drawn as points that no line joins, and left out of the legend: measured beside what was computed. */
  readonly points?: boolean;
}

export interface LinesFigure extends Titled {
  readonly kind: 'lines';
  readonly series: readonly Line[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly logX: boolean;
  readonly logY: boolean;
}

/** Numbers [rows][columns] as colours. */
export interface HeatPanel {
  readonly title: string;
  readonly values: readonly (readonly number[])[];
}

export interface HeatFigure extends Titled {
  readonly kind: 'heat';
  readonly panels: readonly HeatPanel[];
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** What a colour stands for, with its unit. */
  readonly scale: string;
  readonly range: readonly [number, number];
}

/** Bars side by side, one for each category; `errors` are half lengths of whiskers. */
export interface BarSeries {
  readonly name: string;
  readonly values: readonly number[];
  readonly errors?: readonly number[];
  /** One colour, or one for each category. */
  readonly colors: readonly string[];
}

export interface BarsFigure extends Titled {
  readonly kind: 'bars';
  readonly categories: readonly string[];
  readonly series: readonly BarSeries[];
  readonly yTitle: string;
  /** Whether the series of a category stand on one another. */
  readonly stacked?: boolean;
}

/** One measure of a tornado: a value for each category, NaN where there is none; `errors` are half lengths of whiskers. */
export interface TornadoPanel {
  readonly title: string;
  readonly values: readonly number[];
  readonly errors: readonly number[];
}

/** Changes as bars to the left and right of nothing, the largest first; panels share their categories. */
export interface TornadoFigure extends Titled {
  readonly kind: 'tornado';
  readonly categories: readonly string[];
  readonly panels: readonly TornadoPanel[];
}

export interface HistogramFigure extends Titled {
  readonly kind: 'histogram';
  /** Bin borders, one more than counts. */
  readonly borders: readonly number[];
  readonly series: readonly {
    readonly name: string;
    readonly shares: readonly number[];
    readonly color: string;
  }[];
  readonly xTitle: string;
}

/**
 * A panel beside the picture, in the order of {@link SlicesFigure.image}: a class a pixel, laid over the grey values; or, with `range`, a number
 * a pixel in colours of its own, 0 to 255 from one end of the range to the other.
 */
export interface Overlay {
  readonly name: string;
  readonly slices: readonly Uint8Array[];
  readonly range?: readonly [number, number];
}

/** Slices of a volume, each [height · width], rows from the bottom up (upwards in the world is upwards in the picture). */
export interface SlicesFigure extends Titled {
  readonly kind: 'slices';
  readonly width: number;
  readonly height: number;
  /** Height of a voxel over its width. */
  readonly aspect: number;
  /** Index of each shown slice in the volume. */
  readonly indices: readonly number[];
  readonly axis: 'x' | 'y' | 'z';
  /** Place in `indices` of the slice that is shown first. */
  readonly start: number;
  /** Grey values 0 to 255. */
  readonly image: readonly Uint8Array[];
  readonly overlays: readonly Overlay[];
  /** Names of the classes, the background first. */
  readonly classes: readonly string[];
}

/** A picture drawn elsewhere, as SVG: a cell, a network. */
export interface DrawingFigure extends Titled {
  readonly kind: 'drawing';
  readonly svg: string;
}

/** Drawings of one size, one shown at a time; a slider chooses. */
export interface FilmFigure extends Titled {
  readonly kind: 'film';
  /** What the slider counts, as in `epoch`. */
  readonly slider: string;
  readonly frames: readonly { readonly label: string; readonly svg: string }[];
  /** Place of the frame that is shown first, and alone in a still picture. */
  readonly start: number;
}

export interface TableFigure extends Titled {
  readonly kind: 'table';
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

export type Figure =
  | LinesFigure
  | HeatFigure
  | BarsFigure
  | TornadoFigure
  | HistogramFigure
  | SlicesFigure
  | DrawingFigure
  | FilmFigure
  | TableFigure;

/** What a chart may be told; the rest has defaults. */
export interface ChartOptions {
  readonly title: string;
  readonly caption?: string;
  readonly xTitle?: string;
  readonly yTitle?: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** Names of the x values (bars). */
  readonly categories?: readonly string[];
  /** By series name. */
  readonly colors?: Readonly<Record<string, string>>;
  /** Names of series of points (lines). */
  readonly points?: readonly string[];
  /** Bins of a histogram. */
  readonly bins?: number;
}

/**
 * Loss curves and the like: one line a series.
 *
 * @param series numbers by name, over 1, 2, 3, …; or {x, y}
 */
export function lineFigure(
  series: Readonly<
    Record<string, readonly number[] | { readonly x: readonly number[]; readonly y: readonly number[] }>
  >,
  {
    title,
    caption = '',
    xTitle = 'step',
    yTitle = '',
    logX = false,
    logY = false,
    colors = {},
    points = [],
  }: ChartOptions,
): LinesFigure {
  const lines = Object.entries(series).map(([name, given], i) => {
    const { x, y } = 'x' in given ? given : { x: given.map((_, k) => k + 1), y: given };
    const look = points.includes(name) ? { points: true } : {};
    return { name, x: [...x], y: [...y], color: colors[name] ?? seriesColor(i), ...look };
  });
  return { kind: 'lines', title, caption, series: lines, xTitle, yTitle, logX, logY };
}

/** Bars: `series` gives numbers by name, one for each of `options.categories`. */
export function barFigure(
  series: Readonly<Record<string, readonly number[]>>,
  { title, caption = '', yTitle = '', categories = [], colors = {} }: ChartOptions,
): BarsFigure {
  const bars = Object.entries(series).map(([name, values], i) => ({
    name,
    values: [...values],
    colors: [colors[name] ?? seriesColor(i)],
  }));
  return { kind: 'bars', title, caption, categories, series: bars, yTitle };
}

/** Histograms on common bins, as shares of each sample, so that samples of unlike size compare. */
export function histogramFigure(
  samples: Readonly<Record<string, ArrayLike<number>>>,
  { title, caption = '', xTitle = '', bins = 30, colors = {} }: ChartOptions,
): HistogramFigure {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const values of Object.values(samples)) {
    for (let i = 0; i < values.length; i++) {
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
    }
  }
  const width = (high - low || 1) / bins;
  const borders = Array.from({ length: bins + 1 }, (_, i) => low + i * width);
  const series = Object.entries(samples).map(([name, values], i) => {
    const shares = new Array<number>(bins).fill(0);
    for (let k = 0; k < values.length; k++) {
      shares[Math.min(bins - 1, Math.floor((values[k] - low) / width))] += 1 / values.length;
    }
    return { name, shares, color: colors[name] ?? seriesColor(i) };
  });
  return { kind: 'histogram', title, caption, borders, series, xTitle };
}

/** Numbers as colours: panels [rows][columns] by name, on one scale. */
export function heatFigure(
  panels: Readonly<Record<string, readonly (readonly number[])[]>>,
  options: {
    readonly title: string;
    readonly caption?: string;
    readonly rows: readonly string[];
    readonly columns: readonly string[];
    readonly scale: string;
    readonly range?: readonly [number, number];
  },
): HeatFigure {
  const { title, caption = '', rows, columns, scale } = options;
  const all = Object.values(panels).flat(2);
  const range = options.range ?? [Math.min(...all), Math.max(...all)];
  return {
    kind: 'heat',
    title,
    caption,
    rows,
    columns,
    scale,
    range,
    panels: Object.entries(panels).map(asPanel),
  };
}

const asPanel = ([title, values]: [string, readonly (readonly number[])[]]): HeatPanel => ({ title, values });

/** Rows under column names; numbers are shown with three significant digits. */
export function tableFigure(
  columns: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  { title, caption = '' }: Pick<ChartOptions, 'title' | 'caption'>,
): TableFigure {
  return { kind: 'table', title, caption, columns, rows };
}

/** An SVG with a title and a caption. */
export function drawing(
  svg: string,
  { title, caption = '' }: Pick<ChartOptions, 'title' | 'caption'>,
): DrawingFigure {
  return { kind: 'drawing', title, caption, svg };
}
