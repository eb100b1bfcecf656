import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  execute,
  joined,
  type Notebook,
  type NotebookCell,
  printed,
  problems,
  readNotebook,
  shown,
  style,
} from '../../src/notebook/execute';

const file = path.join(__dirname, '..', '..', 'notebooks', '00-quickstart.ipynb');
const committed = readNotebook(file);
const source = (cell: NotebookCell) => joined(cell.source);
/** The cell that holds these words. */
const cellWith = (notebook: Notebook, words: string) => {
  const found = notebook.cells.find((cell) => cell.cell_type === 'code' && source(cell).includes(words));
  if (!found) throw new Error(`no cell with ${words}`);
  return found;
};
const texts = (cell: NotebookCell) =>
  (cell.outputs ?? []).map((o) => joined(o.data?.['text/plain'] as string | undefined));
const numbers = (words: string) =>
  [...words.matchAll(/−?\d+(?:\.\d+)?(?:e−?\d+)?/g)].map((m) => Number(m[0].replace(/−/g, '-')));

describe('00 quickstart', () => {
  let run: Notebook;
  beforeAll(async () => {
    run = await execute(file);
  }, 300_000);

  it('runs top to bottom; every cell that should print or draw does', () => {
    expect(problems(run)).toEqual([]);
  });

  it('is committed as it runs, with nothing wrong', () => {
    expect(problems(committed)).toEqual([]);
    expect(committed.cells.map(source)).toEqual(run.cells.map(source));
    expect(committed.cells.map((c) => shown(c))).toEqual(run.cells.map((c) => shown(c)));
  });

  it.each(['courseSize(', 'hippocampus(data)', 'sliceFigure(\n', 'networkFigure(', 'newSearch('])(
    'what needs no training is the same everywhere: %s',
    (words) => {
      const [now, then] = [cellWith(run, words), cellWith(committed, words)];
      expect(printed(now)).toBe(printed(then));
      expect(texts(now)).toEqual(texts(then));
    },
  );

  it('the search begins at the same loss (1e-4) and leaves α nearly uniform', () => {
    const [now, then] = [run, committed].map((n) => numbers(texts(cellWith(n, 'searching(search)'))[0]));
    expect(Math.abs(now[0] - then[0])).toBeLessThan(1e-3); // three digits are shown
    const entropy = numbers(printed(cellWith(run, 'searching(search)')))[0];
    expect(entropy).toBeGreaterThan(2);
    expect(entropy).toBeLessThan(2.0795);
  });

  it('the training lowers the loss, and the held-out volume is partly found', () => {
    const [first, last] = numbers(printed(cellWith(run, 'training(retrain)')));
    expect(last).toBeLessThan(first - 0.2);
    const dice = numbers(texts(cellWith(run, 'tableFigure('))[0]).slice(-2);
    expect(Math.max(...dice)).toBeGreaterThan(0.25);
    expect(Math.max(...dice)).toBeLessThan(1);
  });

  it('teaches: knobs first, predictions before runs, summary and exercises last', () => {
    const words = committed.cells.filter((c) => c.cell_type === 'markdown').map(source);
    expect(words[0]).toMatch(/^# 00 Quickstart/);
    expect(words.filter((w) => /\*\*Predict/.test(w)).length).toBeGreaterThanOrEqual(2);
    expect(words.slice(-1)[0]).toMatch(/## Summary[\s\S]*## Exercises/);
    expect(source(committed.cells.filter((c) => c.cell_type === 'code')[0])).toMatch(
      /size[\s\S]*seed[\s\S]*data/,
    );
  });
});

describe('the checks themselves', () => {
  const cell = (text: string, outputs: NotebookCell['outputs'] = []): Notebook => ({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {},
    cells: [{ cell_type: 'code', id: 'c', metadata: {}, source: text, outputs }],
  });

  it.each([
    ['a silent cell', cell('console.log(1);'), /nothing printed/],
    ['a figure that is not there', cell('show(figure);'), /none shown/],
    [
      'words on stderr',
      cell('1', [{ output_type: 'stream', name: 'stderr', text: 'UncaughtException: x' }]),
      /stderr/,
    ],
    ['an error', cell('1', [{ output_type: 'error' }]), /an error/],
    [
      'a plot alone',
      cell('1', [
        { output_type: 'display_data', data: { 'application/vnd.plotly.v1+json': {}, 'text/plain': '' } },
      ]),
      /still picture/,
    ],
  ])('%s is found', (_, notebook, expected) => {
    expect(problems(notebook).join('\n')).toMatch(expected);
  });

  it('kernel traps and house rules are found', () => {
    const of = (text: string) => style(cell(text).cells[0]).join('\n');
    expect(of('const a = { seed };')).toMatch(/earlier cell/);
    expect(of('const seed = 1; const a = { seed };')).toBe('');
    expect(of('for await (const x of y) z(x);')).toMatch(/use watch/);
    expect(of("import { a } from '../src/a';")).toMatch(/imports from/);
    expect(of('1;\n'.repeat(16))).toMatch(/15 lines/);
  });
});
