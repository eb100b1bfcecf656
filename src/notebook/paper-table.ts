/** Table 1 of the paper beside the records under results/: one column of each, "not run" where there is no record. */
import { type TableFigure, tableFigure } from './figure';
import { diceOf, type PublishedRun } from './records';

/** A column of Table 1: a task's class, or its mean over classes. */
export interface PaperColumn {
  readonly title: string;
  readonly task: string;
  /** The class's name in the records; `mean` is over the classes. */
  readonly class: string;
}

/** The columns of Table 1; the classes are named as the decathlon names them. */
export const paperColumns: readonly PaperColumn[] = [
  { title: 'edema', task: 'Task01_BrainTumour', class: 'edema' },
  { title: 'non-enhancing', task: 'Task01_BrainTumour', class: 'non-enhancing tumor' },
  { title: 'enhancing', task: 'Task01_BrainTumour', class: 'enhancing tumour' },
  { title: 'brain, average', task: 'Task01_BrainTumour', class: 'mean' },
  { title: 'heart', task: 'Task02_Heart', class: 'mean' },
  { title: 'lung', task: 'Task06_Lung', class: 'mean' },
];

/** A row of Table 1: a method, how records call it, and the paper's Dice, %; NaN where the paper has none. */
export interface PaperRow {
  readonly title: string;
  readonly method: string;
  readonly dice: readonly number[];
}

/** Table 1, and the control that it lacks. */
export const paperRows: readonly PaperRow[] = [
  { title: '3D nnU-Net', method: 'nnunet', dice: [80.71, 62.22, 79.07, 74.0, 92.45, 55.87] },
  { title: '3D U-ResNet', method: 'uresnet', dice: [70.74, 56.69, 73.23, 66.89, 91.48, 63.28] },
  { title: 'SCNAS', method: 'scnas', dice: [80.41, 59.85, 78.5, 72.92, 91.29, 64.82] },
  {
    title: 'SCNAS (transfer)',
    method: 'transfer',
    dice: [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 91.91, 68.62],
  },
  { title: 'random cells', method: 'random', dice: new Array<number>(6).fill(Number.NaN) },
];

/** The Dice, %, of a column over the runs of a method: the mean over runs (folds, seeds), and how many there are. */
function ours(runs: readonly PublishedRun[], method: string, { task, class: name }: PaperColumn) {
  const own = runs.filter(({ record }) => record.task === task && record.method === method && !record.inner);
  const values =
    name === 'mean'
      ? diceOf(own, method)
      : own.flatMap(({ record }) => {
          const value = record.dice?.[name];
          return typeof value === 'number' ? [100 * value] : [];
        });
  return { mean: values.reduce((a, b) => a + b, 0) / values.length, runs: values.length };
}

/**
 * Table 1: in each cell the paper's Dice, then that of the records, with the number of runs behind it.
 *
 * @param runs records of one campaign: do not mix phantoms with real volumes
 * @param data what the records' volumes are, for the title
 */
export function paperTable(runs: readonly PublishedRun[], data: string): TableFigure {
  const cell = (row: PaperRow, column: PaperColumn, i: number) => {
    const paper = Number.isFinite(row.dice[i]) ? row.dice[i].toFixed(2) : '–';
    const own = ours(runs, row.method, column);
    return `${paper} / ${own.runs > 0 ? `${own.mean.toFixed(2)} (${own.runs})` : 'not run'}`;
  };
  return tableFigure(
    ['method', ...paperColumns.map(({ title }) => title)],
    paperRows.map((row) => [row.title, ...paperColumns.map((column, i) => cell(row, column, i))]),
    {
      title: `Dice, %: the paper / here, ${data} (number of runs)`,
      caption:
        'The paper: 484 brain, 20 heart, 64 lung volumes, mean of five folds. Numbers on phantoms show that the table can be made, not how good a method is.',
    },
  );
}
