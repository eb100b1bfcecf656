import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { differenceTable, groupsOf, publishedRuns, scoreBars, scoreTable } from '../../src/notebook/records';
import { toText } from '../../src/notebook/text';

const results = path.join(__dirname, '..', '..', 'results');
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'records-'));
afterAll(() => fs.rmSync(root, { recursive: true }));

/** A record like a published one, with other numbers. */
function put(where: string, fields: object, cases: readonly (readonly [string, number])[]) {
  const record = JSON.parse(fs.readFileSync(path.join(results, 'task04-laptop/scnas/record.json'), 'utf8'));
  const dir = path.join(root, where);
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'record.json'), JSON.stringify({ ...record, ...fields }));
  const lines = cases.map(([id, v]) => JSON.stringify({ id, dice: { Anterior: v }, mean: v, seconds: 1 }));
  fs.writeFileSync(path.join(dir, 'cases.jsonl'), lines.map((line) => `${line}\n`).join(''));
}

const heart = { task: 'Task02_Heart', genotypeHash: null };
put('t/heart/transfer-0', { ...heart, method: 'transfer', seed: 0, dice: { mean: 0.9 } }, [
  ['a', 0.9],
  ['b', 0.8],
]);
put('t/heart/transfer-1', { ...heart, method: 'transfer', seed: 1, dice: { mean: 0.8 } }, [
  ['a', 0.7],
  ['b', 0.8],
]);
put('t/heart/random', { ...heart, method: 'random', dice: { mean: 0.7 } }, [
  ['a', 0.5],
  ['b', 0.9],
  ['c', 0.1],
]);
put('t/heart/inner', { ...heart, method: 'random', inner: true, dice: { mean: 0.1 } }, []);
put('t/heart/unfinished', { ...heart, method: 'random', dice: null }, []);
put('other/heart', { ...heart, method: 'scnas', dice: { mean: 0.6 } }, [['a', 0.6]]);

const methods = { own: 'scnas', brain: 'transfer', random: 'random' };

describe('records under results/', () => {
  it('the published ones are found, each with its genotype and cases', () => {
    const runs = publishedRuns('task04-laptop');
    expect(runs.map((r) => [r.where, r.record.method, r.cases.length, r.genotype?.cells.enc.length])).toEqual(
      [
        ['task04-laptop/random', 'random', 42, 14],
        ['task04-laptop/scnas', 'scnas', 42, 14],
      ],
    );
    expect(publishedRuns('nowhere')).toEqual([]);
  });

  it('runs that compare stand in one row; what chose and what is not evaluated is left out; the rest is not run', () => {
    const runs = publishedRuns('', root);
    expect(groupsOf(runs, ['Task02_Heart']).map((g) => [g.folder, g.runs.length])).toEqual([
      ['other', 1],
      ['t', 3],
    ]);
    const { rows } = scoreTable(runs, ['Task06_Lung', 'Task02_Heart'], methods, 'T');
    // standard deviation of 90 and 80: 10 / √2
    expect(rows).toEqual([
      ['Task06_Lung', 'not run', 'not run', 'not run'],
      ['Task02_Heart (other, 3000 steps)', '60.00', 'not run', 'not run'],
      ['Task02_Heart (t, 3000 steps)', 'not run', '85.00 ± 7.07 (2 runs)', '70.00'],
    ]);
    const bars = scoreBars(runs, ['Task06_Lung', 'Task02_Heart'], methods, 'B');
    expect(bars.series[1].values).toEqual([Number.NaN, Number.NaN, 85]);
    expect(bars.series[1].errors?.[2]).toBeCloseTo(7.0711, 3);
    expect(toText(bars)).toContain('Task06_Lung not run');
  });

  it('differences are over the cases that both have, seeds averaged first', () => {
    const { rows } = differenceTable(publishedRuns('t', root), ['Task02_Heart'], ['transfer', 'random'], 'D');
    // a: 0.8 − 0.5, b: 0.8 − 0.9; mean 0.1
    expect(rows).toHaveLength(1);
    expect([rows[0][1], rows[0][4]]).toEqual(['10.00', '2']);
    expect(differenceTable([], ['Task02_Heart'], ['transfer', 'random'], 'D').rows[0][1]).toBe('not run');
  });

  it('of the published pair as scnas compare has it', () => {
    const { rows } = differenceTable(
      publishedRuns('task04-laptop'),
      ['Task04_Hippocampus'],
      ['scnas', 'random'],
      'D',
    );
    expect(rows[0].slice(1)).toEqual(['0.29', '0.00 to 0.58', '0.047', '42']);
  });
});
