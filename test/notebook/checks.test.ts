/** What holds the notebooks to their form and to what they showed: every fault is found, and nothing else. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { check, near } from '../../src/notebook/check';
import { changes, outOfBounds, textDifference, unlike } from '../../src/notebook/compare';
import { apart, unsolvedProblems, withoutSolution, withUnsolved } from '../../src/notebook/course';
import {
  joined,
  type Notebook,
  type NotebookCell,
  type Output,
  problems,
  readNotebook,
  style,
} from '../../src/notebook/execute';
import { formProblems } from '../../src/notebook/form';
import type { CellPromise } from '../../src/notebook/promise';

const root = path.join(__dirname, '..', '..');

const code = (id: string, source: string, outputs: readonly Output[] = [], scnas?: CellPromise) =>
  ({ cell_type: 'code', id, metadata: scnas ? { scnas } : {}, source, outputs }) as NotebookCell;
const words = (id: string, source: string): NotebookCell => ({
  cell_type: 'markdown',
  id,
  metadata: {},
  source,
});
const notebook = (...cells: readonly NotebookCell[]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells,
});
const out = (text: string, name = 'stdout'): Output => ({ output_type: 'stream', name, text });
const picture = (...forms: readonly string[]): Output => ({
  output_type: 'display_data',
  data: Object.fromEntries(forms.map((form) => [form, 'figure'])),
});
const plot = picture('application/vnd.plotly.v1+json', 'image/svg+xml', 'text/plain');

describe('what a cell shows', () => {
  it.each([
    ['a silent cell', code('c', 'console.log(1);'), /nothing printed/],
    ['a figure that is not there', code('c', 'show(figure);'), /none shown/],
    ['words on stderr', code('c', '1', [out('UncaughtException: x', 'stderr')]), /stderr/],
    [
      'an exception that was only printed',
      code('c', '1', [out('UnhandledPromiseRejection: x')]),
      /uncaught exception/,
    ],
    ['an error', code('c', '1', [{ output_type: 'error' }]), /an error/],
    [
      'a plot alone',
      code('c', '1', [picture('application/vnd.plotly.v1+json', 'text/plain')]),
      /still picture/,
    ],
    ['a figure without words', code('c', '1', [picture('image/svg+xml')]), /without text/],
    ['a heavy notebook', code('c', '1', [out('x'.repeat(1.6e6))]), /more than 1500000/],
  ])('%s is found', (_, cell, expected) => {
    expect(problems(notebook(cell)).join('\n')).toMatch(expected);
  });

  it('a cell that does what it should is left alone', () => {
    const cell = code('c', "console.log('a');\nshow(figure);", [out('a\n'), plot]);
    expect(problems(notebook(cell))).toEqual([]);
  });

  it('kernel traps and house rules are found', () => {
    const of = (text: string) => style(code('c', text)).join('\n');
    expect(of('const a = { seed };')).toMatch(/earlier cell/);
    expect(of('const seed = 1; const a = { seed };')).toBe('');
    expect(of('for await (const x of y) z(x);')).toMatch(/use watch/);
    expect(of("import { a } from '../src/a';")).toMatch(/imports from/);
    expect(of('1;\n'.repeat(16))).toMatch(/15 lines/);
  });
});

const knobs =
  "const size = courseSize(process.env.SCNAS_SIZE ?? 'smoke');\nconst seed = 1;\nconsole.log(size.say);";
const solution = '// ### BEGIN SOLUTION\nanswer = 1;\n// ### END SOLUTION';
const exercise = (n: string, at: number): NotebookCell[] => [
  words(`x-${at}`, `### Exercise ${n}`),
  code(`x-${at + 1}`, `let answer;\n${solution}`, [], { exercise: n }),
  code(`x-${at + 2}`, `check('${n}', {});`, [out(`✓ Exercise ${n}\n`)], { check: n }),
];
/** A notebook without fault. */
const good = notebook(
  words('x-00', '# 05 Title\n\n## What you will learn\n'),
  words('x-01', '## Knobs\n'),
  code('x-02', knobs, [out('smoke\n')]),
  words('x-03', '**Predict before you run:** a? **Predict:** b?'),
  code('x-04', 'show(figure);', [plot], {
    figures: ['plot'],
    compare: 'trained',
    bounds: { figure: [0, 1] },
  }),
  words('x-05', '## Summary\n\n## Exercises\n'),
  ...exercise('1', 10),
  ...exercise('2', 20),
);
/** The same with the cell of that id replaced. */
const but = (id: string, change: Partial<NotebookCell>): Notebook => ({
  ...good,
  cells: good.cells.map((cell) => (cell.id === id ? { ...cell, ...change } : cell)),
});

describe('the form', () => {
  it('a notebook that keeps it has no faults', () => expect(formProblems(good, '05-title')).toEqual([]));

  it.each([
    ['another number', good, '06-title', /begins with # and the number/],
    ['no aims', but('x-00', { source: '# 05 Title' }), '05', /what you will learn/],
    ['no knobs', but('x-01', { source: 'Set these.' }), '05', /## Knobs/],
    ['a fixed size', but('x-02', { source: "const size = courseSize('smoke');" }), '05', /SCNAS_SIZE/],
    ['one prediction', but('x-03', { source: '**Predict:** a?' }), '05', /two predictions/],
    ['no summary', but('x-05', { source: '## Exercises' }), '05', /a Summary/],
    ['two cells of one id', but('x-04', { id: 'x-02' }), '05', /ids that differ/],
    ['an id of another kind', but('x-04', { id: 'abcdef' }), '05', /slug/],
    ['an exercise without solution', but('x-11', { source: 'let answer;' }), '05', /exercise 1's solution/],
    ['an exercise without check', but('x-12', { metadata: {} }), '05', /check\('1'/],
    ['a solution that does not pass', but('x-22', { outputs: [] }), '05', /✓ Exercise 2/],
    ['a figure that was not promised', but('x-04', { metadata: {} }), '05', /the cell draws/],
    ['another figure than promised', but('x-04', { outputs: [picture('text/plain')] }), '05', /figures plot/],
    [
      'trained numbers without bounds',
      but('x-04', { metadata: { scnas: { figures: ['plot'], compare: 'trained' } } }),
      '05',
      /bounds/,
    ],
    ['a folder of the machine', but('x-02', { outputs: [out('/home/me/data')] }), '05', /no folder/],
    ['a long line', but('x-02', { source: `${knobs}${' '.repeat(141)}` }), '05', /140 characters/],
  ])('%s is found', (_, given, name, expected) => {
    const found = formProblems(given, name);
    expect(found.join('\n')).toMatch(expected);
  });
});

describe('what is compared', () => {
  it.each([
    ['loss 0.5123', 'loss 0.5124', true],
    ['loss 0.5123', 'loss 0.5125', false],
    ['loss 12345.6', 'loss 12346.8', true],
    ['14 edges', '15 edges', false],
    ['1.5e−3 s', '1.6e−3 s', true],
    ['1.5e−3 s', '1.7e−3 s', false],
    ['−1.00', '1.00', false],
    ['a  10.5 ms\n──────────', 'a   10.5 ms\n───────────', true],
    ['a 1', 'b 1', false],
    ['a 1', 'a 1\nb', false],
  ])('%s and %s: alike %s', (then, now, alike) => {
    expect(textDifference(then, now, true) === '').toBe(alike);
  });

  it('bounds hold the first number behind the words, ends included', () => {
    const of = (text: string) =>
      outOfBounds(code('c', '', [out(text)], { compare: 'trained', bounds: { Dice: [0.2, 0.9] } }));
    expect(of('Dice 0.2, then 5')).toEqual([]);
    expect(of('Dice 0.95')).toEqual(['Dice 0.95, not within 0.2 to 0.9']);
    expect(of('nothing')).toEqual(['no number behind "Dice"']);
  });

  it('trained numbers may move within bounds, timed ones anywhere, others not', () => {
    const of = (text: string, scnas: CellPromise) => notebook(code('c', '', [out(text)], scnas));
    const trained: CellPromise = { compare: 'trained', bounds: { Dice: [0, 1] } };
    expect(changes(of('Dice 0.1', trained), of('Dice 0.9', trained))).toEqual([]);
    expect(changes(of('Dice 0.1', trained), of('Dice 2', trained))).toHaveLength(1);
    expect(changes(of('3.1 s', { compare: 'timed' }), of('9.9 s', { compare: 'timed' }))).toEqual([]);
    expect(changes(of('3.1 s', { compare: 'timed' }), of('9.9 ms', { compare: 'timed' }))).toHaveLength(1);
    expect(changes(of('3.1', {}), of('3.3', {}))).toHaveLength(1);
    expect(changes(notebook(), of('1', {}))).toEqual(['0 cells committed, 1 now']);
  });

  it('two runs agree to the last letter, pictures too', () => {
    const of = (output: Output, scnas?: CellPromise) => notebook(code('c', '', [output], scnas));
    expect(unlike(of(out('0.10000')), of(out('0.10000')))).toEqual([]);
    expect(unlike(of(out('0.10000')), of(out('0.10001')))).toHaveLength(1);
    const other: Output = {
      output_type: 'display_data',
      data: { 'text/plain': 'figure', 'image/svg+xml': '' },
    };
    expect(unlike(of(picture('text/plain', 'image/svg+xml')), of(other))).toEqual(['c: another picture']);
    expect(unlike(of(out('1 s'), { compare: 'timed' }), of(out('2 s'), { compare: 'timed' }))).toEqual([]);
  });
});

describe('an exercise', () => {
  it('without its solution keeps what stands around it, and says where to write', () => {
    const source = `let a;\n  // ### BEGIN SOLUTION\n  a = 1;\n  // ### END SOLUTION\na;`;
    expect(withoutSolution(source)).toBe('let a;\n  // your code here\na;');
    expect(() => withoutSolution('// ### BEGIN SOLUTION\na = 1;')).toThrow(/one without the other/);
    expect(() => withoutSolution('a = 1;\n// ### END SOLUTION')).toThrow(/one without the other/);
  });

  it('is run unsolved before it is run solved, and taken apart again', () => {
    const both = withUnsolved(good);
    const ids = both.cells.map((cell) => cell.id);
    expect(ids.slice(-10)).toEqual([
      'x-10',
      ...['x-11-unsolved', 'x-12-unsolved', 'x-11', 'x-12'],
      'x-20',
      ...['x-21-unsolved', 'x-22-unsolved', 'x-21', 'x-22'],
    ]);
    expect(joined(both.cells[ids.indexOf('x-11-unsolved')].source)).not.toContain('answer = 1');
    expect(apart(both).solved).toEqual(good);
    expect(apart(both).unsolved).toHaveLength(4);
  });

  it('whose check passes unsolved, or says nothing, is found', () => {
    const judged = (output: Output) => [code('c', '', [output], { check: '1' })];
    expect(unsolvedProblems(judged(out('✗ Exercise 1: a\n', 'stderr')))).toEqual([]);
    expect(unsolvedProblems(judged(out('✓ Exercise 1\n')))).toHaveLength(1);
    expect(unsolvedProblems([code('c', '', [], { check: '1' })])).toHaveLength(1);
    expect(unsolvedProblems([code('c', 'let a;', [], { exercise: '1' })])).toEqual([]);
  });

  it('is judged claim by claim, and nothing is thrown', () => {
    const [log, error] = [vi.spyOn(console, 'log'), vi.spyOn(console, 'error')];
    for (const spy of [log, error]) spy.mockImplementation(() => undefined);
    try {
      check('1', { right: () => true, near: () => near(1.00001, 1) });
      check('2', {
        wrong: () => false,
        far: () => near(2, 1),
        none: () => near(undefined, 1),
        broken: () => {
          throw new Error('no such thing');
        },
        silent: () => undefined,
      });
      expect(log.mock.calls).toEqual([['✓ Exercise 1']]);
      expect(error.mock.calls.map(([line]) => line)).toEqual([
        '✗ Exercise 2: wrong',
        '✗ Exercise 2: far; found 2',
        '✗ Exercise 2: none; no answer yet',
        '✗ Exercise 2: broken; no such thing',
        '✗ Exercise 2: silent; no answer yet',
      ]);
    } finally {
      for (const spy of [log, error]) spy.mockRestore();
    }
  });
});

describe('npm run course', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'course-'));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const files = fs.readdirSync(path.join(root, 'notebooks')).filter((file) => file.endsWith('.ipynb'));
  const made = (version: string, file: string) => readNotebook(path.join(folder, version, file));

  beforeAll(() => {
    const run = ['--require', path.join(root, 'src', 'register.js')];
    const script = path.join(root, 'src', 'notebook', 'course-make.ts');
    execFileSync(process.execPath, [...run, script, folder], { stdio: 'pipe' });
  });

  it('makes notebooks that nbformat accepts', () => {
    const ask = 'import nbformat, sys\nfor f in sys.argv[1:]: nbformat.validate(nbformat.read(f, 4))';
    const all = ['student', 'teacher'].flatMap((version) => files.map((f) => path.join(folder, version, f)));
    execFileSync(path.join(root, '.venv', 'bin', 'python'), ['-c', ask, ...all], { stdio: 'pipe' });
    expect(all.length).toBe(2 * files.length);
  });

  it.each(files)("%s: a student's version without solutions and outputs, a teacher's with both", (file) => {
    const source = readNotebook(path.join(root, 'notebooks', file));
    const [student, teacher] = [made('student', file), made('teacher', file)];
    expect(JSON.stringify(student)).not.toMatch(/(BEGIN|END) SOLUTION/);
    expect(student.cells.flatMap((cell) => cell.outputs ?? [])).toEqual([]);
    expect(teacher.cells.map((cell) => [cell.source, cell.outputs])).toEqual(
      source.cells.map((cell) => [cell.source, cell.outputs]),
    );
    const graded = (cell: NotebookCell) =>
      (cell.metadata.nbgrader as { points?: number } | undefined)?.points;
    const checks = source.cells.filter((cell) => (cell.metadata.scnas as CellPromise | undefined)?.check);
    expect(student.cells.filter((cell) => graded(cell) === 1).map((cell) => cell.id)).toEqual(
      checks.map((cell) => cell.id),
    );
  });
});
