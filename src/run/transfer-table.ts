/** What a transfer reached: cells from three sources side by side, and case by case. */
import path from 'node:path';
import type { TableFigure } from '../notebook/figure';
import { differenceTable, publishedRuns, scoreTable } from '../notebook/records';

/** Methods of the records by the words of the tables. */
const sources = { 'own search': 'scnas', 'transferred cells': 'transfer', 'random cells': 'random' };

/** Tables of the finished runs in a folder: mean Dice, and the differences that the claim rests on. */
export function transferTables(dir: string, task: string): readonly TableFigure[] {
  const whole = path.resolve(dir);
  const runs = publishedRuns(path.basename(whole), path.dirname(whole));
  return [
    scoreTable(runs, [task], sources, 'Cells from three sources: Dice, %'),
    differenceTable(runs, [task], ['transfer', 'random'], 'Transferred cells less random cells'),
    differenceTable(runs, [task], ['transfer', 'scnas'], 'Transferred cells less own search'),
  ];
}
