/** The interactive side of a figure: plotly's data and layout, plain JSON. */
import type { BarsFigure, Figure, HeatFigure, HistogramFigure, LinesFigure } from './figure';
import { CIVIDIS } from './palette';
import { axisKey, axisName, domains, layout, type PlotlyFigure, panelTitle } from './plotly-parts';
import { drawingPlotly, filmPlotly, slicesPlotly } from './plotly-pictures';
import { short, wrap } from './scale';
import { tornadoPlotly } from './tornado';

/** A figure as plotly's data and layout; nothing for tables, which plotly does not draw well. */
export function toPlotly(figure: Figure): PlotlyFigure | undefined {
  switch (figure.kind) {
    case 'lines':
      return linesPlotly(figure);
    case 'heat':
      return heatPlotly(figure);
    case 'bars':
      return barsPlotly(figure);
    case 'tornado':
      return tornadoPlotly(figure);
    case 'histogram':
      return histogramPlotly(figure);
    case 'slices':
      return slicesPlotly(figure);
    case 'drawing':
      return drawingPlotly(figure);
    case 'film':
      return filmPlotly(figure);
    case 'table':
      return undefined;
  }
}

const GRID = { gridcolor: '#e6e6e6', zeroline: false, linecolor: '#888', automargin: true };
/** Above the plot, below title and caption. */
const LEGEND = { orientation: 'h', x: 0, y: 1.02, xanchor: 'left', yanchor: 'bottom' };

function linesPlotly(figure: LinesFigure): PlotlyFigure {
  return {
    data: figure.series
      .filter(({ y }) => y.length > 0)
      .map(({ name, x, y, color, points = false }) => ({
        type: 'scatter',
        mode: y.length > 1 && !points ? 'lines' : 'markers',
        name,
        x,
        y,
        ...(points ? { showlegend: false } : {}),
        ...(y.length > 1 && !points ? { line: { color, width: 2 } } : { marker: { color, size: 8 } }),
      })),
    layout: layout(figure, {
      showlegend: true,
      legend: LEGEND,
      xaxis: { ...GRID, title: { text: figure.xTitle }, type: figure.logX ? 'log' : 'linear' },
      yaxis: { ...GRID, title: { text: figure.yTitle }, type: figure.logY ? 'log' : 'linear' },
    }),
  };
}

function barsPlotly(figure: BarsFigure): PlotlyFigure {
  return {
    data: figure.series.map(({ name, values, errors, colors }) => ({
      type: 'bar',
      name,
      x: figure.categories,
      // What was not run stands in its own place, as a word on a bar without height.
      y: values.map((v) => (Number.isFinite(v) ? v : 0)),
      text: values.map((v) => (Number.isFinite(v) ? '' : 'not run')),
      textposition: 'outside',
      textangle: -90,
      textfont: { color: '#777' },
      cliponaxis: false,
      hovertemplate: values.map(
        (v) => `${name}, %{x}: ${Number.isFinite(v) ? short(v) : 'not run'}<extra></extra>`,
      ),
      marker: { color: colors.length === 1 ? colors[0] : colors },
      ...(errors ? { error_y: { type: 'data', array: errors, color: '#222', width: 0 } } : {}),
    })),
    layout: layout(figure, {
      barmode: figure.stacked ? 'stack' : 'group',
      ...(figure.series.length > 1 ? { showlegend: true, legend: LEGEND } : { showlegend: false }),
      xaxis: {
        type: 'category',
        tickvals: figure.categories,
        // In as many lines as it takes; narrow places are left to plotly, which turns the names.
        ticktext: figure.categories.map((c) =>
          wrap(c, Math.max(12, 110 / figure.categories.length)).join('<br>'),
        ),
        showgrid: false,
        linecolor: '#888',
        automargin: true,
      },
      yaxis: { ...GRID, title: { text: figure.yTitle }, rangemode: 'tozero' },
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
