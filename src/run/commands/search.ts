/** `scnas search`: find an architecture. */
import type { Command } from 'commander';
import { type RunOptions, runOf, withHooks, withRun, workOn } from './common';

export function addSearch(program: Command): void {
  withRun(program.command('search'))
    .description('search for an architecture on the training part of a fold')
    .addHelpText(
      'after',
      '\nExample:\n  scnas search --data data/Task04_Hippocampus --config laptop --fold 0 --run runs/mine',
    )
    .action(async (options: RunOptions) => {
      const run = await runOf(options);
      const { openRunData } = await import('../cases');
      const { loadOperations } = await import('../operations');
      const { runSearch } = await import('../search');
      await workOn(run, async () => {
        const dataset = openRunData(run.config);
        const { operations } = loadOperations(run.config.operationsFile);
        await withHooks(`scnas search --run ${run.dir} --resume`, (hooks) =>
          runSearch(run, dataset, operations, hooks),
        );
      });
      process.stdout.write(
        `searched ${run.config.search.steps} steps in ${run.dir}\nnext: scnas derive --run ${run.dir}\n`,
      );
    });
}
