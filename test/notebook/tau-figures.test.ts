import { describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import { toPlotly } from '../../src/notebook/plotly';
import { toSvg } from '../../src/notebook/svg';
import {
  operationsDrawn,
  operationsFigure,
  operationsOf,
  operationsTable,
  tauFigure,
} from '../../src/notebook/tau-figures';
import { schedules } from '../../src/paper/anneal';
import { complaints } from './plotly-node';

describe('schedules of τ', () => {
  it('are drawn at every epoch', () => {
    const { series } = tauFigure(schedules, 10);
    expect(series.map((s) => s.name)).toEqual(Object.keys(schedules));
    expect(series[0].y[0]).toBe(10);
    expect(series[0].y[9]).toBeCloseTo(0.1, 12);
    expect(series[1].y).toEqual(new Array(10).fill(1));
  });

  it('computed: constant 1 stays at 2 − 0.355, linear falls from 2 − 0.127 to 2 − 0.913 (PAPER.md)', () => {
    expect(operationsOf(schedules['constant 1'], 100, 8).y[20]).toBeCloseTo(1.645, 3);
    const { x, y } = operationsOf(schedules['linear 10 → 0.1'], 100, 8);
    expect([x[0], x[33], y.length]).toEqual([0, 99, 34]);
    expect(y[0]).toBeCloseTo(1.873, 3);
    expect(y[33]).toBeCloseTo(1.087, 3);
  });

  it('drawn: about as computed, within four standard errors over 34 steps', () => {
    const { y } = operationsDrawn(schedules['constant 1'], 100, 8, key(1));
    const mean = y.reduce((a, b) => a + b) / y.length;
    const error = Math.sqrt((0.355 * 0.645) / (34 * 56));
    expect(Math.abs(mean - 1.645)).toBeLessThan(4 * error);
    expect(new Set(y).size).toBeGreaterThan(5);
  });

  it('in one picture: lines in the legend, points beside them in the same colours', () => {
    const figure = operationsFigure(schedules, 30, 8, key(1));
    expect(figure.series.filter((s) => s.points)).toHaveLength(5);
    expect(figure.series[0].color).toBe(figure.series[1].color);
    expect(figure.series[0].color).not.toBe(figure.series[2].color);
    const svg = toSvg(figure);
    expect(svg.match(/<circle/g)).toHaveLength(5 * 30);
    expect(svg.match(/<polyline/g)).toHaveLength(5);
    expect(svg).not.toContain('drawn</text>');
    const plotly = toPlotly(figure);
    expect(plotly && complaints(plotly)).toEqual([]);
    expect(plotly?.data.map((trace) => trace.mode).slice(0, 2)).toEqual(['lines', 'markers']);
  });

  it('in a table, with the mean over the search', () => {
    const { rows } = operationsTable({ constant: { kind: 'constant', value: 1 } }, 50, 8);
    expect(rows[0][0]).toBe('constant');
    for (const value of rows[0].slice(1)) expect(value).toBeCloseTo(1.645, 3);
  });
});
