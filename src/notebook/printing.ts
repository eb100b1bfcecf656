/** Last expressions and `console.log` in the notebook: values that {@link readable} knows are shown, not dumped. */
import { inNotebook, show } from './display';
import type { Figure } from './figure';
import { installTensorText, readable } from './readable';
import { toText } from './text';

type Log = (...values: readonly unknown[]) => void;

const words = (shown: Figure | string) => (typeof shown === 'string' ? shown : toText(shown));

/**
 * A `console.log` that shows what it knows: one figure or table alone as such, anything else in words.
 *
 * @param log where words go
 * @param draw where a figure goes
 */
export function showingLog(log: Log, draw: (figure: Figure) => void): Log {
  return (...values) => {
    const known = values.map(readable);
    const [first] = known;
    if (values.length === 1 && first !== undefined && typeof first !== 'string') draw(first);
    else log(...known.map((shown, i) => (shown === undefined ? values[i] : words(shown))));
  };
}

const installed = Symbol.for('scnas.printing');

/** Once a process, and only in the kernel: the kernel prints a cell's last expression with `console.log`. */
export function installPrinting(): void {
  installTensorText();
  const marked = console as { [installed]?: boolean };
  if (marked[installed] || !inNotebook()) return;
  marked[installed] = true;
  console.log = showingLog(console.log.bind(console), show);
}

installPrinting();
