/** `scnas table1`, which `npm run table1` calls: the campaign behind Table 1, as a workflow. */
import path from 'node:path';
import type { Command } from 'commander';
import type { Table1Options } from '../table1';
import { collect, wholeNumber } from './common';

/** The options as the command line gives them: numbers as text, a folder that may be left out. */
interface Table1Command extends Omit<Table1Options, 'cores' | 'out' | 'say'> {
  readonly cores?: string;
  readonly out?: string;
}

export function addTable1(program: Command): void {
  program
    .command('table1')
    .description(
      'run every job behind Table 1 (tasks × folds × methods × seeds: search, derive, retrain, evaluate) and build the table; killed at any point, the same command goes on',
    )
    .option('--config <name>', 'paper, laptop, smoke, or a file', 'smoke')
    .option('--set <key=value>', 'set one key of every run’s configuration; may be repeated', collect, [])
    .option('--data <dir>', 'folder with the tasks; default SCNAS_DATA; with smoke: phantoms, drawn at once')
    .option('--tasks <names>', 'separated by commas; default: the paper’s three')
    .option('--methods <names>', 'default: nnunet, uresnet, scnas, transfer')
    .option('--folds <numbers>', 'default: all with paper, else 0')
    .option('--seeds <numbers>', 'default: 0')
    .option('--cores <n>', 'processors to use, or jobs at a time on a cluster; default: all, or 100')
    .option('--threads <n>', 'threads of a job')
    .option('--profile <name>', 'where it runs: local, slurm, kubernetes, or a folder of your own', 'local')
    .option('--out <dir>', 'folder of the campaign; default runs/table1-CONFIG')
    .option('--dry-run', 'print the jobs with predicted hours, memory and disk, and run none')
    .option('--no-timing', 'with --dry-run: predict no hours, which takes a minute or two')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run table1 -- --config smoke --cores 2\n  npm run table1 -- --config paper --data data --dry-run\n  npm run table1 -- --config paper --data data --profile slurm --cores 20',
    )
    .action(run);
}

async function run(options: Table1Command): Promise<void> {
  const { runTable1 } = await import('../table1');
  const { profile, cores } = options;
  const out = options.out ?? path.join('runs', `table1-${path.basename(options.config, '.json')}`);
  await runTable1({
    ...options,
    out: path.resolve(out),
    profile,
    cores: cores === undefined ? undefined : wholeNumber(cores, '--cores'),
    say: (line) => process.stdout.write(`${line}\n`),
  });
}
