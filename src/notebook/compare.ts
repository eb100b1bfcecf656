/** Whether a notebook still shows what the committed one shows. */
import { joined, type Notebook, type NotebookCell, printed } from './execute';
import { promiseOf } from './promise';

const NUMBER = /[−-]?\d+(?:\.\d+)?(?:e[−-]?\d+)?/g;

/** All that a cell says in text: what it printed, then each figure's text. */
export function said(cell: NotebookCell): string {
  const figures = (cell.outputs ?? []).flatMap((o) =>
    o.data ? [joined(o.data['text/plain'] as string)] : [],
  );
  return [printed(cell), ...figures].join('\n').trim();
}

const read = (text: string) => Number(text.replace(/−/g, '-'));

/** A unit in the last digit that a number shows; 0 for a whole number. */
function lastDigit(text: string): number {
  const [mantissa, exponent] = text.replace(/−/g, '-').split('e');
  const decimals = mantissa.split('.')[1]?.length ?? 0;
  return decimals === 0 && exponent === undefined ? 0 : 10 ** (Number(exponent ?? 0) - decimals);
}

/** Whether two numbers as shown are equal: to 1e-4, or to a unit of the last digit; whole numbers exactly. */
function sameNumber(then: string, now: string): boolean {
  const [a, b] = [read(then), read(now)];
  const shown = Math.max(lastDigit(then), lastDigit(now));
  const tolerance = shown === 0 ? 0 : Math.max(1e-4 * Math.abs(a), 1.001 * shown);
  return Math.abs(a - b) <= tolerance;
}

/** A text without its numbers, and without the blanks and rules whose lengths follow from them in a table. */
const wordsOf = (text: string) => text.replace(NUMBER, '#').replace(/[ ─]+/g, ' ');

/** How two texts differ, in words; empty if they say the same. */
export function textDifference(then: string, now: string, numbers: boolean): string {
  if (wordsOf(then) !== wordsOf(now)) return `words differ: ${firstChange(then, now)}`;
  if (!numbers) return '';
  const [a, b] = [then, now].map((text) => text.match(NUMBER) ?? []);
  const i = a.findIndex((value, k) => !sameNumber(value, b[k]));
  return i < 0 ? '' : `number ${i + 1}: ${a[i]} committed, ${b[i]} now`;
}

function firstChange(then: string, now: string): string {
  const [a, b] = [then, now].map((text) => text.split('\n'));
  const i = a.findIndex((line, k) => wordsOf(line) !== wordsOf(b[k] ?? ''));
  return i < 0 ? `more lines: ${b.slice(a.length).join(' / ')}` : `"${a[i]}" committed, "${b[i] ?? ''}" now`;
}

/** What is outside the bounds that a cell promises. */
export function outOfBounds(cell: NotebookCell): string[] {
  const words = said(cell);
  return Object.entries(promiseOf(cell).bounds ?? {}).flatMap(([before, [low, high]]) => {
    const at = words.indexOf(before);
    const found = at < 0 ? undefined : words.slice(at + before.length).match(NUMBER)?.[0];
    if (found === undefined) return [`no number behind "${before}"`];
    const value = read(found);
    return value >= low && value <= high ? [] : [`${before} ${found}, not within ${low} to ${high}`];
  });
}

/** Where a notebook shows other than the committed one, a line each. */
export function changes(committed: Notebook, now: Notebook): string[] {
  const code = (notebook: Notebook) => notebook.cells.filter((cell) => cell.cell_type === 'code');
  const [a, b] = [code(committed), code(now)];
  if (a.length !== b.length) return [`${a.length} cells committed, ${b.length} now`];
  return a.flatMap((cell, i) => {
    const { compare } = promiseOf(cell);
    const text = compare === 'trained' ? '' : textDifference(said(cell), said(b[i]), compare !== 'timed');
    return [...(text ? [text] : []), ...outOfBounds(b[i])].map((what) => `${cell.id}: ${what}`);
  });
}

/** Everything that a cell shows, to the last letter. */
const shows = (cell: NotebookCell) =>
  JSON.stringify([said(cell), ...(cell.outputs ?? []).flatMap(({ data }) => (data ? [data] : []))]);

/** Cells that two runs on one machine do not show alike to the last letter; times and bytes aside. */
export function unlike(one: Notebook, other: Notebook): string[] {
  return one.cells.flatMap((cell, i) => {
    const again = other.cells[i];
    const timed = promiseOf(cell).compare === 'timed';
    if (cell.cell_type !== 'code' || timed || shows(cell) === shows(again)) return [];
    return [`${cell.id}: ${textDifference(said(cell), said(again), true) || 'another picture'}`];
  });
}
