/** `scnas transfer`: cells found on one task, retrained on another, beside random cells of equal cost and the task's own. */
import path from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import { genotypeFrom, plannedBy, print, wholeNumber, withHooks } from './common';
import { commonWords, type ManyOptions, say, seedsFrom, withManyRuns } from './many';

interface TransferCommand extends ManyOptions {
  readonly from: string;
  readonly controls?: string;
  readonly own?: boolean;
  readonly out: string;
}

const EXAMPLES = `
Examples:
  scnas transfer --from runs/brain --task Task04_Hippocampus --config laptop --seeds 0,1 --own --out runs/transfer
  scnas transfer --from results/task/scnas/genotype.json --task Task06_Lung --only random-seed0 --out runs/lung
The runs are OUT/transfer-seed0, OUT/random-seed0, OUT/scnas-seed0, …; the same command again goes on where it stopped.`;

export function addTransfer(program: Command): void {
  withManyRuns(program.command('transfer'), '0', path.join('runs', 'transfer'))
    .description(
      'retrain from scratch the cells that a search found on another task, and random cells of equal cost (within 10 %) beside them',
    )
    .requiredOption('--from <run>', 'the folder of the search’s run, or a genotype.json')
    .option(
      '--controls <n>',
      'random genotypes, drawn and trained with seeds 0, 1, …; default: as many as seeds',
    )
    .option('--own', 'also search on the task itself and retrain what is found, with the same seeds')
    .option('--operations <file>', 'the operations that the genotype was chosen from, if not the paper’s')
    .addHelpText('after', EXAMPLES)
    .action(async (options: TransferCommand) => {
      const { openData } = await import('../look');
      const { name } = openData(options.data, options.task);
      await run(options);
      const { transferTables } = await import('../transfer-table');
      const { toText } = await import('../../notebook/text');
      const tables = transferTables(options.out, name);
      print(
        options.json,
        { task: name, tables },
        tables.flatMap((table) => [toText(table), '']),
      );
    });
}

async function run({ jobs: atOnce, ...options }: TransferCommand): Promise<void> {
  const { checkSource } = await import('../given');
  const { genotypeFile, transferCost, transferJobs } = await import('../transfer');
  const { runJobs } = await import('../jobs');
  const { openData } = await import('../look');
  const file = genotypeFile(options.from);
  const { genotype, operations } = await genotypeFrom(file, options.operations);
  const dataset = openData(options.data, options.task);
  checkSource(genotype, { method: 'transfer', task: dataset.name }, file);
  const count = wholeNumber(atOnce, '--jobs');
  const seeds = seedsFrom(options.seeds);
  const controls =
    options.controls === undefined ? seeds.length : wholeNumber(options.controls, '--controls', 0);
  const wanted = {
    transfer: seeds,
    random: Array.from({ length: controls }, (_, i) => i),
    scnas: options.own ? seeds : [],
  };
  const planned = await plannedBy(options);
  await withHooks('the same command', (hooks) => {
    const work = { dir: options.out, genotype, planned, dataset, operations, hooks };
    const more = { from: file, seeds: options.seeds, controls: String(controls), own: options.own };
    const all = transferJobs(work, wanted, commonWords('transfer', { ...options, jobs: '1' }, more));
    const jobs = options.only.length === 0 ? all : options.only.map((name) => jobNamed(all, name));
    say(`${(transferCost(work) / 1e9).toFixed(3)} G multiply-adds for a patch; ${jobs.length} runs`);
    return runJobs(jobs, { atOnce: count, signal: hooks.signal, say });
  });
}

function jobNamed<Named extends { readonly name: string }>(all: readonly Named[], name: string): Named {
  return (
    all.find((job) => job.name === name) ??
    fail({
      where: '--only',
      expected: `one of ${all.map((job) => job.name).join(', ')}`,
      found: name,
      next: 'choose one, or change --seeds, --controls, --own',
    })
  );
}
