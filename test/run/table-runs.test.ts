/** Runs are read from their folders with care: what is no result is named, what does not belong together is refused. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildTables } from '../../src/evaluate/table';
import { openRun } from '../../src/run/folder';
import { configHash } from '../../src/run/record';
import { writeTables } from '../../src/run/table-files';
import { findRuns } from '../../src/run/table-runs';

const results = path.join(__dirname, '../../results/task04-laptop');
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-table-'));
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A folder with copies of the published runs, one file of `scnas` changed. */
function changed(change: (dir: string) => void): string {
  const dir = path.join(root, String(folders++));
  fs.cpSync(results, dir, { recursive: true });
  change(path.join(dir, 'scnas'));
  return dir;
}

const edit = (file: string, to: (json: Record<string, never>) => object) =>
  fs.writeFileSync(file, JSON.stringify(to(JSON.parse(fs.readFileSync(file, 'utf8')))));
const record = (fields: object) =>
  changed((dir) => edit(path.join(dir, 'record.json'), (json) => ({ ...json, ...fields })));
/** Another configuration, by which its record says that it was made. */
const config = (fields: object) =>
  changed((dir) => {
    edit(path.join(dir, 'config.json'), (json) => ({ ...json, ...fields }));
    const hash = configHash(openRun(dir).config);
    edit(path.join(dir, 'record.json'), (json) => ({ ...json, configHash: hash }));
  });

describe('runs below a folder', () => {
  it('are found with their files, and give the numbers of their records', () => {
    const { runs, left } = findRuns(results);
    expect(left).toEqual([]);
    expect(runs.map(({ name, method, fold, seed, phantom }) => [name, method, fold, seed, phantom])).toEqual([
      ['random', 'random', 0, 0, false],
      ['scnas', 'scnas', 0, 0, false],
    ]);
    expect(runs[1].files).toEqual(['config.json', 'genotype.json', 'cases.jsonl', 'record.json']);
    const [table] = buildTables(runs);
    const { dice } = JSON.parse(fs.readFileSync(path.join(results, 'scnas/record.json'), 'utf8'));
    const cells = table.rows.find(({ method }) => method === 'scnas')?.cells ?? [];
    expect(cells.map(({ ours }) => ours)).toEqual(
      [dice.Anterior, dice.Posterior, dice.mean].map((value) => expect.closeTo(100 * value, 9)),
    );
    expect(findRuns(results, path.join(results, 'table')).runs[0].href).toBe('../random');
  });

  it('that are no results are left out, and named', () => {
    expect(findRuns(record({ dice: null })).left).toEqual(['scnas: not evaluated']);
    expect(findRuns(record({ inner: true })).left).toEqual([
      'scnas: an inner split, which choices are made by',
    ]);
    expect(findRuns(record({ fold: 'all' })).left).toEqual(['scnas: trained on every case']);
  });

  it('are in the table by what they trained on: another length, patch or rate is kept apart', () => {
    const retrain = JSON.parse(fs.readFileSync(path.join(results, 'scnas/config.json'), 'utf8')).retrain;
    const [random, scnas] = findRuns(results).runs;
    const of = (dir: string) => findRuns(dir).runs[1];
    expect(random.budget).toBe(scnas.budget);
    expect(random.plan).toBe(scnas.plan);
    expect(of(config({ retrain: { ...retrain, steps: 17 } })).budget).not.toBe(scnas.budget);
    expect(of(config({ patch: [32, 32, 32] })).plan).not.toBe(scnas.plan);
    expect(of(config({ dataHash: 'other' })).plan).not.toBe(scnas.plan);
    const faster = of(config({ retrain: { ...retrain, adam: { ...retrain.adam, rate: 0.5 } } }));
    expect([faster.budget, faster.plan]).toEqual([scnas.budget, scnas.plan]);
    expect(faster.own).not.toBe(scnas.own);
    // A width that was chosen to meet a cost is no setting of its own where it met it.
    const { multiplyAdds } = JSON.parse(
      fs.readFileSync(path.join(results, 'scnas/record.json'), 'utf8'),
    ).facts;
    const widths = (asked: number) =>
      [16, 20].map(
        (stem) => of(config({ match: { multiplyAdds: asked }, retrain: { ...retrain, stem } })).own,
      );
    expect(new Set(widths(1.05 * multiplyAdds)).size).toBe(1);
    expect(new Set(widths(1.2 * multiplyAdds)).size).toBe(2);
    expect(new Set(widths(0)).size).toBe(2);
    const moved = of(config({ data: 'elsewhere', seed: 3, fold: 2 }));
    expect([moved.budget, moved.plan, moved.own]).toEqual([scnas.budget, scnas.plan, scnas.own]);
  });
});

describe('what is refused', () => {
  it('a file where a folder is asked for, on either side', () => {
    const file = path.join(results, 'scnas/record.json');
    expect(() => findRuns(file)).toThrow('expected a folder with runs, found a file');
    expect(() => writeTables(results, file)).toThrow('found a file where a folder should be');
  });

  it('a Dice that is not the mean over the cases beside it, as a global Dice is', () => {
    const { dice } = JSON.parse(fs.readFileSync(path.join(results, 'scnas/record.json'), 'utf8'));
    const global = record({ dice: { ...dice, Anterior: dice.Anterior + 0.002 } });
    expect(() => findRuns(global)).toThrow(/scnas, Dice of Anterior: expected the mean over its 42 cases/);
    const { Posterior: _, ...less } = dice;
    expect(() => findRuns(record({ dice: less }))).toThrow('Dice of Posterior');
  });

  it('a configuration that was changed after its run', () => {
    const later = changed((dir) =>
      edit(path.join(dir, 'config.json'), (json) => ({ ...json, foreground: 0.5 })),
    );
    expect(() => findRuns(later)).toThrow(
      /scnas, config.json: expected the configuration that its record was made with/,
    );
  });

  it('cases that are gone, a broken record, a folder that is not there', () => {
    const cut = changed((dir) => {
      const file = path.join(dir, 'cases.jsonl');
      fs.writeFileSync(file, fs.readFileSync(file, 'utf8').split('\n').slice(1).join('\n'));
    });
    expect(() => findRuns(cut)).toThrow('expected the mean over its 41 cases');
    expect(() => findRuns(record({ seed: 'x' }))).toThrow('expected a valid seed');
    expect(() => findRuns(path.join(root, 'nowhere'))).toThrow('expected a folder with runs, found none');
  });
});
