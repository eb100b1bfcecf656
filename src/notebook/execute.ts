/** Runs a notebook as a reader would, top to bottom in its own kernel, and says what is wrong with what it shows. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { fail } from '../engine/errors';

const ROOT = path.join(__dirname, '..', '..');
/** What a committed notebook may weigh. */
const LIMIT = 1.5e6;

export interface Output {
  readonly output_type: 'stream' | 'display_data' | 'execute_result' | 'error';
  readonly name?: string;
  readonly text?: string | readonly string[];
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface NotebookCell {
  readonly cell_type: 'code' | 'markdown' | 'raw';
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly source: string | readonly string[];
  readonly execution_count?: number | null;
  readonly outputs?: readonly Output[];
}

export interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly cells: readonly NotebookCell[];
}

/** A text of a notebook, whichever way it is stored. */
export const joined = (text: string | readonly string[] | undefined): string =>
  typeof text === 'string' ? text : (text ?? []).join('');

export function readNotebook(file: string): Notebook {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as Notebook;
}

/**
 * Executes a copy of a notebook in a folder of its own below build/ and returns it with its outputs. The data are always the phantom, the size smoke.
 *
 * @param notebook a file, or what it holds
 * @param timeout seconds that a cell may take
 * @throws ScnasError with the kernel's words where a cell fails
 */
export async function execute(notebook: string | Notebook, timeout = 300): Promise<Notebook> {
  const build = path.join(ROOT, 'build');
  fs.mkdirSync(build, { recursive: true });
  const folder = fs.mkdtempSync(path.join(build, 'notebook-'));
  try {
    const given = typeof notebook === 'string' ? readNotebook(notebook) : notebook;
    fs.writeFileSync(path.join(folder, 'in.ipynb'), JSON.stringify(given));
    const python = path.join(ROOT, '.venv', 'bin', 'python');
    const options = [
      '--to',
      'notebook',
      '--execute',
      `--ExecutePreprocessor.timeout=${timeout}`,
      '--output',
      'out.ipynb',
      'in.ipynb',
    ];
    const { SCNAS_DATA: _, SCNAS_SIZE: __, ...env } = process.env;
    await promisify(execFile)(python, ['-m', 'nbconvert', ...options], {
      cwd: folder,
      env,
      maxBuffer: 1 << 26,
    }).catch((error: { stderr?: string }) => {
      const last = (error.stderr ?? String(error)).trim().split('\n').slice(-25).join('\n');
      fail({
        where: typeof notebook === 'string' ? path.basename(notebook) : 'notebook',
        expected: 'every cell to run',
        found: last,
        next: 'correct the cell',
      });
    });
    return trimmed(readNotebook(path.join(folder, 'out.ipynb')));
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Without what changes from run to run: times of execution. */
function trimmed(notebook: Notebook): Notebook {
  const bare = ({ execution: _, ...metadata }: Readonly<Record<string, unknown>>) => metadata;
  return { ...notebook, cells: notebook.cells.map((cell) => ({ ...cell, metadata: bare(cell.metadata) })) };
}

/** Everything that a cell printed on a stream. */
export function printed(cell: NotebookCell, name: 'stdout' | 'stderr' = 'stdout'): string {
  return (cell.outputs ?? [])
    .filter((o) => o.name === name)
    .map((o) => joined(o.text))
    .join('');
}

/** The forms of each figure that a cell shows. */
export function shown(cell: NotebookCell): string[][] {
  return (cell.outputs ?? []).flatMap((o) => (o.data ? [Object.keys(o.data).sort()] : []));
}

const SHOWS = /\bshow\(|\bwatch\(/;

/** What is wrong with what an executed notebook shows, a line each. */
export function problems(notebook: Notebook): string[] {
  const code = notebook.cells.filter((cell) => cell.cell_type === 'code');
  const size = JSON.stringify(notebook).length;
  return [
    ...code.flatMap((cell) => cellProblems(cell).map((what) => `${cell.id}: ${what}`)),
    ...code.flatMap((cell) => style(cell).map((what) => `${cell.id}: ${what}`)),
    ...(size > LIMIT ? [`${size} bytes, more than ${LIMIT}`] : []),
  ];
}

function cellProblems(cell: NotebookCell): string[] {
  const source = joined(cell.source);
  const forms = shown(cell);
  const words = JSON.stringify(cell.outputs ?? []);
  return [
    ...((cell.outputs ?? []).some((o) => o.output_type === 'error') ? ['an error'] : []),
    ...(printed(cell, 'stderr') ? [`words on stderr: ${printed(cell, 'stderr').slice(0, 200)}`] : []),
    ...(/UncaughtException|UnhandledPromiseRejection|undefined is not/.test(words)
      ? ['an uncaught exception']
      : []),
    ...(/(^|\n)\s*console\.log\(/.test(source) && !printed(cell) ? ['console.log, but nothing printed'] : []),
    ...(SHOWS.test(source) && forms.length === 0 ? ['a figure promised, none shown'] : []),
    ...(forms.some((f) => !f.includes('text/plain')) ? ['a figure without text'] : []),
    ...(forms.some((f) => f.includes('application/vnd.plotly.v1+json') && !f.includes('image/svg+xml'))
      ? ['a plot without a still picture']
      : []),
  ];
}

/** House rules and kernel traps of a cell's source. */
export function style(cell: NotebookCell): string[] {
  const source = joined(cell.source);
  const tree = ts.createSourceFile('cell.ts', source, ts.ScriptTarget.ES2022, true);
  const declared = new Set<string>();
  const shorthand: string[] = [];
  let asynchronousLoop = false;
  const visit = (node: ts.Node): void => {
    if (
      (ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node)) &&
      ts.isIdentifier(node.name)
    )
      declared.add(node.name.text);
    if (ts.isShorthandPropertyAssignment(node)) shorthand.push(node.name.text);
    if (ts.isForOfStatement(node) && node.awaitModifier) asynchronousLoop = true;
    ts.forEachChild(node, visit);
  };
  visit(tree);
  const imports = [...source.matchAll(/from '([^']+)'/g)].map((m) => m[1]).filter((name) => name !== 'scnas');
  return [
    ...(source.split('\n').length > 15 ? ['more than 15 lines'] : []),
    ...imports.map((name) => `imports from ${name}`),
    // tslab 1.0.22 does not see names of earlier cells in {name}.
    ...shorthand
      .filter((name) => !declared.has(name))
      .map((name) => `{${name}} of an earlier cell: write {${name}: ${name}}`),
    ...(asynchronousLoop ? ['for await, which the kernel does not take for an await: use watch'] : []),
  ];
}
