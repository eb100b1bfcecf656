/** Pictures in plotly: slices with a slider, drawings as an image. */
import type { DrawingFigure, FilmFigure, SlicesFigure } from './figure';
import { CIVIDIS } from './palette';
import { axisKey, axisName, domains, layout, type PlotlyFigure, panelTitle } from './plotly-parts';
import { wrap } from './scale';
import { classLegend, GREYS, panels, SHADES, TINTS } from './slices-svg';

const BARE = { visible: false, fixedrange: true };

/** An SVG as an image that fills an empty plot from its upper left corner, and its size in pixels. */
function asImage(svg: string) {
  const size = /width="([\d.]+)" height="([\d.]+)"/.exec(svg);
  const [width, height] = [Number(size?.[1] ?? PAGE), Number(size?.[2] ?? 400)];
  // Within its box the picture stands where the box's corner is, not in its middle.
  const corners = svg.replace('<svg ', '<svg preserveAspectRatio="xMinYMin" ');
  const source = `data:image/svg+xml;base64,${Buffer.from(corners).toString('base64')}`;
  const corner = { xref: 'paper', yref: 'paper', x: 0, y: 1, xanchor: 'left', yanchor: 'top' };
  return {
    width,
    height,
    image: { source, ...corner, sizex: 1, sizey: 1, sizing: 'contain' },
  };
}

/**
 * A drawing as an image on an empty plot: JupyterLab shows no SVG in a notebook that has not been run there yet, but it does show plotly.
 */
export function drawingPlotly({ svg }: DrawingFigure): PlotlyFigure {
  const { height, image } = asImage(svg);
  return {
    data: [],
    layout: {
      height: Math.ceil(height),
      margin: { l: 0, r: 0, t: 0, b: 0 },
      paper_bgcolor: '#fff',
      plot_bgcolor: '#fff',
      xaxis: BARE,
      yaxis: BARE,
      dragmode: false,
      images: [image],
    },
  };
}

/** Drawings one over the other; a slider shows one of them. */
export function filmPlotly({ frames, slider, start }: FilmFigure): PlotlyFigure {
  const drawn = frames.map(({ svg }) => asImage(svg));
  const only = (shown: number) =>
    Object.fromEntries(frames.map((_, i) => [`images[${i}].visible`, i === shown]));
  return {
    data: [],
    layout: {
      height: Math.ceil(Math.max(...drawn.map(({ width, height }) => height * shrunk(width))) + FILM_SLIDER),
      margin: { l: 0, r: 0, t: 0, b: FILM_SLIDER },
      paper_bgcolor: '#fff',
      plot_bgcolor: '#fff',
      xaxis: BARE,
      yaxis: BARE,
      dragmode: false,
      images: drawn.map(({ image }, i) => ({ ...image, visible: i === start })),
      sliders: [
        {
          active: start,
          steps: frames.map(({ label }, i) => ({ label, method: 'relayout', args: [only(i)] })),
          currentvalue: { prefix: `${slider} = ` },
          pad: { t: 10, l: 20, r: 20 },
          x: 0,
          len: 1,
        },
      ],
    },
  };
}

/** Pixels below a film for its slider, which follows the drawing closely on a page of JupyterLab's usual width. */
const FILM_SLIDER = 90;
const PAGE = 850;
const shrunk = (width: number) => Math.min(1, PAGE / width);

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
const SHADE_STOPS = stops(CIVIDIS);
/** The colours of the first panel, of label maps, of numbers. */
const stopsOf = (palette: readonly string[]) =>
  palette === GREYS ? GREY_STOPS : palette === SHADES ? SHADE_STOPS : TINT_STOPS;

/** Slices side by side in panels; a slider exchanges their pixels. */
export function slicesPlotly(figure: SlicesFigure): PlotlyFigure {
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
  const traces = panels(figure, figure.start).map(({ pixels, palette }, i) => ({
    type: 'heatmap',
    z: packed(pixels, figure.width),
    zmin: 0,
    zmax: 255,
    showscale: false,
    colorscale: stopsOf(palette),
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
