/** The one adapter to the notebook's kernel (tslab): figures as MIME bundles, displays that change in place, text where there is no notebook. */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Figure } from './figure';
import { toPlotly } from './plotly';
import { toSvg } from './svg';
import { tableMarkdown } from './table';
import { toText } from './text';

/** The modules that this process has loaded. */
const loaded = createRequire(__filename).cache;

type Bundle = Readonly<Record<string, unknown>>;
type Send = (message: { data: Bundle; metadata: object; transient: object }, update: boolean) => void;

/** tslab's sender, if this process is its kernel. The module is only asked for where the kernel has already loaded it. */
function kernelSender(): Send | undefined {
  const name = Object.keys(loaded).find((file) => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(file));
  const kernel = name === undefined ? undefined : loaded[name]?.exports;
  return kernel?.lastWriteDisplayData ?? undefined;
}

/** Whether figures have a notebook to go to. */
export function inNotebook(): boolean {
  return kernelSender() !== undefined;
}

/**
 * A figure in every form that a reader may want: interactive, a static picture, one line of text.
 *
 * @param interactive whether plotly's form is among them
 */
export function bundle(figure: Figure, interactive = true): Bundle {
  const words = { 'text/plain': toText(figure) };
  if (figure.kind === 'table') return { 'text/markdown': tableMarkdown(figure), ...words };
  const plotly = interactive ? toPlotly(figure) : undefined;
  const still = { 'image/svg+xml': toSvg(figure), ...words };
  return plotly
    ? {
        // Not responsive: JupyterLab resizes a plot itself, and after a resize a responsive one has no height of its own.
        'application/vnd.plotly.v1+json': { ...plotly, config: { displaylogo: false } },
        ...still,
      }
    : still;
}

function send(data: Bundle, id?: string, update = false): void {
  const sender = kernelSender();
  if (sender) sender({ data, metadata: {}, transient: id ? { display_id: id } : {} }, update);
  else console.log(data['text/plain']);
}

/** Shows a figure: in a notebook as a plot with a static picture behind it, elsewhere as its line of text. */
export function show(figure: Figure): void {
  send(bundle(figure));
}

/** A figure or a line of text, or how to make it: made only if it is shown. */
type Content = Figure | string | (() => Figure | string);

/** A display that is updated in place. */
export interface Live {
  /** Shows a figure or a line of text in place of the last one; seldom enough not to slow the loop. */
  update(content: Content): void;
  /** Shows the last content, if it was held back. What comes later gets a new place: a cell that is run again has lost its old one. */
  done(): void;
}

/** Milliseconds between two updates. */
const PAUSE = 700;

/**
 * An empty display at this place of the notebook, to be filled while a loop runs.
 *
 * While the loop runs a plot is a static picture, and interactive once it is done: JupyterLab's plotly (7.1.0 of PyPI) draws a plot once and
 * leaves it as it is when the display is updated.
 */
export function live(now: () => number = Date.now): Live {
  let id = randomBytes(8).toString('hex');
  let shown = false;
  let last = Number.NEGATIVE_INFINITY;
  let latest: Content = '';
  // Whether the latest content is still to be shown in its final form.
  let due = false;
  const flush = (final: boolean) => {
    const content = typeof latest === 'function' ? latest() : latest;
    // Outside a notebook nothing can be changed in place: only the last state is printed.
    send(typeof content === 'string' ? { 'text/plain': content } : bundle(content, final), id, shown);
    due = !final && typeof content !== 'string';
    [shown, last] = [true, now()];
  };
  return {
    update(content) {
      [latest, due] = [content, true];
      if (inNotebook() && now() - last >= PAUSE) flush(false);
    },
    done() {
      if (due) flush(true);
      [id, shown, last] = [randomBytes(8).toString('hex'), false, Number.NEGATIVE_INFINITY];
    },
  };
}
