/** Table 1 of the paper beside the records under results/, as a figure: "not run" where there is no record. */
import { type BudgetTable, buildTables, TABLE_1 } from '../evaluate/table';
import { cellWords, footnotes, hasPhantom } from '../evaluate/table-words';
import { table1Columns, table1Rows } from '../paper/table1';
import { openRun } from '../run/folder';
import { tableRun } from '../run/table-runs';
import { type TableFigure, tableFigure } from './figure';
import type { PublishedRun } from './records';

/** The columns of Table 1, to read; a task's average is over its classes. */
export const paperColumns: readonly { readonly title: string; readonly task: string }[] = table1Columns;

/** A row of Table 1: a method, how records call it, and the paper's Dice, %; NaN where the paper has none. */
export interface PaperRow {
  readonly title: string;
  readonly method: string;
  readonly dice: readonly number[];
}

/** Table 1. */
export const paperRows: readonly PaperRow[] = table1Rows.map((row) => ({
  ...row,
  dice: row.dice.map((value) => value ?? Number.NaN),
}));

/**
 * Tables of runs: in each cell the paper's Dice where it has one, then that of the records with what stands behind it.
 *
 * @param runs records of one campaign
 * @param data what the records' volumes are, for the title
 */
export function paperTable(runs: readonly PublishedRun[], data: string): TableFigure {
  const own = runs
    .filter(({ record }) => record.fold !== 'all' && !record.inner)
    .map(({ where, dir, record, cases }) =>
      tableRun({ name: where, record, config: openRun(dir).config, cases, href: where, files: [] }),
    );
  const tables = buildTables(own);
  const first = tables.find(({ title }) => title === TABLE_1) ?? tables[0];
  return budgetFigure(first, data);
}

/** A table as a figure. */
export function budgetFigure(table: BudgetTable, data = ''): TableFigure {
  const { title, budget, columns, rows } = table;
  const paper = title === TABLE_1;
  return tableFigure(
    ['method', ...columns.map((column) => column.title)],
    rows.map((row) => [
      row.title,
      ...row.cells.map((cell) => {
        const words = cellWords(cell);
        const ours = [words.ours, words.mark].filter(Boolean).join(' ');
        const runs = cell.runs.length > 0 ? ` (${cell.runs.length})` : '';
        return `${paper ? `${words.paper || '–'} / ` : ''}${ours}${runs}`;
      }),
    ]),
    {
      title: `${title}, Dice, %${paper ? ': the paper / here' : ''}${data && `, ${data}`} (number of runs); ${budget}`,
      caption: footnotes(table, hasPhantom(table)).join(' '),
    },
  );
}
