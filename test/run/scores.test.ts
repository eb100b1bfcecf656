import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import { bootstrapInterval, wilcoxon } from '../../src/evaluate/statistics';
import { compareRuns } from '../../src/run/compare';
import { openRun } from '../../src/run/folder';
import { type CaseLine, caseLine, scoreOf, summariseLines } from '../../src/run/scores';
import { errorOf, freshFolder } from '../data/folder';

const classes = ['background', 'one', 'two'];
const shape = [4, 4, 4] as const;
const maps = (labels: Uint8Array, truth: Uint8Array) => ({
  labels,
  truth,
  shape,
  spacing: [1, 2, 3] as const,
});
const map = (entries: Record<number, number>) => {
  const out = new Uint8Array(64);
  for (const [i, label] of Object.entries(entries)) out[Number(i)] = label;
  return out;
};

describe('a line of cases.jsonl', () => {
  it('has Dice and HD95 by class, null where there is no number', () => {
    const line = caseLine(classes, 'a', maps(map({ 0: 1, 1: 1 }), map({ 1: 1, 2: 1 })), 1.2345);
    expect(line).toEqual({
      id: 'a',
      dice: { one: 0.5, two: null },
      hd95: { one: expect.closeTo(0.95 * 3, 9), two: null },
      mean: 0.5,
      seconds: 1.23,
    });
    const missed = caseLine(classes, 'b', maps(map({ 0: 1 }), map({ 0: 1, 9: 2 })), 1);
    expect(missed).toMatchObject({ dice: { one: 1, two: 0 }, hd95: { one: 0, two: null }, mean: 0.5 });
    expect([scoreOf(missed, 'dice', 'mean'), scoreOf(missed, 'hd95', 'mean')]).toEqual([0.5, 0]);
    expect(JSON.parse(JSON.stringify(missed))).toEqual(missed);
  });

  it('lines without HD95, of earlier versions, have none', () => {
    const old: CaseLine = { id: 'a', dice: { one: 0.5, two: null }, mean: 0.5, seconds: 1 };
    expect(scoreOf(old, 'hd95', 'one')).toBeNaN();
    const { dice, hd95 } = summariseLines([old], classes, 1);
    expect(hd95.one).toEqual({ n: 0, mean: null, sd: null, median: null, low: null, high: null });
    expect(dice.two.n).toBe(0);
    expect(dice.mean).toMatchObject({ n: 1, mean: 0.5, sd: null });
  });
});

const scores = [0.81, 0.78, 0.9, 0.66, 0.71, 0.88];
const others = [0.8, 0.79, 0.85, 0.61, 0.73, 0.8];
const line = (id: string, one: number): CaseLine => ({
  id,
  dice: { one, two: null },
  hd95: { one: 10 * (1 - one), two: null },
  mean: one,
  seconds: 1,
});

/** A run as the published one, with other lines, and with changes to its record and its configuration. */
function run(
  root: string,
  name: string,
  lines: readonly CaseLine[],
  record: object = {},
  config: object = {},
): string {
  const dir = path.join(root, name);
  fs.mkdirSync(dir);
  for (const [file, changes] of Object.entries({ record, config })) {
    const from = path.join(__dirname, `../../results/task04-laptop/scnas/${file}.json`);
    const json = { ...JSON.parse(fs.readFileSync(from, 'utf8')), ...changes };
    fs.writeFileSync(path.join(dir, `${file}.json`), JSON.stringify(json));
  }
  fs.writeFileSync(path.join(dir, 'cases.jsonl'), lines.map((l) => `${JSON.stringify(l)}\n`).join(''));
  return dir;
}

describe('two runs side by side', () => {
  it('cases are paired by id, in any order; those of one run alone are left out', () => {
    const root = freshFolder();
    const a = run(root, 'a', [...scores.map((v, i) => line(`c${i}`, v)), line('only a', 0)]);
    const b = run(root, 'b', others.map((v, i) => line(`c${i}`, v)).reverse());
    const { rows, cases, alone } = compareRuns(a, b, 3);
    expect([cases, alone]).toEqual([6, [1, 0]]);
    const one = rows.find((row) => row.metric === 'dice' && row.name === 'one');
    const differences = scores.map((v, i) => v - others[i]);
    expect(one?.difference).toBeCloseTo(differences.reduce((x, y) => x + y, 0) / 6, 12);
    expect(one?.a).toBeCloseTo(scores.reduce((x, y) => x + y, 0) / 6, 12);
    expect(one?.p).toBe(wilcoxon(scores, others).p);
    expect(one?.low).toBe(bootstrapInterval(differences, key(3, 'compare', 'dice', 'one'))[0]);
    expect(rows.find((row) => row.metric === 'hd95' && row.name === 'mean')?.difference).toBeCloseTo(
      (-10 * differences.reduce((x, y) => x + y, 0)) / 6,
      9,
    );
    expect(rows.find((row) => row.name === 'two')).toMatchObject({ n: 0, difference: null, p: null });
    expect(compareRuns(a, b, 3)).toEqual({ ...compareRuns(a, b, 3) });
  });

  it('folds joined by commas are one method', () => {
    const root = freshFolder();
    const half = (from: readonly number[], start: number) =>
      from.slice(start, start + 3).map((v, i) => line(`c${start + i}`, v));
    const [a0, a1] = [0, 3].map((start) => run(root, `a${start}`, half(scores, start), { fold: start }));
    const b = run(
      root,
      'b',
      others.map((v, i) => line(`c${i}`, v)),
    );
    const joined = compareRuns(`${a0},${a1}`, b).rows[0];
    expect(joined).toMatchObject({ n: 6, p: wilcoxon(scores, others).p });
    expect(errorOf(() => compareRuns(`${a0},${a0}`, b))).toContain('fold 0, seed 0 twice');
  });

  it('of seeds joined by commas a case counts with its mean over those that have a score', () => {
    const root = freshFolder();
    const lines = (from: readonly number[]) => from.map((v, i) => line(`c${i}`, v));
    const missed: CaseLine = { ...line('c5', 0), dice: { one: null, two: null }, mean: null };
    const first = run(root, 'seed0', lines(scores), { seed: 0 });
    const second = run(root, 'seed1', [...lines(others).slice(0, 5), missed], { seed: 1 });
    const zero = run(root, 'zero', lines(scores.map(() => 0)));
    const means = scores.map((v, i) => (i === 5 ? v : (v + others[i]) / 2));
    const [one] = compareRuns(`${first},${second}`, zero).rows;
    expect(one).toMatchObject({
      name: 'one',
      n: 6,
      p: wilcoxon(
        means,
        means.map(() => 0),
      ).p,
    });
    expect(one.a).toBeCloseTo(means.reduce((x, y) => x + y, 0) / 6, 12);
    const other = run(root, 'other', lines(scores), { seed: 1, method: 'random' });
    expect(errorOf(() => compareRuns(`${first},${other}`, zero))).toContain('folds and seeds of one method');
  });

  it('what cannot be compared is an error', () => {
    const root = freshFolder();
    const a = run(root, 'a', [line('c0', 1)]);
    const empty = run(root, 'empty', []);
    const strange = run(root, 'strange', [line('c0', 1)], { dataHash: 'other' });
    const apart = run(root, 'apart', [line('c9', 1)], { fold: 1 });
    expect(errorOf(() => compareRuns(a, empty))).toContain('scnas evaluate --run');
    expect(errorOf(() => compareRuns(a, strange))).toContain('the same data');
    expect(errorOf(() => compareRuns(a, apart))).toContain('folds 0 and 1, and none');
    expect(errorOf(() => compareRuns(`${a},${strange}`, a))).toContain('of one method on one data set');
    const inner = run(root, 'inner', [line('c1', 1)], { seed: 1, inner: true });
    expect(errorOf(() => compareRuns(`${a},${inner}`, a))).toContain('scnas on an inner split');
    const longer = { retrain: { ...openRun(a).config.retrain, steps: 17 } };
    const other = run(root, 'longer', [line('c1', 1)], { seed: 1 }, longer);
    expect(errorOf(() => compareRuns(`${a},${other}`, a))).toMatch(/trained alike.*and 17 training steps/);
    expect(errorOf(() => compareRuns(path.join(root, 'nothing'), a))).toContain('record.json');
  });
});
