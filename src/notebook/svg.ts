/** The static side of a figure: an SVG that stands alone, for GitHub, nbconvert and reports without scripts. */
import type { BarsFigure, Figure, HeatFigure, HistogramFigure, LinesFigure } from './figure';
import { box, legend, n, page, text } from './ink';
import { inkOn, shade } from './palette';
import { extent, logTicks, short, ticks, wrapNames } from './scale';
import { slicesSvg } from './slices-svg';
import { tableSvg } from './table';
import { tornadoSvg } from './tornado';

const WIDTH = 720;

/** A figure as an SVG with no scripts, no outside references and its title and caption inside. */
export function toSvg(figure: Figure): string {
  switch (figure.kind) {
    case 'lines':
      return linesSvg(figure);
    case 'heat':
      return heatSvg(figure);
    case 'bars':
      return barsSvg(figure);
    case 'tornado':
      return tornadoSvg(figure);
    case 'histogram':
      return histogramSvg(figure);
    case 'slices':
      return slicesSvg(figure);
    case 'table':
      return tableSvg(figure);
    case 'drawing':
      return figure.svg;
    case 'film':
      return figure.frames[figure.start].svg;
  }
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

/** How values lie along an axis, as shares of it, and where its ticks are. */
function along([low, high]: readonly [number, number], log: boolean, count: number) {
  const place = log && low > 0 ? Math.log10 : (v: number) => v;
  const share = (v: number) => (place(v) - place(low)) / (place(high) - place(low) || 1);
  return { share, ticks: log && low > 0 ? logTicks(low, high) : ticks(low, high, count) };
}

/** Axes with ticks, each linear or logarithmic. Returns the place of each value. */
function axes(
  top: number,
  xs: readonly [number, number],
  ys: readonly [number, number],
  options: { xTitle: string; yTitle: string; logX?: boolean; logY?: boolean; xTicks?: boolean },
): { frame: Frame; svg: string } {
  const [left, width, height] = [64, WIDTH - 84, 250];
  const [across, up] = [along(xs, options.logX === true, 8), along(ys, options.logY === true, 5)];
  const x = (v: number) => left + across.share(v) * width;
  const y = (v: number) => top + height - up.share(v) * height;
  const svg = [
    ...up.ticks.map(
      (v) => box(left, y(v), width, 1, '#e6e6e6') + text(left - 6, y(v) + 4, short(v), { anchor: 'end' }),
    ),
    ...(options.xTicks === false ? [] : across.ticks).map((v) =>
      text(x(v), top + height + 16, short(v), { anchor: 'middle' }),
    ),
    box(left, top + height, width, 1, '#888'),
    text(left + width / 2, top + height + 34, options.xTitle, { anchor: 'middle', size: 12 }),
    text(16, top + height / 2, options.yTitle, { anchor: 'middle', size: 12, turn: -90 }),
  ].join('');
  return { frame: { left, top, width, height, x, y }, svg };
}

function linesSvg(figure: LinesFigure): string {
  return page(figure, WIDTH, 320, (top) => {
    const xs = extent(figure.series.flatMap((s) => s.x).filter((v) => !figure.logX || v > 0));
    const all = figure.series.flatMap((s) => s.y).filter((v) => !figure.logY || v > 0);
    const [low, high] = extent(all);
    const pad = figure.logY ? 0 : (high - low || Math.abs(high) || 1) * 0.06;
    const { frame, svg } = axes(top + 22, xs, [low - pad, high + pad], figure);
    const dot = ([x, y]: readonly number[], color: string) =>
      `<circle cx="${n(x)}" cy="${n(y)}" r="3" fill="${color}"/>`;
    const paths = figure.series.map(({ x, y, color, points: apart }) => {
      const points = y
        .map((v, i) => [x[i], v])
        .filter(([a, v]) => Number.isFinite(v) && (!figure.logY || v > 0) && (!figure.logX || a > 0));
      const place = points.map(([a, b]) => [frame.x(a), frame.y(b)]);
      if (apart || place.length === 1) return place.map((at) => dot(at, color)).join('');
      const path = place.map(([a, b]) => `${n(a)},${n(b)}`).join(' ');
      return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>`;
    });
    const named = figure.series.filter((s) => !s.points);
    return legend(named, frame.left, top + 10, frame.width) + svg + paths.join('');
  });
}

function barsSvg(figure: BarsFigure): string {
  const slot = (WIDTH - 84) / figure.categories.length;
  // Level in as many lines as it takes; turned where a word is wider than its place.
  const broken = figure.categories.map((c) => wrapNames(c, Math.max(4, Math.floor(slot / 6.4))));
  const turned = Math.max(...broken.flat().map((line) => line.length)) * 6.4 > slot;
  const cut = (c: string) => (c.length > 26 ? `${c.slice(0, 25)}…` : c);
  const named = turned ? figure.categories.map((c) => [cut(c)]) : broken;
  const longest = Math.max(...named.flat().map((line) => line.length));
  const below = turned ? longest * 4.6 : 14 * Math.max(...named.map((lines) => lines.length));
  return page(figure, WIDTH, 300 + below, (top) => {
    // What each series of a category stands on.
    const under = (k: number, i: number) =>
      figure.stacked ? figure.series.slice(0, k).reduce((sum, s) => sum + s.values[i], 0) : 0;
    const reach = figure.series.flatMap((s, k) =>
      s.values.map((v, i) => under(k, i) + v + (s.errors?.[i] ?? 0)),
    );
    const [low, high] = extent([0, ...reach, ...figure.series.flatMap((s) => s.values)]);
    const { frame, svg } = axes(top + 22, [0, figure.categories.length], [low, high * 1.05], {
      xTitle: '',
      yTitle: figure.yTitle,
      xTicks: false,
    });
    const thick = (slot * 0.8) / (figure.stacked ? 1 : figure.series.length);
    const bars = figure.series.flatMap((s, k) =>
      s.values.map((v, i) => {
        const left = frame.x(i) + slot * 0.1 + (figure.stacked ? 0 : k * thick);
        const floor = under(k, i);
        if (!Number.isFinite(v)) {
          return text(left + thick / 2 + 3, frame.y(0) - 5, 'not run', { color: '#777', turn: -90 });
        }
        const bar = box(
          left,
          frame.y(floor + Math.max(v, 0)),
          thick * 0.94,
          Math.abs(frame.y(v) - frame.y(0)),
          s.colors[i % s.colors.length],
        );
        const half = s.errors?.[i];
        if (!half) return bar;
        return (
          bar +
          box(left + thick / 2 - 0.75, frame.y(v + half), 1.5, frame.y(v - half) - frame.y(v + half), '#222')
        );
      }),
    );
    const names = named.map((lines, i) => {
      const [x, y] = [frame.x(i + 0.5), frame.top + frame.height + 16];
      return turned
        ? text(x + 4, y, lines[0], { anchor: 'end', turn: -35 })
        : lines.map((line, k) => text(x, y + 14 * k, line, { anchor: 'middle' })).join('');
    });
    const key =
      figure.series.length > 1
        ? legend(
            figure.series.map((s) => ({ name: s.name, color: s.colors[0] })),
            frame.left,
            top + 10,
            frame.width,
          )
        : '';
    return key + svg + bars.join('') + names.join('');
  });
}

function histogramSvg(figure: HistogramFigure): string {
  return page(figure, WIDTH, 320, (top) => {
    const high = extent(figure.series.flatMap((s) => s.shares))[1];
    const { borders } = figure;
    const { frame, svg } = axes(top + 22, [borders[0], borders[borders.length - 1]], [0, high * 1.05], {
      xTitle: figure.xTitle,
      yTitle: 'share',
    });
    const bars = figure.series.map(({ shares, color }) => {
      const path = shares.map(
        (v, i) => `${n(frame.x(borders[i]))},${n(frame.y(v))} ${n(frame.x(borders[i + 1]))},${n(frame.y(v))}`,
      );
      const floor = n(frame.y(0));
      return `<polygon points="${n(frame.left)},${floor} ${path.join(' ')} ${n(frame.left + frame.width)},${floor}" fill="${color}" fill-opacity="0.35" stroke="${color}"/>`;
    });
    return legend(figure.series, frame.left, top + 10, frame.width) + svg + bars.join('');
  });
}

function heatSvg(figure: HeatFigure): string {
  const { panels, rows, columns, range } = figure;
  const left = 16 + 6.4 * Math.max(...rows.map((r) => r.length));
  const each = Math.min(220, (WIDTH + 180 - left) / panels.length);
  const cell = Math.min(34, (each - 12) / columns.length);
  const tall = Math.min(20, Math.max(12, cell));
  const below = 5 * Math.max(...columns.map((c) => c.length)) + 14;
  const width = Math.max(420, left + panels.length * (cell * columns.length + 12) + 84);
  return page(figure, width, 34 + rows.length * tall + below, (top) => {
    const first = top + 30;
    const share = (v: number) => (v - range[0]) / (range[1] - range[0] || 1);
    const drawn = panels.map((panel, k) => {
      const x = left + k * (cell * columns.length + 12);
      const cells = panel.values.flatMap((row, i) =>
        row.map((v, j) => {
          const fill = Number.isFinite(v) ? shade(share(v)) : '#fff';
          const number =
            cell >= 28
              ? text(x + (j + 0.5) * cell, first + (i + 0.5) * tall + 3, short(v), {
                  size: 8,
                  anchor: 'middle',
                  color: inkOn(fill),
                })
              : '';
          return box(x + j * cell, first + i * tall, cell - 0.5, tall - 0.5, fill) + number;
        }),
      );
      const names = columns.map((name, j) =>
        text(x + (j + 0.6) * cell, first + rows.length * tall + 12, name, {
          anchor: 'end',
          turn: -45,
          size: 10,
        }),
      );
      return text(x, first - 8, panel.title, { weight: 'bold' }) + cells.join('') + names.join('');
    });
    const rowNames = rows.map((name, i) =>
      text(left - 6, first + (i + 0.5) * tall + 4, name, { anchor: 'end' }),
    );
    const x = left + panels.length * (cell * columns.length + 12) + 8;
    const high = rows.length * tall;
    const bar = Array.from({ length: 40 }, (_, i) =>
      box(x, first + (high * (39 - i)) / 40, 12, high / 40 + 0.5, shade(i / 39)),
    );
    const marks = [0, 0.5, 1].map((s) =>
      text(x + 16, first + high * (1 - s) + (s === 1 ? 9 : 3), short(range[0] + s * (range[1] - range[0]))),
    );
    return `${drawn.join('')}${rowNames.join('')}${bar.join('')}${marks.join('')}${text(x + 12, first - 8, figure.scale, { anchor: 'middle', size: 10 })}`;
  });
}
