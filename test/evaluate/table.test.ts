/** Table 1 as a function of runs: what a cell says, what is kept apart, what is refused. Numbers by hand; p-values are exact counts of signs. */
import { describe, expect, it } from 'vitest';
import { buildTables, type TableRun } from '../../src/evaluate/table';
import { cellWords, tablesJson, tablesMarkdown } from '../../src/evaluate/table-words';
import { table1Caveat, table1Rows } from '../../src/paper/table1';
import { tablesPage } from '../../src/run/table-page';

const BRAIN = ['edema', 'non-enhancing tumor', 'enhancing tumour'];
type Scores = readonly (readonly [id: string, ...dice: (number | null)[]])[];

/** A run of a task with Dice by case and class, as fractions. */
function run(scores: Scores, fields: Partial<TableRun> = {}): TableRun {
  const { task = 'Task02_Heart', method = 'scnas', fold = 0, seed = 0, plan = 'plan-a' } = fields;
  const { classes = task === 'Task01_BrainTumour' ? BRAIN : ['left atrium'] } = fields;
  return {
    name: `${task}/${method}-${fold}-${seed}-${plan}-${fields.own ?? ''}${fields.budget ?? ''}`,
    task,
    method,
    fold,
    seed,
    classes,
    lines: scores.map(([id, ...dice]) => ({
      id,
      dice: Object.fromEntries(classes.map((name, k) => [name, dice[k]])),
    })),
    budget: '100 steps',
    plan,
    own: 'own-a',
    words: { budget: '100 steps', plan: `patch of ${plan}`, own: 'rate 1' },
    phantom: false,
    withoutSearch: false,
    seconds: 90,
    multiplyAdds: 1.5e9,
    commit: 'abc123',
    href: `runs/${method}`,
    files: ['config.json', 'cases.jsonl', 'record.json'],
    ...fields,
  };
}

const cellsOf = (runs: readonly TableRun[], method: string, title: string) =>
  buildTables(runs).flatMap(({ columns, rows }) =>
    rows
      .filter((row) => row.method === method)
      .flatMap((row) => row.cells.filter((_, c) => columns[c].title === title)),
  );

describe('a cell', () => {
  it('is the mean over the cases of all folds, each the mean over its seeds; spread over runs; difference to the paper', () => {
    const runs = [
      run([
        ['a', 0.9],
        ['b', 0.8],
      ]),
      run(
        [
          ['a', 0.7],
          ['b', 0.8],
        ],
        { seed: 1 },
      ),
      run([['c', 0.5]], { fold: 1 }),
    ];
    const [cell] = cellsOf(runs, 'scnas', 'heart');
    // a: (90 + 70) / 2, b: 80, c: 50
    expect(cell.ours).toBeCloseTo((80 + 80 + 50) / 3, 10);
    expect(cell.difference).toBeCloseTo(70 - 91.29, 10);
    // runs: 85, 75, 50; mean 70, squares 225 + 25 + 400
    expect(cell.sdRuns).toBeCloseTo(Math.sqrt(650 / 2), 10);
    expect(cell.sdCases).toBeCloseTo(Math.sqrt((100 + 100 + 400) / 2), 10);
    expect([cell.folds, cell.seeds, cell.cases, cell.runs.length]).toEqual([[0, 1], [0, 1], 3, 3]);
    expect(cellWords(cell)).toMatchObject({
      ours: '70.00',
      paper: '91.29',
      difference: '−21.29',
      behind: '2 folds × 2 seeds (3 runs), 3 cases',
      mark: '',
    });
  });

  it('of several classes is the mean over cases of each class, then over the classes; an empty class is left out', () => {
    const [cell] = cellsOf(
      [
        run(
          [
            ['a', 1, 0.5, null],
            ['b', 0.5, 0.5, 0.2],
          ],
          { task: 'Task01_BrainTumour' },
        ),
      ],
      'scnas',
      'average',
    );
    expect(cell.ours).toBeCloseTo((75 + 50 + 20) / 3, 10);
    expect(cell.difference).toBeCloseTo(145 / 3 - 72.92, 10);
  });

  it('says "not run" where it was not, beside the paper’s number', () => {
    const [cell] = cellsOf([run([['a', 0.9]])], 'nnunet', 'heart');
    expect(cell).toMatchObject({ paper: 92.45, ours: null, difference: null, runs: [], test: null });
    expect(cellWords(cell).ours).toBe('not run');
    const [empty] = buildTables([]);
    expect(empty.rows.map(({ method }) => method)).toEqual(table1Rows.map(({ method }) => method));
    expect(empty.rows.flatMap(({ cells }) => cells.map(({ paper }) => paper))).toEqual(
      table1Rows.flatMap(({ dice }) => dice),
    );
  });

  it('of phantoms says so, and is not held against the paper', () => {
    const [cell] = cellsOf([run([['a', 0.9]], { phantom: true })], 'scnas', 'heart');
    expect(cell).toMatchObject({ ours: 90, difference: null, phantom: true });
    expect(cellWords(cell).mark).toBe('phantom');
  });

  it('is tested against U-ResNet over the cases that both have', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const ours = run(ids.map((id, i) => [id, 0.8 + i / 100] as const));
    const theirs = run([...ids.map((id, i) => [id, 0.7 - i / 100] as const), ['x', 0.1]], {
      method: 'uresnet',
    });
    const [cell] = cellsOf([ours, theirs], 'scnas', 'heart');
    // All five differences have one sign: 2 of 2^5 sign patterns are as extreme.
    expect(cell.test).toMatchObject({ pairs: 5, p: 2 / 32 });
    expect(cell.test?.difference).toBeCloseTo(14, 10);
    expect(cellWords(cell).test).toBe('+14.00 to U-ResNet, p = 0.063');
    expect(cellsOf([ours, theirs], 'uresnet', 'heart')[0].test).toBeNull();
    expect(cellsOf([ours], 'scnas', 'heart')[0].test).toBeNull();
  });
});

describe('what differs is never averaged', () => {
  it('runs of different plans stand in columns of their own', () => {
    const runs = [run([['a', 0.9]]), run([['a', 0.1]], { plan: 'plan-b', method: 'uresnet' })];
    const [{ columns, notes, rows }] = buildTables(runs);
    expect(columns.filter(({ task }) => task === 'Task02_Heart').map(({ title }) => title)).toEqual([
      'heart (plan plan-a)',
      'heart (plan plan-b)',
    ]);
    expect(notes.join()).toContain('2 plans or data sets, kept apart');
    const scnas = rows.find(({ method }) => method === 'scnas');
    // Nor is one tested against the other.
    expect(scnas?.cells.map(({ test }) => test).every((test) => test === null)).toBe(true);
  });

  it('regions are not labels: they get columns of their own, and the paper’s stay empty', () => {
    const regions = ['whole tumour', 'tumour core', 'enhancing tumour'];
    const runs = [run([['a', 0.9, 0.8, 0.7]], { task: 'Task01_BrainTumour', classes: regions })];
    const [{ columns, rows, notes }] = buildTables(runs);
    const scnas = rows.find(({ method }) => method === 'scnas');
    const found = columns.map(({ title, paper }, c) => [title, paper !== null, scnas?.cells[c].ours ?? null]);
    expect(found.slice(0, 8)).toEqual([
      ['edema', true, null],
      ['non-enhancing', true, null],
      ['enhancing', true, null],
      ['average', true, null],
      ['BrainTumour: whole tumour', false, 90],
      ['BrainTumour: tumour core', false, 80],
      ['BrainTumour: enhancing tumour', false, 70],
      ['BrainTumour: mean', false, expect.closeTo(80, 10)],
    ]);
    expect(notes.join()).toContain('labels are not regions');
    // Nor do the paper's labels fit with a region beside them: the average would be over four.
    const more = run([['a', 0.9, 0.8, 0.7, 0.6]], {
      task: 'Task01_BrainTumour',
      classes: [...BRAIN, 'whole tumour'],
    });
    expect(cellsOf([more], 'scnas', 'average')[0].ours).toBeNull();
  });

  it('another training budget makes another table, other settings of a method another row', () => {
    const more = run([['a', 0.95]], { budget: '200 steps' });
    expect(buildTables([run([['a', 0.9]]), more]).map(({ rows }) => rows[2].cells[4].ours)).toEqual([90, 95]);
    const [{ rows, notes }] = buildTables([run([['a', 0.9]]), run([['a', 0.2]], { own: 'own-b' })]);
    expect(rows.filter(({ method }) => method === 'scnas').map(({ cells }) => cells[4].ours)).toEqual([
      90, 20,
    ]);
    expect(notes.join()).toContain('2 settings, kept apart');
  });

  it('a task outside the paper has a table of its own, without the paper', () => {
    const classes = ['Anterior', 'Posterior'];
    const tables = buildTables([
      run([['a', 0.9]]),
      run([['h', 0.8, 0.6]], { task: 'Task04_Hippocampus', classes }),
    ]);
    expect(tables.map(({ title }) => title)).toEqual(['Table 1', 'Task04_Hippocampus']);
    const [, hippocampus] = tables;
    expect(hippocampus.columns.map(({ title }) => title)).toEqual([
      'Hippocampus: Anterior',
      'Hippocampus: Posterior',
      'Hippocampus: mean',
    ]);
    const cells = hippocampus.rows.flatMap((row) => row.cells);
    expect(cells.every(({ paper, difference }) => paper === null && difference === null)).toBe(true);
    expect(cells.flatMap(({ ours }) => ours ?? [])).toEqual([80, 60, expect.closeTo(70, 10)]);
  });
});

describe('what would count twice is refused', () => {
  it('two runs of one fold and seed', () => {
    const twice = [run([['a', 0.9]]), { ...run([['b', 0.9]]), name: 'copy' }];
    expect(() => buildTables(twice)).toThrow(/expected one run of fold 0, seed 0, found .* and copy/);
  });

  it('a case in two folds, and a case twice in a run', () => {
    const overlap = [run([['a', 0.9]]), run([['a', 0.8]], { fold: 1 })];
    expect(() => buildTables(overlap)).toThrow('expected each case in one of the folds, once, found a in');
    expect(() =>
      buildTables([
        run([
          ['a', 0.9],
          ['a', 0.8],
        ]),
      ]),
    ).toThrow('a in Task02_Heart/scnas-0-0-plan-a- twice');
  });
});

describe('the forms', () => {
  const runs = [
    run([['a', 0.9]], { phantom: true, name: 'x<b>', href: 'runs/x&y' }),
    run([['a', 0.8]], { method: 'uresnet', phantom: true, files: [] }),
  ];
  const report = { tables: buildTables(runs), runs, left: ['runs/z: not evaluated'] };

  it('every table of the paper has its caveat, every number a way to its files, seed and commit', () => {
    const page = tablesPage(report);
    const text = tablesMarkdown(report);
    for (const form of [page, text, JSON.stringify(tablesJson(report))]) {
      expect(form).toContain(table1Caveat);
      expect(form).toContain('runs/z: not evaluated');
      expect(form).toContain('abc123');
    }
    const anchors = [...page.matchAll(/class="number" href="#([^"]+)"/g)].map(([, anchor]) => anchor);
    expect(anchors).toHaveLength(2);
    for (const anchor of anchors) {
      expect(page).toContain(`<tbody id="${anchor}">`);
      expect(text).toContain(`<a id="${anchor}"></a>`);
      expect(text).toContain(`](#${anchor})`);
    }
    expect(page).toContain('href="runs/x&amp;y/cases.jsonl"');
    expect(text).toContain('[cases](runs/x&y/cases.jsonl)');
    expect(page).not.toContain('x<b>');
    expect([...page.matchAll(/class="mark">phantom/g)]).toHaveLength(2);
  });

  it('JSON holds what the others say', () => {
    const json = tablesJson(report);
    expect(json.tables[0].rows[2].cells[4]).toMatchObject({ ours: 90, paper: 91.29, runs: ['x<b>'] });
    expect(json.runs[0]).toMatchObject({ fold: 0, seed: 0, cases: 1, commit: 'abc123', href: 'runs/x&y' });
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
  });
});
