/** `scnas derive`: from a finished search to genotype.json. */
import path from 'node:path';
import type { Command } from 'commander';
import { existingRun, print } from './common';

export function addDerive(program: Command): void {
  program
    .command('derive')
    .description('choose the operation of every edge from a finished search; writes genotype.json')
    .requiredOption('--run <dir>', 'the folder of the search')
    .option('--json', 'print genotype and margins as JSON')
    .addHelpText('after', '\nExample:\n  scnas derive --run runs/mine')
    .action(async ({ run: dir, json }: { run: string; json?: boolean }) => {
      const run = await existingRun(dir);
      const { loadOperations } = await import('../operations');
      const { runDerive } = await import('../search');
      const { genotype, margins, warnings } = runDerive(
        run,
        loadOperations(run.config.operationsFile).operations,
      );
      const lines = Object.entries(genotype.cells).flatMap(([type, edges]) => [
        `${type}:`,
        ...edges.map(
          ({ from, to, op }, e) =>
            `  ${from} → ${to}  ${op.padEnd(10)} margin ${margins[type as keyof typeof margins][e].toFixed(4)}`,
        ),
      ]);
      const file = path.join(dir, 'genotype.json');
      print(json, { genotype, margins, warnings, file }, [
        ...lines,
        ...warnings,
        `written to ${file}`,
        `next: scnas retrain --run ${dir}`,
      ]);
    });
}
