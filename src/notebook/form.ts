/** The form that all notebooks share (notebooks/README.md): opening, knobs, predictions, promises, summary, exercises. */
import { joined, type Notebook, type NotebookCell, printed, shown } from './execute';
import { formsOf, promiseOf } from './promise';

const source = (cell: NotebookCell) => joined(cell.source);

/** What is wrong with a notebook's form, a line each. */
export function formProblems(notebook: Notebook, name: string): string[] {
  const { cells } = notebook;
  const words = cells.filter((cell) => cell.cell_type === 'markdown').map(source);
  const code = cells.filter((cell) => cell.cell_type === 'code');
  const all = words.join('\n');
  const opening = cells[0] ? source(cells[0]) : '';
  const [knobs, first] = [source(cells[1] ?? code[0]), source(cells[2] ?? code[0])];
  const ids = cells.map((cell) => cell.id);
  return [
    ...says(opening.startsWith(`# ${name.slice(0, 2)} `), 'the first cell begins with # and the number'),
    ...says(opening.includes('## What you will learn'), 'the first cell says what you will learn'),
    ...says(knobs.startsWith('## Knobs'), 'the second cell is ## Knobs'),
    ...says(
      ["courseSize(process.env.SCNAS_SIZE ?? 'smoke')", 'const seed =', 'console.log(size.say)'].every(
        (part) => first.includes(part),
      ),
      'the third cell holds size (SCNAS_SIZE), seed, console.log(size.say)',
    ),
    ...says((all.match(/\*\*Predict/g) ?? []).length >= 2, 'two predictions at least'),
    ...says(/## Summary[\s\S]*## Exercises/.test(all), 'a Summary, then Exercises'),
    ...says(new Set(ids).size === ids.length, 'ids that differ'),
    ...says(
      ids.every((id) => /^[a-z-]+-\d\d$/.test(id)),
      'ids like slug-07',
    ),
    ...exerciseProblems(cells),
    ...code.flatMap((cell) => cellForm(cell).map((what) => `${cell.id}: ${what}`)),
  ];
}

const says = (holds: boolean, expected: string) => (holds ? [] : [`expected: ${expected}`]);

function exerciseProblems(cells: readonly NotebookCell[]): string[] {
  const place = (key: 'exercise' | 'check', n: string) =>
    cells.findIndex((cell) => promiseOf(cell)[key] === n);
  const numbers = [
    ...cells
      .map(source)
      .join('\n')
      .matchAll(/^### Exercise (\w+)/gm),
  ].map((m) => m[1]);
  return [
    ...says(numbers.length >= 2, 'two exercises at least, headed ### Exercise 1'),
    ...numbers.flatMap((n) => {
      const [at, judged] = [place('exercise', n), place('check', n)];
      return [
        ...says(
          at >= 0 && source(cells[at]).includes('// ### BEGIN SOLUTION'),
          `a cell with exercise ${n}'s solution`,
        ),
        ...says(
          judged > at && source(cells[judged]).includes(`check('${n}'`),
          `a cell with check('${n}', behind it`,
        ),
      ];
    }),
  ];
}

const MACHINE = /\/work\/|\/root\/|\/home\/|\/tmp\//;

function cellForm(cell: NotebookCell): string[] {
  const text = source(cell);
  const { figures, compare, bounds, check } = promiseOf(cell);
  const found = shown(cell);
  const promised = (figures ?? []).map((kind) => [...formsOf[kind]]);
  const draws = /\bshow\(|\bwatch\(|\.update\(/.test(text);
  return [
    ...says(!draws || figures !== undefined, 'metadata.scnas.figures: the cell draws'),
    ...says(
      JSON.stringify(found) === JSON.stringify(promised),
      `figures ${(figures ?? []).join(', ') || 'none'}, found ${found.map((f) => f.join(' + ')).join(', ') || 'none'}`,
    ),
    ...says(
      !check || printed(cell).includes(`✓ Exercise ${check}`),
      `✓ Exercise ${check}: the solution passes`,
    ),
    ...says(compare !== 'trained' || Object.keys(bounds ?? {}).length > 0, 'bounds, the cell is trained'),
    ...says(Math.max(...text.split('\n').map((line) => line.length)) <= 140, 'lines of 140 characters'),
    ...says(!MACHINE.test(JSON.stringify(cell.outputs ?? [])), 'no folder of this machine in the outputs'),
  ];
}
