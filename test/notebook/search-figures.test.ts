import { describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import { cellDot } from '../../src/notebook/cells';
import { choicesFigure, entropyFigure } from '../../src/notebook/charts';
import { collapseWarnings, withoutWeights } from '../../src/notebook/collapse';
import { chanceOfSharing, differenceFigure, sharedChoices } from '../../src/notebook/difference';
import type { Figure } from '../../src/notebook/figure';
import { genotypeFilm } from '../../src/notebook/film';
import { watch } from '../../src/notebook/loops';
import { operationColor } from '../../src/notebook/palette';
import { toPlotly } from '../../src/notebook/plotly';
import { evenly } from '../../src/notebook/scale';
import { toSvg } from '../../src/notebook/svg';
import { toText } from '../../src/notebook/text';
import { tornadoFigure } from '../../src/notebook/tornado';
import type { SearchReport } from '../../src/paper/bilevel';
import type { Alpha } from '../../src/paper/first-order';
import { edgesOf, type Genotype, genotypeOf, randomGenotype } from '../../src/paper/genotype';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';
import { complaints } from './plotly-node';

const names = operations.map((o) => o.name);
/** α that chooses operation `leader(edge)` on every edge of every cell. */
function alphaOf(leader: (edge: number) => number, strength = 1): Alpha {
  const rows = edgesOf(4).map((_, e) => names.map((_, o) => (o === leader(e) ? strength : 0)));
  return { enc: rows, red: rows, dec: rows, exp: rows };
}
const all = (op: (edge: number) => string): Genotype =>
  genotypeOf(operations, () => edgesOf(4).map((edge, e) => ({ ...edge, op: op(e) })), {});

describe('the collapse alarm', () => {
  it('knows what has no weights', () => {
    expect(withoutWeights(operations)).toEqual(['maxpool', 'avgpool', 'identity', 'zero']);
  });

  it('is silent at what chance gives, and cries where an operation without weights takes over', () => {
    const identities = (n: number) => all((e) => (e < n ? 'identity' : names[e % 4]));
    // Bin(14, 1/8): P(B ≥ 6) = 0.0047, P(B ≥ 7) = 0.00084
    expect(collapseWarnings(identities(6), operations)).toEqual([]);
    const found = collapseWarnings(identities(7), operations);
    expect(found).toHaveLength(4);
    expect(found[0]).toContain('cell enc: 7 of 14 edges are identity');
  });

  it('sees several of them together', () => {
    const mixed = all((e) => ['maxpool', 'avgpool', 'identity', 'zero'][e % 4]);
    expect(collapseWarnings(mixed, operations)[0]).toContain('14 of 14 edges are without weights');
    expect(
      collapseWarnings(
        all(() => 'conv3'),
        operations,
      ),
    ).toEqual([]);
  });

  it('cries in about as few random cells as it says', () => {
    const cries = Array.from({ length: 500 }, (_, i) =>
      collapseWarnings(randomGenotype(operations, key(1, 'random', i)), operations),
    ).flat();
    // 2,000 cells × 5 questions of at most 0.001 each
    expect(cries.length).toBeLessThanOrEqual(20);
  });
});

describe('two genotypes', () => {
  const [a, b] = [all((e) => names[e % 8]), all((e) => names[e < 7 ? e % 8 : (e + 1) % 8])];

  it('share what they share', () => {
    expect(sharedChoices(a, b)).toEqual({ enc: 7, red: 7, dec: 7, exp: 7 });
    expect(sharedChoices(a, a).exp).toBe(14);
    expect(chanceOfSharing(0, 56, 8)).toBeCloseTo(1, 12);
    expect(chanceOfSharing(56, 56, 8)).toBeCloseTo(8 ** -56, 60);
  });

  it('are drawn with both operations where they differ, with one where not', async () => {
    const figure = await differenceFigure(a, b, ['first', 'second']);
    expect(figure.caption).toBe('28 of 56 choices are the same: enc 7, red 7, dec 7, exp 7');
    expect(figure.svg.match(/font-size="10.0"/g)).toHaveLength(4 * (7 + 2 * 7));
    expect(figure.svg).toContain('first, then second');
    const dot = cellDot([{ from: 0, to: 2, op: 'conv3', other: 'zero' }]);
    expect(dot).toContain(`color="${operationColor('conv3')}:${operationColor('zero')}"`);
  });
});

describe('the film of a search', () => {
  const alphas = [alphaOf((e) => e % 8), alphaOf(() => 7), alphaOf((e) => (e + 3) % 7, 3)];

  it('has a frame an epoch, all laid out alike, and a slider that shows one', async () => {
    const film = await genotypeFilm(alphas, operations, defaultReadings);
    expect(film.frames.map((f) => f.label)).toEqual(['0', '1', '2']);
    const places = film.frames.map(({ svg }) => svg.match(/points="[^"]*"/g)?.join());
    const boxes = film.frames.map(({ svg }) =>
      svg
        .match(/<ellipse [^>]*>/g)
        ?.map((e) => /cx.*/.exec(e)?.[0])
        .join(),
    );
    expect(new Set(boxes).size).toBe(1);
    expect(places[0]).toBeDefined();
    expect(toSvg(film)).toBe(film.frames[2].svg);
    const layout = toPlotly(film)?.layout as Record<string, unknown>;
    const images = layout.images as { visible: boolean }[];
    expect(images.map((i) => i.visible)).toEqual([false, false, true]);
    const steps = (layout.sliders as { steps: { args: object[] }[] }[])[0].steps;
    expect(steps[1].args).toEqual([
      { 'images[0].visible': false, 'images[1].visible': true, 'images[2].visible': false },
    ]);
    expect(toText(film)).toBe('The cells at each epoch: 3 drawings, epoch 0, 1, 2');
  });

  it('of many epochs shows some, evenly, both ends among them', async () => {
    expect(evenly(200, 5)).toEqual([0, 50, 100, 149, 199]);
    expect(evenly(3, 5)).toEqual([0, 1, 2]);
    const film = await genotypeFilm(alphas, operations, defaultReadings, 'Two', 2);
    expect(film.frames.map((f) => f.label)).toEqual(['0', '2']);
  });
});

describe('charts of a search', () => {
  const reports = [1, 2].map(
    (step) => ({ step, entropyAlpha: 2 / step, entropyZBar: 1 / step }) as SearchReport,
  );

  it('entropy has α, Z̄ and that of equal operations', () => {
    expect(entropyFigure(reports, 8).series.map(({ name, y }) => [name, y])).toEqual([
      ['softmax(α)', [2, 1]],
      ['Z̄', [1, 0.5]],
      ['ln 8', [Math.log(8), Math.log(8)]],
    ]);
  });

  it('choices count every edge once an epoch, stacked, with the alarm of the last', () => {
    const figure = choicesFigure([alphaOf((e) => e % 4), alphaOf(() => 6)], operations);
    const total = (i: number) => figure.series.reduce((sum, s) => sum + s.values[i], 0);
    expect([total(0), total(1)]).toEqual([56, 56]);
    expect(figure.series.map((s) => s.values[1])).toEqual([0, 0, 0, 0, 0, 0, 56, 0]);
    expect(figure.caption).toContain('Collapse alarm: cell enc: 14 of 14 edges are identity');
    expect(toPlotly(figure)?.layout.barmode).toBe('stack');
  });

  it('stacked bars stand on one another', () => {
    const figure = choicesFigure([alphaOf((e) => e % 2)], operations);
    const boxes = [
      ...toSvg(figure).matchAll(
        /<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="([\d.]+)" fill="(#0072B2|#D55E00)"/g,
      ),
    ];
    const bars = boxes.filter(([, , height]) => Number(height) > 10);
    const [first, second] = bars.map(([, y, height]) => [Number(y), Number(height)]);
    expect(second[0] + second[1]).toBeCloseTo(first[0], 1);
  });
});

describe('a tornado', () => {
  const rows = [
    { name: 'small', values: [0.1, 5], errors: [0, 1] },
    { name: 'none', values: [Number.NaN, Number.NaN] },
    { name: 'large', values: [-2, Number.NaN], errors: [0.5, 0] },
  ];
  const figure = tornadoFigure(rows, ['Dice', 'cost'], { title: 'T' });

  it('has the largest first and what was not run last, said to be so', () => {
    expect(figure.categories).toEqual(['large', 'small', 'none']);
    expect(toText(figure)).toBe(
      'T: Dice large −2, small 0.1, none not run; cost large not run, small 5, none not run',
    );
    expect(toSvg(figure).match(/not run/g)).toHaveLength(3);
    expect(JSON.stringify(toPlotly(figure)).match(/not run/g)).toHaveLength(3);
  });

  it.each<[string, Figure]>([
    ['tornado', figure],
    ['all missing', tornadoFigure([rows[1]], ['Dice', 'cost'], { title: 'T' })],
    [
      'film',
      {
        kind: 'film',
        title: 'F',
        caption: '',
        slider: 'epoch',
        frames: ['0', '1'].map((label) => ({ label, svg: '<svg width="3" height="4"/>' })),
        start: 0,
      },
    ],
    ['stacked', choicesFigure([alphaOf(() => 0)], operations)],
  ])('%s: a picture without NaN, and plotly has nothing against it', (_, drawn) => {
    expect(toSvg(drawn)).not.toMatch(/NaN|undefined|Infinity/);
    const plotly = toPlotly(drawn);
    // What is not visible is not read.
    const found = plotly ? complaints(plotly) : [];
    expect(found.filter((line) => !line.includes('did not get coerced'))).toEqual([]);
  });
});

describe('watching', () => {
  it('fills several places from one loop, and ends them all', async () => {
    async function* steps() {
      yield 1;
      yield 2;
    }
    const log: string[] = [];
    const place = (name: string) => ({
      update: (content: unknown) => log.push(`${name} ${(content as () => string)()}`),
      done: () => log.push(`${name} done`),
    });
    await watch(steps(), place('a'), (n) => `${n}`, [place('b'), (n) => `${n * n}`]);
    expect(log).toEqual(['a 1', 'b 1', 'a 2', 'b 4', 'a done', 'b done']);
  });
});
