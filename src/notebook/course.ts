/** One source, two notebooks: the student's without solutions, the teacher's with them; and both in one, for the tests. */
import { fail } from '../engine/errors';
import { joined, type Notebook, type NotebookCell, printed } from './execute';
import { promiseOf } from './promise';

const BEGIN = /^\s*\/\/ ### BEGIN SOLUTION\s*$/;
const END = /^\s*\/\/ ### END SOLUTION\s*$/;
const STUB = '// your code here';

/**
 * A cell's source without what stands between the solution marks; nbgrader's own marks, as comments of TypeScript.
 *
 * @throws ScnasError where a mark has no partner
 */
export function withoutSolution(source: string, where = 'cell'): string {
  const kept: string[] = [];
  let inside = false;
  for (const line of source.split('\n')) {
    if (BEGIN.test(line) === END.test(line)) {
      if (!inside) kept.push(line);
      continue;
    }
    if (BEGIN.test(line) === inside) unpaired(where);
    if (!inside) kept.push(line.replace(/\/\/.*/, STUB));
    inside = !inside;
  }
  if (inside) unpaired(where);
  return kept.join('\n');
}

function unpaired(where: string): never {
  return fail({
    where,
    expected: '// ### BEGIN SOLUTION, then // ### END SOLUTION',
    found: 'one without the other',
    next: 'add the missing line',
  });
}

/** What nbgrader knows of a cell: where students write, where points are given. */
function grading(cell: NotebookCell): object | undefined {
  const { exercise, check } = promiseOf(cell);
  const common = { schema_version: 3, grade_id: cell.id, task: false };
  if (exercise) return { ...common, grade: false, solution: true, locked: false };
  if (check) return { ...common, grade: true, solution: false, locked: true, points: 1 };
  return undefined;
}

const marked = (cell: NotebookCell): NotebookCell => {
  const nbgrader = grading(cell);
  return nbgrader ? { ...cell, metadata: { ...cell.metadata, nbgrader } } : cell;
};

/** The notebook as a student gets it: solutions replaced, no outputs. */
export function studentVersion(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) =>
    cell.cell_type === 'code'
      ? {
          ...marked(cell),
          source: withoutSolution(joined(cell.source), cell.id),
          execution_count: null,
          outputs: [],
        }
      : cell,
  );
  return { ...notebook, cells };
}

/** The notebook as a teacher has it: solutions, outputs, nbgrader's marks. */
export function teacherVersion(notebook: Notebook): Notebook {
  return { ...notebook, cells: notebook.cells.map(marked) };
}

const UNSOLVED = '-unsolved';

/** The notebook with every exercise and its check twice, first as the student gets it: so one execution shows both. */
export function withUnsolved({ cells, ...notebook }: Notebook): Notebook {
  const about = (cell: NotebookCell) => promiseOf(cell).exercise ?? promiseOf(cell).check;
  const unsolved = (n: string) => cells.filter((cell) => about(cell) === n).map(unsolvedCell);
  const first = (cell: NotebookCell) => cells.find((other) => about(other) === about(cell)) === cell;
  return {
    ...notebook,
    cells: cells.flatMap((cell) => {
      const n = about(cell);
      return n !== undefined && first(cell) ? [...unsolved(n), cell] : [cell];
    }),
  };
}

const unsolvedCell = (cell: NotebookCell): NotebookCell => ({
  ...cell,
  id: `${cell.id}${UNSOLVED}`,
  source: withoutSolution(joined(cell.source), cell.id),
});

/** Takes apart what {@link withUnsolved} put together. */
export function apart(notebook: Notebook): {
  readonly solved: Notebook;
  readonly unsolved: readonly NotebookCell[];
} {
  const isUnsolved = (cell: NotebookCell) => cell.id.endsWith(UNSOLVED);
  return {
    solved: { ...notebook, cells: notebook.cells.filter((cell) => !isUnsolved(cell)) },
    unsolved: notebook.cells.filter(isUnsolved),
  };
}

/** What is wrong with unsolved exercises that were run: a check that says nothing, or that passes. */
export function unsolvedProblems(cells: readonly NotebookCell[]): string[] {
  return cells.flatMap((cell) => {
    const { check } = promiseOf(cell);
    if (check === undefined || printed(cell, 'stderr').includes(`✗ Exercise ${check}:`)) return [];
    return [`${cell.id}: the check does not fail, it says "${printed(cell)}"`];
  });
}
