/** A tornado: what each change moves, the largest first, in one panel a measure; as an SVG and in plotly. */
import type { TornadoFigure, TornadoPanel } from './figure';
import { box, page, text } from './ink';
import { axisKey, axisName, layout, type PlotlyFigure, panelTitle } from './plotly-parts';
import { short, ticks, wrap } from './scale';

const [MORE, LESS, NONE] = ['#0072B2', '#D55E00', '#777777'];
const WIDTH = 760;
const ROW = 22;
/** Between two panels. */
const GAP = 40;
/** Room for a number beside the longest bar. */
const NUMBER = 42;

/** What a change moves: a value for each measure (NaN: not run), and half the length of its whisker. */
export interface Change {
  readonly name: string;
  readonly values: readonly number[];
  readonly errors?: readonly number[];
}

/**
 * Changes sorted by the size of the first measure, those without a number last.
 *
 * @param changes a row each
 * @param measures title of each measure, with its unit
 */
export function tornadoFigure(
  changes: readonly Change[],
  measures: readonly string[],
  { title, caption = '' }: { readonly title: string; readonly caption?: string },
): TornadoFigure {
  const size = ({ values }: Change) => (Number.isFinite(values[0]) ? Math.abs(values[0]) : -1);
  const sorted = [...changes].sort((a, b) => size(b) - size(a));
  const panels = measures.map((name, m) => ({
    title: name,
    values: sorted.map(({ values }) => values[m]),
    errors: sorted.map(({ errors }) => errors?.[m] ?? 0),
  }));
  return { kind: 'tornado', title, caption, categories: sorted.map(({ name }) => name), panels };
}

/** How far bars and whiskers of a panel go to either side: its axis reaches as far to the left as to the right. */
function reach({ values, errors }: TornadoPanel): number {
  const ends = values.map((v, i) => Math.abs(v) + errors[i]);
  return Math.max(0, ...ends.filter(Number.isFinite)) || 1;
}

export function tornadoSvg(figure: TornadoFigure): string {
  const { categories, panels } = figure;
  const left = 24 + 6.1 * Math.max(8, ...categories.map((c) => c.length));
  const each = (WIDTH - left - 12 - GAP * (panels.length - 1)) / panels.length;
  const tall = ROW * categories.length;
  return page(figure, WIDTH, tall + 62, (top) => {
    const first = top + 26;
    const names = categories.map((name, i) => text(left - 8, first + ROW * i + 15, name, { anchor: 'end' }));
    const drawn = panels.map((panel, p) => {
      const middle = left + p * (each + GAP) + each / 2;
      const scale = (each / 2 - NUMBER) / reach(panel);
      const x = (v: number) => middle + v * scale;
      const far = each / 2 / scale;
      const marks = ticks(-far, far, 5).map(
        (v) =>
          box(x(v) - 0.5, first, 1, tall, v === 0 ? '#888' : '#e6e6e6') +
          text(x(v), first + tall + 15, short(v), { anchor: 'middle' }),
      );
      const bars = panel.values.map((v, i) => barSvg(v, panel.errors[i], x, first + ROW * i));
      return (
        text(middle, first - 10, panel.title, { anchor: 'middle', weight: 'bold' }) +
        marks.join('') +
        bars.join('')
      );
    });
    return names.join('') + drawn.join('');
  });
}

function barSvg(v: number, half: number, x: (v: number) => number, y: number): string {
  if (!Number.isFinite(v)) return text(x(0) + 6, y + 15, 'not run', { color: NONE });
  const bar = box(Math.min(x(0), x(v)), y + 4, Math.abs(x(v) - x(0)), ROW - 8, v < 0 ? LESS : MORE);
  const whisker =
    half > 0 ? box(x(v - half), y + ROW / 2 - 0.75, x(v + half) - x(v - half), 1.5, '#222') : '';
  const end = v < 0 ? x(v - half) - 5 : x(v + half) + 5;
  return bar + whisker + text(end, y + 15, signed(v), { anchor: v < 0 ? 'end' : 'start', size: 10 });
}

const signed = (v: number) => (v > 0 ? `+${short(v)}` : short(v));

export function tornadoPlotly(figure: TornadoFigure): PlotlyFigure {
  const { categories, panels } = figure;
  const gap = 0.04;
  const each = (1 - gap * (panels.length - 1)) / panels.length;
  const place = (p: number): [number, number] => [p * (each + gap), p * (each + gap) + each];
  const lines = wrap(figure.caption, 105).length;
  const axes = panels.flatMap((panel, p) => {
    const far = 1.15 * reach(panel);
    const x = {
      domain: place(p),
      anchor: axisName('y', p),
      range: [-far, far],
      gridcolor: '#e6e6e6',
      zerolinecolor: '#888',
    };
    const y = {
      anchor: axisName('x', p),
      type: 'category',
      autorange: 'reversed',
      automargin: true,
      showticklabels: p === 0,
    };
    return [[axisKey('x', p), x] as const, [axisKey('y', p), { ...y, showgrid: false }] as const];
  });
  const missing = panels.flatMap(({ values }, p) =>
    values.flatMap((v, i) => (Number.isFinite(v) ? [] : [absent(categories[i], p)])),
  );
  return {
    data: panels.map(({ title, values, errors }, p) => ({
      type: 'bar',
      orientation: 'h',
      name: title,
      y: categories,
      x: values.map((v) => (Number.isFinite(v) ? v : null)),
      error_x: { type: 'data', array: errors.map((half) => half || null), color: '#222' },
      marker: { color: values.map((v) => (v < 0 ? LESS : MORE)) },
      xaxis: axisName('x', p),
      yaxis: axisName('y', p),
      hovertemplate: `%{y}: %{x:+.4g}<extra>${title}</extra>`,
    })),
    layout: layout(figure, {
      showlegend: false,
      height: 150 + ROW * categories.length + 18 * lines,
      margin: { l: 64, r: 20, t: 86 + 18 * lines, b: 44 },
      annotations: [
        ...panels.map(({ title }, p) => panelTitle(title, (place(p)[0] + place(p)[1]) / 2)),
        ...missing,
      ],
      ...Object.fromEntries(axes),
    }),
  };
}

/** Words where a bar is missing. */
const absent = (category: string, p: number) => ({
  text: 'not run',
  x: 0,
  y: category,
  xref: axisName('x', p),
  yref: axisName('y', p),
  xanchor: 'left',
  xshift: 6,
  showarrow: false,
  font: { color: NONE },
});
