/** What a cell of a notebook promises to show, in its metadata; tests hold it to that. */
import type { NotebookCell } from './execute';

/** `metadata.scnas` of a cell; notebooks/README.md explains each. */
export interface CellPromise {
  /** What the cell shows, in order. */
  readonly figures?: readonly ('plot' | 'table' | 'text')[];
  /** Where its numbers come from, if they may differ between machines. */
  readonly compare?: 'trained' | 'timed';
  /** Bounds, ends included, of the first number behind some words. */
  readonly bounds?: Readonly<Record<string, readonly [number, number]>>;
  /** The exercise that this cell is about. */
  readonly exercise?: string;
  /** The exercise that this cell judges. */
  readonly check?: string;
}

export function promiseOf(cell: NotebookCell): CellPromise {
  return (cell.metadata.scnas as CellPromise | undefined) ?? {};
}

/** MIME types of each kind of figure. */
export const formsOf = {
  plot: ['application/vnd.plotly.v1+json', 'image/svg+xml', 'text/plain'],
  table: ['text/markdown', 'text/plain'],
  text: ['text/plain'],
} as const;
