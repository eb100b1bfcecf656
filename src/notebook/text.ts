/** A figure in one line of text: for terminals, screen readers and tests. */
import type { Figure } from './figure';
import { short } from './scale';
import { tableText } from './table';

/** What the figure shows, in words and a few numbers; a table as columns. */
export function toText(figure: Figure): string {
  switch (figure.kind) {
    case 'lines':
      if (figure.series.length === 0) return `${figure.title}: no data`;
      return `${figure.title}: ${figure.series.map(({ name, y }) => `${name} ${ends(y)}`).join(', ')} (${figure.series[0]?.y.length ?? 0} points)`;
    case 'heat':
      return `${figure.title}: ${figure.panels.map((p) => p.title).join(', ')}; ${figure.rows.length} × ${figure.columns.length}, ${figure.scale} ${short(figure.range[0])} to ${short(figure.range[1])}`;
    case 'bars':
      return `${figure.title}: ${figure.series.map((s) => `${s.name} ${s.values.map((v, i) => `${figure.categories[i]} ${Number.isFinite(v) ? short(v) : 'not run'}`).join(', ')}`).join('; ')}`;
    case 'tornado':
      return `${figure.title}: ${figure.panels.map((panel) => `${panel.title} ${panel.values.map((v, i) => `${figure.categories[i]} ${Number.isFinite(v) ? short(v) : 'not run'}`).join(', ')}`).join('; ')}`;
    case 'histogram':
      return `${figure.title}: ${figure.series.map((s) => `${s.name}, most in ${peak(s.shares, figure.borders)}`).join('; ')}`;
    case 'slices':
      return `${figure.title}: ${figure.indices.length} slices of ${figure.width} × ${figure.height}, panels ${['image', ...figure.overlays.map((o) => o.name)].join(', ')}`;
    case 'film':
      return `${figure.title}: ${figure.frames.length} drawings, ${figure.slider} ${figure.frames.map((f) => f.label).join(', ')}`;
    case 'table':
      return tableText(figure);
    case 'drawing':
      return figure.caption ? `${figure.title}: ${figure.caption}` : figure.title;
  }
}

function ends(y: readonly number[]): string {
  if (y.length === 0) return 'none yet';
  return y.length === 1 ? short(y[0]) : `${short(y[0])} → ${short(y[y.length - 1])}`;
}

function peak(shares: readonly number[], borders: readonly number[]): string {
  const i = shares.indexOf(Math.max(...shares));
  return `${short(borders[i])} to ${short(borders[i + 1])}`;
}
