/** The interactive side of a figure: plotly's data and layout, plain JSON. */
import type {
  BarsFigure,
  DrawingFigure,
  Figure,
  HeatFigure,
  HistogramFigure,
  LinesFigure,
  SlicesFigure,
} from './figure';
import { CIVIDIS } from './palette';
import { wrap } from './scale';
import { classLegend, GREYS, panels, TINTS } from './slices-svg';

/** What plotly draws. */
export interface PlotlyFigure {
  readonly data: readonly Record<string, unknown>[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/** A figure as plotly's data and layout; nothing for tables, which plotly does not draw well. */
export function toPlotly(figure: Figure): PlotlyFigure | undefined {
  switch (figure.kind) {
    case 'lines':
      return linesPlotly(figure);
    case 'heat':
      return heatPlotly(figure);
    case 'bars':
      return barsPlotly(figure);
    case 'histogram':
      return histogramPlotly(figure);
    case 'slices':
      return slicesPlotly(figure);
    case 'drawing':
      return drawingPlotly(figure);
    case 'table':
      return undefined;
  }
}

/**
 * A drawing as an image on an empty plot: JupyterLab shows no SVG in a notebook that has not been run there yet, but it does show plotly.
 */
function drawingPlotly({ svg }: DrawingFigure): PlotlyFigure {
  const size = /width="([\d.]+)" height="([\d.]+)"/.exec(svg);
  const height = Math.ceil(Number(size?.[2] ?? 400));
  const source = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
  const corner = { xref: 'paper', yref: 'paper', x: 0, y: 1, xanchor: 'left', yanchor: 'top' };
  const bare = { visible: false, fixedrange: true };
  return {
    data: [],
    layout: {
      height,
      margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: '#fff',
      plot_bgcolor: '#fff',
      xaxis: bare,
      yaxis: bare,
      dragmode: false,
      images: [{ source, ...corner, sizex: 1, sizey: 1, sizing: 'contain' }],
    },
  };
}

function layout({ title, caption }: { title: string; caption: string }, more: Record<string, unknown>) {
  const lines = wrap(caption, 105);
  return {
    title: {
      text: title,
      subtitle: { text: lines.join('<br>'), font: { size: 12, color: '#555' } },
      x: 0.01,
      xanchor: 'left',
      yref: 'container',
      y: 0.97,
      yanchor: 'top',
    },
    font: { family: 'Helvetica, Arial, sans-serif', size: 12, color: '#222' },
    paper_bgcolor: '#fff',
    plot_bgcolor: '#fff',
    margin: { l: 64, r: 20, t: 60 + 18 * lines.length + ('legend' in more ? 26 : 0), b: 48 },
    height: 400,
    ...more,
  };
}

const GRID = { gridcolor: '#e6e6e6', zeroline: false, linecolor: '#888', automargin: true };
/** Above the plot, below title and caption. */
const LEGEND = { orientation: 'h', x: 0, y: 1.02, xanchor: 'left', yanchor: 'bottom' };

function linesPlotly(figure: LinesFigure): PlotlyFigure {
  return {
    data: figure.series
      .filter(({ y }) => y.length > 0)
      .map(({ name, x, y, color }) => ({
        type: 'scatter',
        mode: y.length > 1 ? 'lines' : 'markers',
        name,
        x,
        y,
        ...(y.length > 1 ? { line: { color, width: 2 } } : { marker: { color, size: 8 } }),
      })),
    layout: layout(figure, {
      showlegend: true,
      legend: LEGEND,
      xaxis: { ...GRID, title: { text: figure.xTitle } },
      yaxis: { ...GRID, title: { text: figure.yTitle }, type: figure.logY ? 'log' : 'linear' },
    }),
  };
}

function barsPlotly(figure: BarsFigure): PlotlyFigure {
  const absent = figure.series.flatMap(({ name, values }) =>
    values.flatMap((v, i) => (Number.isFinite(v) ? [] : [{ name, category: figure.categories[i] }])),
  );
  return {
    data: figure.series.map(({ name, values, errors, colors }) => ({
      type: 'bar',
      name,
      x: figure.categories,
      y: values,
      marker: { color: colors.length === 1 ? colors[0] : colors },
      ...(errors ? { error_y: { type: 'data', array: errors, color: '#222' } } : {}),
    })),
    layout: layout(figure, {
      barmode: 'group',
      ...(figure.series.length > 1 ? { showlegend: true, legend: LEGEND } : { showlegend: false }),
      xaxis: { type: 'category', showgrid: false, linecolor: '#888', automargin: true },
      yaxis: { ...GRID, title: { text: figure.yTitle } },
      annotations: absent.map(({ name, category }, i) => ({
        text: `${name}: not run`,
        x: category,
        y: 0,
        yshift: 12 + 14 * i,
        showarrow: false,
        font: { color: '#777' },
      })),
    }),
  };
}

function histogramPlotly(figure: HistogramFigure): PlotlyFigure {
  const { borders } = figure;
  const middle = borders.slice(1).map((b, i) => (b + borders[i]) / 2);
  return {
    data: figure.series.map(({ name, shares, color }) => ({
      type: 'bar',
      name,
      x: middle,
      y: shares,
      width: borders[1] - borders[0],
      marker: { color, opacity: figure.series.length > 1 ? 0.55 : 0.85 },
    })),
    layout: layout(figure, {
      barmode: 'overlay',
      bargap: 0,
      ...(figure.series.length > 1 ? { showlegend: true, legend: LEGEND } : { showlegend: false }),
      xaxis: { ...GRID, title: { text: figure.xTitle } },
      yaxis: { ...GRID, title: { text: 'share' } },
    }),
  };
}

/** Places of `count` panels in a row, as shares of the width. */
function domains(count: number, gap: number): [number, number][] {
  const each = (1 - gap * (count - 1)) / count;
  return Array.from({ length: count }, (_, i) => [i * (each + gap), Math.min(1, i * (each + gap) + each)]);
}

const axisName = (letter: 'x' | 'y', i: number) => (i === 0 ? letter : `${letter}${i + 1}`);
const axisKey = (letter: 'x' | 'y', i: number) => (i === 0 ? `${letter}axis` : `${letter}axis${i + 1}`);

function heatPlotly(figure: HeatFigure): PlotlyFigure {
  // One panel alone would be stretched: it gets half of the width.
  const places = domains(Math.max(2, figure.panels.length), 0.02);
  const axes = figure.panels.flatMap((_, i) => [
    [
      axisKey('x', i),
      { domain: places[i], tickangle: -45, type: 'category', showgrid: false, anchor: axisName('y', i) },
    ],
    [
      axisKey('y', i),
      {
        autorange: 'reversed',
        type: 'category',
        showgrid: false,
        automargin: true,
        showticklabels: i === 0,
        anchor: axisName('x', i),
      },
    ],
  ]);
  return {
    data: figure.panels.map(({ title, values }, i) => ({
      type: 'heatmap',
      name: title,
      x: figure.columns,
      y: figure.rows,
      z: values,
      xaxis: axisName('x', i),
      yaxis: axisName('y', i),
      zmin: figure.range[0],
      zmax: figure.range[1],
      colorscale: CIVIDIS.map((color, k) => [k / (CIVIDIS.length - 1), color]),
      showscale: i === 0,
      ...(i === 0 ? { colorbar: { title: { text: figure.scale }, thickness: 12 } } : {}),
      xgap: 1,
      ygap: 1,
      hovertemplate: `${title}, edge %{y}, %{x}: %{z:.4g}<extra></extra>`,
    })),
    layout: layout(figure, {
      height: 170 + 20 * figure.rows.length + 16 * wrap(figure.caption, 105).length,
      margin: { l: 48, r: 20, t: 80 + 16 * wrap(figure.caption, 105).length, b: 90 },
      annotations: figure.panels.map(({ title }, i) => panelTitle(title, (places[i][0] + places[i][1]) / 2)),
      ...Object.fromEntries(axes),
    }),
  };
}

function panelTitle(words: string, x: number) {
  return {
    text: `<b>${words}</b>`,
    x,
    y: 1,
    xref: 'paper',
    yref: 'paper',
    xanchor: 'center',
    yanchor: 'bottom',
    showarrow: false,
  };
}

/** Bytes [rows, columns] in plotly's packed form: a fifth of the same numbers as JSON. */
function packed(pixels: Uint8Array, width: number) {
  return {
    dtype: 'u1',
    bdata: Buffer.from(pixels).toString('base64'),
    shape: `${pixels.length / width},${width}`,
  };
}

const stops = (colors: readonly string[]) => colors.map((color, i) => [i / (colors.length - 1), color]);
const GREY_STOPS = [
  [0, GREYS[0]],
  [1, GREYS[255]],
];
/** Both ends of each class's 32 tints, so that colours never blend from one class into the next. */
const TINT_STOPS = stops(TINTS).filter((_, i) => i % 32 === 0 || i % 32 === 31);

function slicesPlotly(figure: SlicesFigure): PlotlyFigure {
  const count = 1 + figure.overlays.length;
  const places = domains(count, 0.02);
  const frame = (i: number) => panels(figure, i).map(({ pixels }) => packed(pixels, figure.width));
  const bare = { showgrid: false, zeroline: false, showticklabels: false, ticks: '', constrain: 'domain' };
  // Panels zoom together: the first keeps voxels in shape, the others follow it.
  const follow = (i: number) =>
    i === 0 ? [{}, { scaleanchor: 'x', scaleratio: figure.aspect }] : [{ matches: 'x' }, { matches: 'y' }];
  const axes = places.flatMap((domain, i) => [
    [axisKey('x', i), { ...bare, domain, anchor: axisName('y', i), ...follow(i)[0] }],
    [axisKey('y', i), { ...bare, anchor: axisName('x', i), ...follow(i)[1] }],
  ]);
  const key = classLegend(figure).map(({ name, color }) => `<span style="color:${color}">■</span> ${name}`);
  const steps = figure.indices.map((index, i) => ({
    label: String(index),
    method: 'restyle',
    args: [{ z: frame(i) }, places.map((_, k) => k)],
  }));
  const traces = frame(figure.start).map((z, i) => ({
    type: 'heatmap',
    z,
    zmin: 0,
    zmax: 255,
    showscale: false,
    colorscale: i === 0 ? GREY_STOPS : TINT_STOPS,
    xaxis: axisName('x', i),
    yaxis: axisName('y', i),
    hovertemplate: i === 0 ? 'grey %{z} at %{x}, %{y}<extra></extra>' : '%{x}, %{y}<extra></extra>',
  }));
  const lines = wrap(figure.caption, 105).length;
  const tall = Math.min(420, Math.max(240, (880 / count) * (figure.height / figure.width) * figure.aspect));
  return {
    data: traces,
    layout: layout(figure, {
      height: Math.round(tall + 190 + 16 * lines),
      margin: { l: 20, r: 20, t: 80 + 16 * lines, b: 90 },
      annotations: [
        ...panels(figure, figure.start).map(({ title }, i) =>
          panelTitle(title, (places[i][0] + places[i][1]) / 2),
        ),
        ...(key.length
          ? [
              {
                text: key.join('   '),
                x: 0,
                y: 0,
                yshift: -8,
                xref: 'paper',
                yref: 'paper',
                xanchor: 'left',
                yanchor: 'top',
                showarrow: false,
              },
            ]
          : []),
      ],
      sliders: [
        {
          active: figure.start,
          steps,
          currentvalue: { prefix: `${figure.axis} = ` },
          pad: { t: 24 },
          x: 0,
          len: 1,
        },
      ],
      ...Object.fromEntries(axes),
    }),
  };
}
