/** What is committed under results/ and models/ is a valid copy of a run, without paths, and what the README says. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildTables } from '../../src/evaluate/table';
import { tablesMarkdown } from '../../src/evaluate/table-words';
import { ablationRecords } from '../../src/notebook/ablation';
import { ablations, type Over } from '../../src/run/ablation';
import { ablationPage } from '../../src/run/ablation-publish';
import { compareRuns } from '../../src/run/compare';
import { openRun, readLines, readRecord } from '../../src/run/folder';
import { configHash } from '../../src/run/record';
import { type CaseLine, diceOfLines } from '../../src/run/scores';
import { findRuns } from '../../src/run/table-runs';

const root = path.join(__dirname, '../..');
const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
const published = ['results', 'models'].flatMap((folder) => {
  const dir = path.join(root, folder);
  if (!fs.existsSync(dir)) return [];
  const names = fs.readdirSync(dir, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => path.basename(name) === 'record.json')
    .map((name) => path.join(folder, path.dirname(name)));
});

/** A string that is an absolute path, as JSON writes it. */
const PATH = /"(\/|[A-Za-z]:\\\\)[^"]*"/;

describe('published runs', () => {
  it.skipIf(published.length === 0).each(published)('%s', (name) => {
    const dir = path.join(root, name);
    const run = openRun(dir);
    const record = readRecord(run);
    expect(record.task).toBe(run.config.task);
    expect(record.dataHash).toBe(run.config.dataHash);
    expect(record.configHash).toBe(configHash(run.config));
    // A model that learned from every case has none left to be scored on.
    expect(record.dice === null).toBe(record.fold === 'all');
    const cases = readLines<{ dice: Record<string, number | null> }>(run, 'cases.jsonl');
    expect(cases).toHaveLength(record.cases);
    const told = readme.includes(`[${name.split(path.sep).slice(0, 2).join('/')}]`);
    for (const [label, value] of Object.entries(record.dice ?? {})) {
      if (told) expect(readme).toContain((100 * (value ?? 0)).toFixed(2));
      if (label === 'mean') continue;
      const given = cases.map((c) => c.dice[label]).filter((v): v is number => v !== null);
      if (given.length === 0) expect(value).toBeNull();
      else expect(given.reduce((a, b) => a + b, 0) / given.length).toBeCloseTo(value ?? Number.NaN, 9);
    }
    for (const file of fs.readdirSync(dir).filter((f) => /\.jsonl?$/.test(f)))
      expect(fs.readFileSync(path.join(dir, file), 'utf8')).not.toMatch(PATH);
  });

  it('whose numbers the README tells are among them', () => {
    expect(readme).toContain('[results/task04-laptop]');
    expect(published).toContain(path.join('results', 'task04-laptop', 'scnas'));
  });

  it.each(Object.keys(ablations) as Over[])('of the ablation %s are what its page says', (over) => {
    const dir = path.join(root, 'results', `ablation-${over}`);
    const page = fs.readFileSync(path.join(dir, 'README.md'), 'utf8');
    expect(page).toBe(ablationPage(over, dir));
    for (const run of ablationRecords(over, dir).flatMap(({ runs }) => runs))
      expect(run.record.inner).toBe(true);
  });

  it('of our choice among the readings are what results/README.md says', () => {
    const [ours, ...others] = ablationRecords('readings', path.join(root, 'results', 'ablation-readings'));
    const { mean, sd } = ours.over.diceAfter;
    const page = fs.readFileSync(path.join(root, 'results', 'README.md'), 'utf8').replace(/\s+/g, ' ');
    const [first, second, third] = ours.runs.map(({ values }) => values.diceAfter.toFixed(2));
    expect(page).toContain(`${first}, ${second} and ${third}`);
    expect(page).toContain(`${mean.toFixed(2)} ± ${sd.toFixed(2)}`);
    const withFirst = others.map(({ runs }) => runs[0].values.diceAfter);
    expect(page).toContain(
      `between ${Math.min(...withFirst).toFixed(2)} and ${Math.max(...withFirst).toFixed(2)}`,
    );
    // No rate was cut in so short a search.
    for (const { name, runs } of others.filter(({ name: n }) => n.startsWith('plateau')))
      for (const { seed, values } of runs)
        expect(values.diceAfter, name).toBe(ours.runs.find((run) => run.seed === seed)?.values.diceAfter);
  });

  /** The tables of a folder's records, which its committed page must say word by word. */
  const tablesOf = (name: string) => {
    const dir = path.join(root, 'results', name);
    const found = findRuns(dir, path.join(dir, 'table'));
    const tables = buildTables(found.runs);
    const page = fs.readFileSync(path.join(dir, 'table', 'table.md'), 'utf8');
    expect(page.trimEnd()).toBe(tablesMarkdown({ ...found, tables }).trimEnd());
    expect(tables).toHaveLength(1);
    return tables;
  };

  it('of real Task04 are what its table says, at the rate that was best on the inner split, with multiply-adds within 10 %', () => {
    tablesOf('task04');
    const choices = path.join(root, 'results', 'task04-choices');
    const names = fs.readdirSync(choices).map((name) => /^(.+)-([0-9.]+)$/.exec(name) ?? []);
    const runs = fs.readdirSync(path.join(root, 'results', 'task04')).filter((name) => name !== 'table');
    expect(runs.length).toBeGreaterThan(3);
    for (const name of runs) {
      const run = openRun(path.join(root, 'results', 'task04', name));
      const { method } = run.config;
      const tried = names
        .filter(([, of]) => of === method)
        .map(([folder]) => openRun(path.join(choices, folder)))
        .map((one) => ({
          rate: one.config.retrain.adam.rate,
          inner: one.config.inner,
          dice: readRecord(one).dice?.mean ?? 0,
        }));
      expect(tried.map(({ rate }) => rate).sort()).toEqual([0.001, 0.003, 0.01]);
      expect(tried.every(({ inner }) => inner)).toBe(true);
      const [best] = [...tried].sort((a, b) => b.dice - a.dice);
      expect(run.config.retrain.adam.rate, name).toBe(best.rate);
      const cost = readRecord(run).facts.multiplyAdds as number;
      expect(Math.abs(cost / run.config.match.multiplyAdds - 1), name).toBeLessThan(0.1);
    }
  });

  it.each([
    [
      'scnas-seed0,scnas-seed1',
      'random-seed0,random-seed1',
      'SCNAS is D ahead of random cells of equal cost (L to H,',
    ],
    ['scnas-seed0,scnas-seed1', 'uresnet-seed0', 'level with U-ResNet (+D, L to H)'],
    ['transfer-seed0', 'uresnet-seed0', 'Cells from the brain are D ahead of U-ResNet (L to H,'],
    ['transfer-seed0', 'random-seed0,random-seed1', 'D of random cells (L to H,'],
    ['transfer-seed0', 'scnas-seed0,scnas-seed1', "D of the fold's own (L to H)"],
  ])('%s less %s are what the README says', (a, b, sentence) => {
    const runs = (names: string) =>
      names
        .split(',')
        .map((name) => path.join(root, 'results', 'task04', name))
        .join(',');
    const rows = compareRuns(runs(a), runs(b)).rows;
    const row = rows.find(({ metric, name }) => metric === 'dice' && name === 'mean');
    const points = (value: number | null | undefined) =>
      (100 * (value ?? Number.NaN)).toFixed(2).replace('-', '−');
    const expected = sentence
      .replace('D', points(row?.difference))
      .replace('L to H', `${points(row?.low)} to ${points(row?.high)}`);
    expect(readme.replace(/\s+/g, ' ')).toContain(expected);
  });

  it('of the model to use: it was trained as what was best on the inner split, and its page says what each reached', () => {
    const model = path.join(root, 'models', 'hippocampus');
    const tried = path.join(root, 'results', 'model-hippocampus');
    const runs = fs.readdirSync(tried).map((name) => openRun(path.join(tried, name)));
    expect(runs.map(({ config: { fold, inner } }) => [fold, inner])).toEqual(runs.map(() => [0, true]));
    const dice = runs.map((run) => readRecord(run).dice?.mean ?? Number.NaN);
    const page = fs.readFileSync(path.join(model, 'README.md'), 'utf8');
    for (const value of dice) expect(page).toContain((100 * value).toFixed(2));
    const how = ({ config: { retrain } }: (typeof runs)[number]) => [
      retrain.stem,
      retrain.batch,
      retrain.adam.rate,
      retrain.decay,
    ];
    expect(how(openRun(model))).toEqual(how(runs[dice.indexOf(Math.max(...dice))]));
    const genotypes = [model, ...runs.map(({ dir }) => dir)].map((dir) => readRecord({ dir }).genotypeHash);
    expect(new Set(genotypes).size).toBe(1);
  });

  it('of the phantom campaign are what its table says: every cell run on three tasks and two folds, every number marked', () => {
    const tables = tablesOf('phantom-table1');
    const cells = tables[0].rows.flatMap((row) => row.cells);
    // Transfer to the brain, where the cells come from, is no cell of the paper's either.
    expect(cells.filter(({ ours }) => ours === null)).toHaveLength(4);
    for (const { ours, phantom, folds } of cells)
      if (ours !== null) expect([phantom, folds]).toEqual([true, [0, 1]]);
  });

  it('at the paper’s scale are what the README says of seconds and memory', () => {
    const large = JSON.parse(fs.readFileSync(path.join(root, 'results', 'large.json'), 'utf8'));
    for (const phase of ['search', 'retrain']) {
      const { stem, seconds, peakGiB } = large[phase];
      expect(readme.replace(/\s+/g, ' ')).toMatch(
        new RegExp(`stem ${stem} in ${seconds.toFixed(0)} s with (a peak of )?${peakGiB.toFixed(1)} GiB`),
      );
    }
  });

  it('of nnU-Net v2’s hour are what the README says', () => {
    const hour = path.join(root, 'results', 'hour');
    const files = fs.readdirSync(hour).map((name) => path.join(hour, name, 'hour.json'));
    const records = files.filter((file) => fs.existsSync(file));
    expect(records).toHaveLength(2);
    for (const file of records) {
      const { dice, cases, minutes, fold } = JSON.parse(fs.readFileSync(file, 'utf8'));
      const lines = readLines<CaseLine>({ dir: path.dirname(file) }, 'cases.jsonl');
      expect(diceOfLines(lines, ['background', 'Anterior', 'Posterior'])).toEqual(dice);
      expect([cases, minutes, fold]).toEqual([lines.length, 60, 0]);
      for (const value of Object.values(dice)) expect(readme).toContain((100 * Number(value)).toFixed(2));
    }
  });

  it('are looked for in every JSON that could hold a path', () => {
    expect('{"data":"/somewhere/else"}').toMatch(PATH);
    expect('{"data":"C:\\\\else"}').toMatch(PATH);
    expect('{"data":"$SCNAS_DATA","share":"1/2"}').not.toMatch(PATH);
  });
});
