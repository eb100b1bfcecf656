import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bundle } from '../../src/notebook/display';
import {
  barFigure,
  drawing,
  type Figure,
  heatFigure,
  histogramFigure,
  lineFigure,
  tableFigure,
} from '../../src/notebook/figure';
import { toHtml } from '../../src/notebook/html';
import { classColor, operationColor, rgb } from '../../src/notebook/palette';
import { toPlotly } from '../../src/notebook/plotly';
import { png } from '../../src/notebook/png';
import { extent, logTicks, short, ticks, wrap, wrapNames } from '../../src/notebook/scale';
import { sliceFigure } from '../../src/notebook/slices';
import { composed } from '../../src/notebook/slices-svg';
import { toSvg } from '../../src/notebook/svg';
import { toText } from '../../src/notebook/text';
import { operations } from '../../src/paper/operations';
import { complaints } from './plotly-node';

const shape = [3, 4, 5] as const;
const data = Float32Array.from({ length: 60 }, (_, i) => i);
const label = Uint8Array.from({ length: 60 }, (_, i) => (i % 5 === 3 ? 2 : 0));

const figures: Record<string, Figure> = {
  lines: lineFigure(
    { a: [3, 2, 1], b: { x: [1, 3], y: [0.5, Number.NaN] } },
    { title: 'Lines <&>', caption: 'Two "series".' },
  ),
  point: lineFigure({ a: [3] }, { title: 'A point' }),
  empty: lineFigure({ a: [] }, { title: 'Nothing yet' }),
  log: lineFigure({ a: [1, 0.1, 1e-3] }, { title: 'Log', logY: true }),
  logX: lineFigure({ a: { x: [0.1, 1, 10], y: [1, 2, 3] } }, { title: 'Log x', logX: true, xTitle: 'τ' }),
  bars: barFigure(
    { found: [0.8, 0.7], unet: [0.9, Number.NaN] },
    { title: 'Dice', categories: ['anterior', 'posterior'] },
  ),
  one: barFigure(
    { cost: [1, 2] },
    { title: 'One series', categories: ['a', 'a very long name of an operation'] },
  ),
  histogram: histogramFigure(
    { a: [0, 1, 1, 2], b: [2, 2] },
    { title: 'Histogram', bins: 2, xTitle: 'max Z̄' },
  ),
  heat: heatFigure(
    { enc: [[0.1, 0.9]], red: [[0.5, 0.5]] },
    { title: 'Heat', rows: ['0→2'], columns: ['conv3', 'zero'], scale: 'p' },
  ),
  numbers: sliceFigure({ data, shape }, { maps: { p: data } }),
  slices: sliceFigure({ data, shape }, { overlays: { label }, classes: ['background', 'a', 'b'] }),
  drawing: drawing(
    '<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20"><title>Drawing</title></svg>',
    { title: 'Drawing' },
  ),
  table: tableFigure(['name', 'value'], [['x', 1 / 3]], { title: 'Table', caption: 'A row.' }),
};

describe('figures', () => {
  it.each(Object.entries(figures))('%s: a still picture that is well formed, a text, no NaN', (_, figure) => {
    const svg = toSvg(figure);
    expect(balanced(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(toText(figure)).toContain(figure.title);
    expect(toText(figure)).not.toMatch(/undefined/);
  });

  it.each(Object.entries(figures))('%s: plotly’s own schema has nothing against it', (_, figure) => {
    const plotly = toPlotly(figure);
    if (figure.kind === 'table') expect(plotly).toBeUndefined();
    else expect(plotly && complaints(plotly)).toEqual([]);
  });

  it('the schema does complain of what it does not know', () => {
    expect(
      complaints({ data: [{ type: 'scatter', y: [1], colour: 'red' }], layout: { hight: 3 } }),
    ).toHaveLength(2);
  });

  it('a bundle has plot, still picture and text; a table Markdown and text', () => {
    expect(Object.keys(bundle(figures.lines)).sort()).toEqual([
      'application/vnd.plotly.v1+json',
      'image/svg+xml',
      'text/plain',
    ]);
    expect(Object.keys(bundle(figures.table)).sort()).toEqual(['text/markdown', 'text/plain']);
    expect(bundle(figures.table)['text/markdown']).toContain('| x | 0.333 |');
  });

  it('a page’s script cannot be ended by a title', () => {
    const html = toHtml(lineFigure({ a: [1, 2] }, { title: '</script><b>' }), 'f1');
    expect(html.match(/<\/script>/g)).toHaveLength(1);
    expect(html).toContain('height:400px');
  });

  it('histograms are shares that add to one for each sample', () => {
    const figure = figures.histogram;
    if (figure.kind !== 'histogram') throw new Error('no histogram');
    expect(figure.series.map((s) => s.shares)).toEqual([
      [0.25, 0.75],
      [0, 1],
    ]);
    expect(figure.borders).toEqual([0, 1, 2]);
  });

  it('equal ratios are equal distances on a logarithmic axis', () => {
    const points = /points="([^"]*)"/
      .exec(toSvg(figures.logX))?.[1]
      .split(' ')
      .map((p) => p.split(',').map(Number));
    const [a, b, c] = points?.map(([x]) => x) ?? [];
    expect(b - a).toBeCloseTo(c - b, 1);
    expect(b - a).toBeGreaterThan(100);
    expect(toSvg(figures.logX)).toMatch(/>0\.1<.*>1<.*>10</);
  });

  it('a value that is missing is said to be', () => {
    expect(toSvg(figures.bars)).toContain('not run');
    expect(toText(figures.bars)).toContain('posterior not run');
    expect(JSON.stringify(toPlotly(figures.bars))).toContain('not run');
  });
});

describe('slices', () => {
  const cut = (axis: 'x' | 'y' | 'z') => sliceFigure({ data, shape }, { axis });
  // value = (x · 4 + y) · 5 + z, from 0 to 59; window from about 0 to 59
  const grey = (v: number) => Math.round((v * 255) / 59);

  it.each([
    ['z', 3, 4, 5, (i: number, j: number, at: number) => (i * 4 + j) * 5 + at],
    ['y', 3, 5, 4, (i: number, j: number, at: number) => (i * 4 + at) * 5 + j],
    ['x', 4, 5, 3, (i: number, j: number, at: number) => (at * 4 + i) * 5 + j],
  ] as const)(
    'across %s: width, height and every voxel where it belongs',
    (axis, width, height, count, value) => {
      const figure = cut(axis);
      expect([figure.width, figure.height, figure.indices.length]).toEqual([width, height, count]);
      figure.image.forEach((pixels, at) => {
        pixels.forEach((pixel, k) => {
          expect(Math.abs(pixel - grey(value(k % width, Math.floor(k / width), at)))).toBeLessThanOrEqual(4);
        });
      });
    },
  );

  it('a map of numbers is a panel from one end of its range to the other, in colours of its own', () => {
    const maps = {
      p: Float32Array.from(data, (v) => v / 59),
      twice: Float32Array.from(data, (v) => v / 118),
    };
    const figure = sliceFigure({ data, shape }, { maps, axis: 'z', overlays: { label } });
    expect(figure.overlays.map(({ name, range }) => [name, range])).toEqual([
      ['label', undefined],
      ['p', [0, 1]],
      ['twice', [0, 1]],
    ]);
    figure.overlays[1].slices.forEach((pixels, at) => {
      pixels.forEach((v, k) => {
        expect(v).toBe(Math.round((255 * (((k % 3) * 4 + Math.floor(k / 3)) * 5 + at)) / 59));
      });
    });
    const colours = (toPlotly(figure)?.data ?? []).map((trace) => JSON.stringify(trace.colorscale));
    expect(new Set(colours).size).toBe(3);
    expect(colours[2]).toBe(colours[3]);
    expect(sliceFigure({ data, shape }, { maps, range: [0, 2] }).overlays[0].range).toEqual([0, 2]);
  });

  it('opens at the slice with most foreground, and thins what is too large', () => {
    expect(sliceFigure({ data, shape }, { overlays: { label } }).start).toBe(3);
    const side = 160;
    const large = sliceFigure({ data: new Float32Array(side ** 3), shape: [side, side, side] });
    expect(large.indices.length * side * side).toBeLessThanOrEqual(400_000);
    expect(large.caption).toMatch(/Every \d+th slice/);
  });

  it('a label map of another size is refused with both sizes', () => {
    expect(() => sliceFigure({ data, shape }, { overlays: { label: new Uint8Array(59) } })).toThrow(
      /expected 60 voxels .* found 59/,
    );
  });

  it('an overlay is class · 32 + grey / 8', () => {
    expect([...composed(Uint8Array.of(0, 255, 128), Uint8Array.of(0, 0, 2))]).toEqual([0, 31, 80]);
  });
});

describe('the picture file', () => {
  it('gives back its pixels', () => {
    const pixels = Uint8Array.of(0, 1, 2, 2, 1, 0);
    const file = png(pixels, 3, ['#000000', '#ff0000', '#0000ff']);
    expect([...file.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([3, 2]);
    const at = file.indexOf('IDAT');
    const rows = inflateSync(file.subarray(at + 4, at + 4 + file.readUInt32BE(at - 4)));
    expect([...rows]).toEqual([0, 0, 1, 2, 0, 2, 1, 0]);
    // the check sum of an empty IEND chunk is known from the PNG standard
    expect(file.subarray(-4).toString('hex')).toBe('ae426082');
  });
});

describe('scales', () => {
  it.each([
    [0, '0'],
    [0.3333333, '0.333'],
    [-1234.5, '−1235'],
    [1e9, '1e9'],
    [2.5e-7, '2.5e−7'],
    [100, '100'],
    [Number.NaN, 'NaN'],
  ])('%s reads %s', (value, text) => expect(short(value)).toBe(text));

  it('ticks are round and inside', () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(0.13, 0.91, 4)).toEqual([0.2, 0.4, 0.6, 0.8]);
    expect(ticks(3, 3)).toEqual([3]);
    expect(logTicks(0.03, 10)).toEqual([0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]);
    expect(logTicks(0.5, 2e4)).toEqual([1, 10, 100, 1000, 10_000]);
  });

  it('lines break at blanks, extents leave NaN out', () => {
    expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapNames('Task04_Hippocampus (task04-laptop, 3000 steps)', 16)).toEqual([
      'Task04_',
      'Hippocampus',
      '(task04-laptop,',
      '3000 steps)',
    ]);
    expect(extent([Number.NaN, 2, -1])).toEqual([-1, 2]);
    expect(extent([])).toEqual([0, 1]);
  });
});

describe('colours', () => {
  // Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB; distance in CIELAB (ΔE 1976)
  const eyes: Record<string, number[][]> = {
    normal: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    protan: [
      [0.152286, 1.052583, -0.204868],
      [0.114503, 0.786281, 0.099216],
      [-0.003882, -0.048116, 1.051998],
    ],
    deutan: [
      [0.367322, 0.860646, -0.227968],
      [0.280085, 0.672501, 0.047413],
      [-0.01182, 0.04294, 0.968881],
    ],
    tritan: [
      [1.255528, -0.076749, -0.178779],
      [-0.078411, 0.930809, 0.147602],
      [0.004733, 0.691367, 0.3039],
    ],
  };
  const linear = (color: string) =>
    rgb(color).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  const seen = (eye: number[][], color: string) =>
    eye.map((row) =>
      Math.min(
        1,
        Math.max(
          0,
          row.reduce((s, m, i) => s + m * linear(color)[i], 0),
        ),
      ),
    );
  const lab = ([r, g, b]: number[]) => {
    const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
    const [x, y, z] = [
      (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
      0.2126 * r + 0.7152 * g + 0.0722 * b,
      (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    ];
    return [116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))];
  };
  const closest = (eye: number[][], colors: string[]) => {
    const points = colors.map((c) => lab(seen(eye, c)));
    return Math.min(
      ...points.flatMap((a, i) => points.slice(0, i).map((b) => Math.hypot(...a.map((v, k) => v - b[k])))),
    );
  };

  it.each(Object.entries(eyes))('operations and classes stay apart for %s eyes (ΔE over 15)', (_, eye) => {
    expect(
      closest(
        eye,
        operations.map((o) => operationColor(o.name)),
      ),
    ).toBeGreaterThan(15);
    expect(closest(eye, [1, 2, 3, 4, 5].map(classColor))).toBeGreaterThan(15);
  });

  it('a name keeps its colour, an unknown one too', () => {
    expect(operationColor('mine')).toBe(operationColor('mine'));
    expect(new Set(operations.map((o) => operationColor(o.name))).size).toBe(operations.length);
  });
});

/** Whether every element is closed, in order. */
function balanced(xml: string): boolean {
  const open: string[] = [];
  for (const [, closing, name, empty] of xml.matchAll(/<(\/?)([a-zA-Z][\w:-]*)(?:"[^"]*"|[^">])*?(\/?)>/g)) {
    if (empty) continue;
    if (!closing) open.push(name);
    else if (open.pop() !== name) return false;
  }
  return open.length === 0;
}
