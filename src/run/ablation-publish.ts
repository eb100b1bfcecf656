/** Copies of an ablation's finished runs for results/, small, with the table as a page. */
import path from 'node:path';
import { fail } from '../engine/errors';
import { ablationRecords, ablationTable, ablationTitles } from '../notebook/ablation';
import { publishedRuns } from '../notebook/records';
import { tableMarkdown } from '../notebook/table';
import { isDone, isOf, type Over } from './ablation';
import { writeWhole } from './files';
import { publish } from './publish';

/**
 * Copies what is finished and not there yet, and writes the table of all that is there as README.md.
 *
 * Errors: a ScnasError where a run that is there already is another one than the folder's.
 */
export function publishAblation(
  over: Over,
  dir: string,
  out: string,
): { readonly added: number; readonly file: string } {
  const there = new Map(publishedRuns('', out).map(({ where, record }) => [where, record]));
  const finished = publishedRuns('', dir).filter(
    ({ where }) => isOf(over, where) && isDone({ dir: path.join(dir, where) }),
  );
  const other = finished.find(({ where, record }) => {
    const old = there.get(where);
    return (
      old && JSON.stringify([old.configHash, old.dice]) !== JSON.stringify([record.configHash, record.dice])
    );
  });
  if (other)
    fail({
      where: path.join(out, other.where),
      expected: 'the same run or none',
      found: 'another record',
      next: 'remove it, or choose another --publish',
    });
  const added = finished.filter(({ where }) => !there.has(where));
  for (const { where } of added) publish(path.join(dir, where), path.join(out, where), 'epochs');
  const file = path.join(out, 'README.md');
  writeWhole(file, ablationPage(over, out));
  return { added: added.length, file };
}

/** The page of a folder of records: its table, from the records alone. */
export function ablationPage(over: Over, dir: string): string {
  const table = ablationTable(ablationRecords(over, dir), ablationTitles[over]);
  return `# Ablation: ${over}\n\n${tableMarkdown(table)}\n\nWritten by \`scnas ablate --over ${over} --publish\` from the records beside it.\n`;
}
