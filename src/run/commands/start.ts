/** `scnas start`: the main job, and what to open next. */
import path from 'node:path';
import type { Command } from 'commander';
import { duration } from '../progress';
import { given, type RunOptions, withConfig, withData, withHooks } from './common';

export function addStart(program: Command): void {
  withConfig(withData(program.command('start')))
    .description(
      'the main job: search, derive, retrain and evaluate on a small hippocampus task, beside a random genotype and a plain U-Net',
    )
    .option('--seed <n>', 'every random number follows from it')
    .option('--run <dir>', 'folder of the job', path.join('runs', 'start'))
    .option('--resume', 'go on with the job in that folder')
    .addHelpText('after', '\nExample:\n  scnas start --set search.steps=200 --run runs/longer')
    .action(async (options: RunOptions & { run: string }) => {
      const began = performance.now();
      const { finishedStart, runStart, startData, startTable } = await import('../start');
      const { writeReport } = await import('../report');
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const finished = finishedStart(options.run);
      if (finished) say(`${options.run} holds a finished job: its results again (--run DIR begins another)`);
      const start = {
        ...options,
        dir: options.run,
        given: given(options),
        resume: options.resume === true || finished,
      };
      const done = await withHooks(
        `npm start -- --resume${options.run === path.join('runs', 'start') ? '' : ` --run ${options.run}`}`,
        (hooks) => runStart(start, hooks, say),
      );
      const files = await writeReport(options.run, startData(options), done);
      process.stdout.write(
        [
          '',
          ...startTable(done),
          '(a job this short shows that everything works; it says little about which network is better)',
          '',
          `cells    ${files.cells}`,
          `overlay  ${files.overlay}`,
          `took ${duration((performance.now() - began) / 1000)}; open next:`,
          `  ${files.report}   in a browser: curves, cells, a case to look through`,
          '  npm run lab   then notebooks/00-quickstart.ipynb',
          '',
        ].join('\n'),
      );
    });
}
