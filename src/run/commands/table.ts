/** `scnas table`: Table 1, or the same for another task, from the records of runs. */
import path from 'node:path';
import { type Command, Option } from 'commander';

interface TableCommand {
  readonly runs: string;
  readonly out?: string;
  readonly format: 'text' | 'md' | 'html' | 'json';
}

export function addTable(program: Command): void {
  program
    .command('table')
    .description(
      'build Table 1 from the records below a folder: the paper’s Dice, ours, the difference, what stands behind it, spread, and a paired test against U-ResNet; tasks outside the paper get a table of their own',
    )
    .requiredOption('--runs <dir>', 'a folder with evaluated runs, at any depth')
    .option('--out <dir>', 'write table.md, table.html and table.json there')
    .addOption(
      new Option('--format <form>', 'what is printed; links start at the folder of --runs')
        .choices(['text', 'md', 'html', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  scnas table --runs runs/table1-smoke --out runs/table1-smoke/table\n  scnas table --runs results/task04-laptop',
    )
    .action(async ({ runs: root, out, format }: TableCommand) => {
      const { findRuns } = await import('../table-runs');
      const { writeTables } = await import('../table-files');
      const { buildTables } = await import('../../evaluate/table');
      const { tablesJson, tablesMarkdown } = await import('../../evaluate/table-words');
      const { tablesPage } = await import('../table-page');
      if (out) {
        const files = writeTables(root, out);
        process.stdout.write(`${files.map((file) => path.join(out, file)).join('\n')}\n`);
        return;
      }
      const found = findRuns(root);
      const report = { ...found, tables: buildTables(found.runs) };
      const { tableText } = await import('../../notebook/table');
      const { budgetFigure } = await import('../../notebook/paper-table');
      const forms = {
        text: () =>
          [...report.tables.map((table) => tableText(budgetFigure(table))), ...report.left].join('\n\n'),
        md: () => tablesMarkdown(report),
        html: () => tablesPage(report),
        json: () => JSON.stringify(tablesJson(report), null, 2),
      };
      process.stdout.write(`${forms[format]()}\n`);
    });
}
