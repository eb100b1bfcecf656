/** `scnas plan`: what the data are and what is wrong with them, what a run on them would be, what it costs, and about how long it would take. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { fail, ScnasError } from '../../engine/errors';
import { progressLine } from '../progress';
import { plannedBy, print, type RunOptions, withRun } from './common';

interface PlanCommand extends RunOptions {
  readonly json?: boolean;
  readonly timing: boolean;
  readonly out?: string;
}

export function addPlan(program: Command): void {
  withRun(program.command('plan'))
    .description(
      'check every case of a data set; print the plan that follows (spacing, patch, batches), its cost, and about how long it takes here',
    )
    .option('--out <file>', 'write the plan, for --plan of a search or retraining')
    .option('--json', 'print the plan, its cost and the resolved configuration as JSON')
    .option('--no-timing', 'do not time steps')
    .addHelpText(
      'after',
      '\nExample:\n  scnas plan --data data/Task04_Hippocampus --spacing iso07 --out plan.json',
    )
    .action(run);
}

async function run(options: PlanCommand): Promise<void> {
  if (options.out && existsSync(options.out))
    fail({ where: options.out, expected: 'no such file yet', found: 'one', next: 'choose another --out' });
  const { dataFolder, lookAtFolder, openData } = await import('../look');
  const { writeJson } = await import('../files');
  const progress = (phase: string, total: number, from: number) => progressLine({ phase, total, from });
  const found = await lookAtFolder(dataFolder(options.data), options.task, { progress });
  if (found.problems.length > 0) {
    if (options.json) print(true, found, []);
    const count = found.problems.length;
    throw new ScnasError(
      `${count} problem${count === 1 ? '' : 's'}:\n${found.problems.map((p) => `  ${p}`).join('\n')}`,
    );
  }
  const dataset = openData(options.data, options.task);
  const { config, plan } = await plannedBy({ ...options, data: dataset.root, task: undefined }, {});
  if (options.out) writeJson(options.out, plan);
  const { costOf, minutesOf, planLines } = await import('../plan-report');
  const cost = costOf(config, plan);
  const minutes = options.timing ? minutesOf(config, plan) : undefined;
  print(options.json, { plan, warnings: found.warnings, cost, minutes, config }, [
    ...found.warnings.map((line) => `warning: ${line}`),
    ...planLines(config, plan, cost, minutes),
    ...(options.out ? [`written to ${options.out}`] : []),
  ]);
}
