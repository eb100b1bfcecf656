/** The tables of a folder of runs as files. */
import path from 'node:path';
import { makeFolder } from '../data/room';
import { buildTables } from '../evaluate/table';
import { tablesJson, tablesMarkdown } from '../evaluate/table-words';
import { writeJson, writeWhole } from './files';
import { tablesPage } from './table-page';
import { findRuns } from './table-runs';

/** Writes table.md, table.html and table.json of the runs below `root` into `out`, with links from there; returns their names. */
export function writeTables(root: string, out: string): readonly string[] {
  const found = findRuns(root, out);
  const report = { ...found, tables: buildTables(found.runs) };
  makeFolder(out);
  writeWhole(path.join(out, 'table.md'), `${tablesMarkdown(report).trimEnd()}\n`);
  writeWhole(path.join(out, 'table.html'), tablesPage(report));
  writeJson(path.join(out, 'table.json'), tablesJson(report));
  return ['table.md', 'table.html', 'table.json'];
}
