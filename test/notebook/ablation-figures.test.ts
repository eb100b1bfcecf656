import { describe, expect, it } from 'vitest';
import { meanAndSd } from '../../src/evaluate/statistics';
import type { AblationRow, AblationRun, Quantity } from '../../src/notebook/ablation';
import {
  ablationCurves,
  ablationDice,
  ablationSpread,
  ablationTornado,
  epochMeans,
} from '../../src/notebook/ablation-figures';
import type { Figure } from '../../src/notebook/figure';
import { seriesColor } from '../../src/notebook/palette';
import { toPlotly } from '../../src/notebook/plotly';
import { toSvg } from '../../src/notebook/svg';
import { toText } from '../../src/notebook/text';
import type { SearchReport } from '../../src/paper/bilevel';
import { complaints } from './plotly-node';

/** A run with Dice after retraining, half of it before, and multiply-adds in G. */
function run(seed: number, dice: number, multiplyAdds: number): AblationRun {
  const curve = [seed + 2, seed + 1];
  const search = {
    epoch: [0, 1],
    tau: curve,
    entropyAlpha: curve,
    entropyZBar: curve,
    operationsPerEdge: curve,
  };
  const values = {
    entropyAlpha: 2,
    entropyZBar: 1,
    operationsPerEdge: 1.5,
    diceBefore: dice / 2,
    diceAfter: dice,
  };
  return {
    seed,
    values: { ...values, multiplyAdds, seconds: 9 },
    search,
    record: {} as AblationRun['record'],
  };
}

function row(title: string, runs: readonly AblationRun[]): AblationRow {
  const quantities: Quantity[] = [
    'entropyAlpha',
    'entropyZBar',
    'operationsPerEdge',
    'diceBefore',
    'diceAfter',
    'multiplyAdds',
    'seconds',
  ];
  const over = Object.fromEntries(quantities.map((q) => [q, meanAndSd(runs.map(({ values }) => values[q]))]));
  return { name: title, title, runs, over: over as AblationRow['over'] };
}

const rows = [
  row('ours', [run(0, 80, 2), run(1, 84, 4)]),
  row('other', [run(0, 83, 1), run(1, 85, 3)]),
  row('third', []),
  row('alone', [run(1, 82, 4)]),
];

describe('pictures of ablation records', () => {
  it('curves are means over seeds, each variant in the colour of its place; what was not run is named', () => {
    const figure = ablationCurves(rows, 'tau', { title: 'τ', yTitle: '' });
    expect(figure.series.map(({ name, x, y, color }) => [name, x, y, color])).toEqual([
      ['ours', [0, 1], [2.5, 1.5], seriesColor(0)],
      ['other', [0, 1], [2.5, 1.5], seriesColor(1)],
      ['alone', [0, 1], [3, 2], seriesColor(3)],
    ]);
    expect(figure.caption).toContain('Not run: third.');
  });

  it('bars of Dice have a mean and a spread, or say that nothing was run', () => {
    const { series } = ablationDice(rows, 'Dice');
    expect(series[1].values).toEqual([82, 84, Number.NaN, 82]);
    expect(series[1].errors).toEqual([Math.sqrt(8), Math.SQRT2, 0, 0]);
    expect(series[0].values[0]).toBe(41);
    expect(toText(ablationDice(rows, 'Dice'))).toContain('third not run');
  });

  it('a tornado compares seed with seed', () => {
    const figure = ablationTornado(rows, 'T');
    // other − ours: 3 and 1; alone has seed 1 only: 82 − 84
    expect(figure.categories.slice(0, 2).sort()).toEqual(['alone', 'other']);
    expect(figure.categories[2]).toBe('third');
    const of = (panel: number, name: string) => figure.panels[panel].values[figure.categories.indexOf(name)];
    expect([of(0, 'other'), of(0, 'alone'), of(0, 'third')]).toEqual([2, -2, Number.NaN]);
    expect([of(1, 'other'), of(1, 'alone')]).toEqual([-37.5, 0]);
    expect(figure.panels[0].errors[figure.categories.indexOf('other')]).toBeCloseTo(Math.SQRT2, 12);
    expect(figure.caption).toContain('82.00');
  });

  it('spread says how far variants, and how far seeds lie apart', () => {
    const { between, within } = ablationSpread(rows, 'diceAfter');
    expect(between).toBe(2);
    expect(within).toBeCloseTo(Math.sqrt((8 + 2) / 2), 12);
    expect(ablationSpread([], 'diceAfter')).toEqual({ between: Number.NaN, within: Number.NaN });
  });

  it.each<[string, Figure]>([
    ['curves', ablationCurves(rows, 'tau', { title: 'τ', yTitle: '' })],
    ['dice', ablationDice(rows, 'Dice')],
    ['tornado', ablationTornado(rows, 'T')],
    ['no curves', ablationCurves([rows[2]], 'tau', { title: 'τ', yTitle: '' })],
    ['no dice', ablationDice([rows[2]], 'Dice')],
    ['no tornado', ablationTornado([rows[2], rows[2]], 'T')],
  ])('%s: no NaN in the picture, plotly has nothing against it', (_, figure) => {
    expect(toSvg(figure)).not.toMatch(/NaN|undefined|Infinity/);
    expect(toText(figure)).not.toMatch(/NaN|undefined/);
    const plotly = toPlotly(figure);
    expect(plotly && complaints(plotly)).toEqual([]);
  });
});

it('means over epochs', () => {
  const report = (epoch: number, tau: number) => ({ epoch, tau }) as SearchReport;
  expect(epochMeans([report(0, 1), report(0, 2), report(3, 5)], 'tau')).toEqual([1.5, 5]);
});
