/**
 * Colours: one for each operation and each class, the same in every figure, distinguishable with the common colour blindnesses.
 *
 * Okabe and Ito's palette (2008) with Tol's wine for the identity; a test holds that any two stay apart for protan, deutan and tritan eyes.
 */

/** The colour of each of the paper's operations, in the order of its list: one hue a family. */
const OPERATION_COLORS: Readonly<Record<string, string>> = {
  conv3: '#0072B2',
  sep2: '#D55E00',
  sep3: '#E69F00',
  sep4: '#F0E442',
  maxpool: '#009E73',
  avgpool: '#56B4E9',
  identity: '#882255',
  zero: '#C4C4C4',
};

/** For operations that a reader adds: Tol's muted set, chosen by name, so that a name keeps its colour. */
const FURTHER = ['#332288', '#CC79A7', '#117733', '#999933', '#AA4499', '#6B4C9A'];

/** Foreground classes 1, 2, 3, …; the background has none. */
const CLASS_COLORS = ['#E69F00', '#56B4E9', '#D55E00', '#009E73', '#CC79A7', '#F0E442', '#0072B2'];

/** Series of a chart, in order. */
const SERIES = ['#0072B2', '#D55E00', '#009E73', '#882255', '#E69F00', '#56B4E9', '#000000', '#CC79A7'];

/** Stops of cividis (Nuñez et al. 2018), from low to high: grey values stay ordered with any colour blindness. */
export const CIVIDIS: readonly string[] = [
  '#00224E',
  '#123570',
  '#3B496C',
  '#575D6D',
  '#707173',
  '#8A8678',
  '#A59C74',
  '#C3B369',
  '#E1CC55',
  '#FEE838',
];

/** The colour of an operation, by its name; an unknown name gets one of its own that depends on the name alone. */
export function operationColor(name: string): string {
  const known = OPERATION_COLORS[name];
  if (known) return known;
  const hash = Array.from(name).reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return FURTHER[hash % FURTHER.length];
}

/** Operation names in the paper's order, further ones behind. */
export function inPaperOrder(names: readonly string[]): string[] {
  const known = Object.keys(OPERATION_COLORS);
  const place = (name: string) => (known.includes(name) ? known.indexOf(name) : known.length);
  return [...names].sort((a, b) => place(a) - place(b));
}

/** The colour of class `k` ≥ 1. */
export function classColor(k: number): string {
  return CLASS_COLORS[(k - 1) % CLASS_COLORS.length];
}

/** The colour of the `i`-th series of a chart. */
export function seriesColor(i: number): string {
  return SERIES[i % SERIES.length];
}

/** Methods of the records, in the order of their colours. */
const METHODS = ['scnas', 'random', 'transfer', 'unet', 'uresnet', 'nnunet'];

/** The colour of a method, by its name in the records. */
export function methodColor(method: string): string {
  const at = METHODS.indexOf(method);
  return seriesColor(at < 0 ? METHODS.length : at);
}

/** Red, green and blue, 0 to 255 each, of `#rrggbb`. */
export function rgb(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** `#rrggbb` of three numbers from 0 to 255. */
export function hex(color: readonly number[]): string {
  return `#${color.map((v) => Math.round(v).toString(16).padStart(2, '0')).join('')}`;
}

/** Between two colours: `share` 0 gives the first, 1 the second. */
export function mix(from: string, to: string, share: number): string {
  const b = rgb(to);
  return hex(rgb(from).map((v, i) => v + (b[i] - v) * share));
}

/** The colour of a share from 0 to 1 on {@link CIVIDIS}. */
export function shade(share: number): string {
  const place = Math.min(1, Math.max(0, share)) * (CIVIDIS.length - 1);
  const i = Math.min(CIVIDIS.length - 2, Math.floor(place));
  return mix(CIVIDIS[i], CIVIDIS[i + 1], place - i);
}

/** Black or white, whichever is easier to read on the colour. */
export function inkOn(background: string): string {
  const [r, g, b] = rgb(background);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? '#000000' : '#FFFFFF';
}
