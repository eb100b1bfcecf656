/** Round ticks, short numbers and wrapped lines: what every static chart needs. */

/** Numbers as people read them: three significant digits, no trailing zeros, exponents only where they help. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text =
    size >= 1e5 || size < 1e-3
      ? value
          .toExponential(2)
          .replace(/\.?0+e/, 'e')
          .replace('e+', 'e')
      : rounded(value);
  return text.replace('-', '−');
}

function rounded(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const text = value.toFixed(Math.min(digits, 6));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A whole number with commas between thousands. */
export const whole = (n: number) => Math.round(n).toLocaleString('en-GB');
/** A number in millions. */
export const million = (n: number) => `${short(n / 1e6)} M`;
/** So many of something, as in "1 case" and "2 cases". */
export const count = (n: number, noun: string) => `${whole(n)} ${noun}${n === 1 ? '' : 's'}`;

/** Round numbers that span [low, high], about `count` of them. */
export function ticks(low: number, high: number, count = 5): number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** 1, 2, 5, 10, 20, … within [low, high], low > 0; powers of ten alone over more than three of them. */
export function logTicks(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const steps = Math.log10(high / low) > 3 ? [1] : [1, 2, 5];
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    .flatMap((power) => steps.map((m) => Number(`${m}e${power}`)))
    .filter((v) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9));
}

/** The smallest and largest finite number, or [0, 1] where there is none. */
export function extent(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  return finite.reduce<[number, number]>(
    ([a, b], v) => [Math.min(a, v), Math.max(b, v)],
    [finite[0], finite[0]],
  );
}

/** A text as lines of at most `width` characters, broken at blanks. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The same, words that are wider than a line broken behind _ and - too. */
export function wrapNames(text: string, width: number): string[] {
  const words = text
    .split(/\s+/)
    .map((word) => (word.length > width ? word.replace(/([_-])/g, '$1 ') : word));
  return wrap(words.join(' '), width);
}

/** A text that is safe inside XML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);
}

/** At most `most` of the places 0 … count − 1, evenly, both ends among them. */
export function evenly(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
}
