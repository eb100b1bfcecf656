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

/**
 * Lets the last expression of a cell be shown instead of printed.
 *
 * tslab 1.0.22 puts it into `exports.tsLastExpr`, reads that after the cell, prints it if it is there, and deletes it. A property of that name
 * on the prototype comes in between; the deletion does not reach it.
 * @param exports tslab's names of all cells
 * @param draw where a figure goes
 */
export function catchLastExpression(exports: object, draw: (figure: Figure) => void): void {
  let last: unknown;
  const between = {
    configurable: true,
    get: () => last,
    set(value: unknown) {
      const known = readable(value);
      const drawn = known !== undefined && typeof known !== 'string';
      last = drawn ? undefined : (known ?? value);
      if (drawn) draw(known);
    },
  };
  // The cell that imported this has one of its own already, without a value.
  Reflect.deleteProperty(exports, 'tsLastExpr');
  Object.setPrototypeOf(exports, Object.create(Object.prototype, { tsLastExpr: between }));
}

const installed = Symbol.for('scnas.printing');

/** Once a process, and only in the kernel. */
export function installPrinting(): void {
  installTensorText();
  const marked = globalThis as { [installed]?: boolean; __tslab__?: { readonly exports?: object } };
  if (marked[installed] || !inNotebook()) return;
  marked[installed] = true;
  console.log = showingLog(console.log.bind(console), show);
  if (marked.__tslab__?.exports) catchLastExpression(marked.__tslab__.exports, show);
}

installPrinting();
