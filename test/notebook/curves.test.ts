import { describe, expect, it } from 'vitest';
import { caseCurves, learningCurves } from '../../src/notebook/curves';
import { errorMap, withMistakes } from '../../src/notebook/mistakes';
import { publishedRuns } from '../../src/notebook/records';
import { retrainReports } from '../../src/notebook/runs';

const runs = publishedRuns('task04-laptop/scnas').concat(publishedRuns('task04-laptop/random'));
const methods = { found: 'scnas', 'not there': 'none', random: 'random' };

describe('curves from records', () => {
  it('a point an epoch: the mean of its steps', () => {
    const figure = learningCurves(runs, methods, 'L');
    expect(figure.series.map((s) => s.name)).toEqual(['found', 'random']);
    expect(figure.caption).toContain('Not run: not there.');
    const { x, y } = figure.series[0];
    expect([x.length, x[0], x[59]]).toEqual([60, 50, 3000]);
    const first = retrainReports(runs[0]).slice(0, 50);
    expect(y[0]).toBeCloseTo(first.reduce((sum, { loss }) => sum + loss, 0) / 50, 10);
    expect(y[59]).toBeLessThan(y[0] / 3);
  });

  it('cases in the first method’s order, the worst first', () => {
    const [found, random] = caseCurves(runs, methods, 'C').series;
    expect(found.y).toEqual([...found.y].sort((a, b) => a - b));
    expect([found.x.length, random.x.length]).toEqual([42, 42]);
    expect(random.y).not.toEqual([...random.y].sort((a, b) => a - b));
    const mean = found.y.reduce((a, b) => a + b, 0) / 42;
    expect(mean).toBeCloseTo(100 * Number(runs[0].record.dice?.mean), 1);
  });

  it('nothing run is an empty chart that says so', () => {
    const figure = caseCurves([], methods, 'C');
    expect([figure.series, figure.caption]).toEqual([
      [],
      expect.stringContaining('Not run: found, not there, random.'),
    ]);
  });
});

describe('the map of mistakes', () => {
  it('names each kind behind the classes', () => {
    const truth = [0, 1, 2, 1, 0, -1, 2];
    const found = [0, 1, 2, 0, 1, 0, 1];
    expect([...errorMap(found, truth, 3)]).toEqual([0, 0, 0, 3, 4, 0, 5]);
    expect(withMistakes(['background', 'a', 'b']).slice(3)).toEqual(['missed', 'too much', 'wrong class']);
    expect(() => errorMap([0], truth, 3)).toThrow(/two maps of one shape/);
  });
});
