/**
 * The hour: on the same cores and the same fold, our search and retraining (`configs/hour.json`, fixed in steps) and nnU-Net v2 by the clock.
 *
 * `node setup/run.mjs bench/hour.ts scnas`, `… nnunetv2-default`, `… nnunetv2-short`; each leaves its record in results/hour/.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { openDataset } from '../src/data/msd';
import { fail, ScnasError } from '../src/engine/errors';
import { contenders, type HourOptions } from './hour-runs';

function positive(text: string): number {
  const n = Number(text);
  if (!(n > 0) || !Number.isFinite(n)) throw new InvalidArgumentError('a number above 0 was expected');
  return n;
}

interface Given {
  readonly data?: string;
  readonly task: string;
  readonly minutes: number;
  readonly fold: number;
  readonly work: string;
  readonly out: string;
}

async function main(): Promise<void> {
  const names = Object.keys(contenders);
  const command = new Command('node setup/run.mjs bench/hour.ts')
    .description(
      'Gives our search and retraining, or nnU-Net v2, an hour of training on a fold, and scores it.',
    )
    .argument('<contender>', names.join(', '))
    .option('--data <dir>', 'a root of tasks; default SCNAS_DATA')
    .option('--task <name>', 'a task with one channel', 'Task04_Hippocampus')
    .option('--minutes <n>', 'instead of 60; ours takes that share of its steps', positive, 60)
    .option('--fold <k>', 'of our 5 folds', Number, 0)
    .option('--work <dir>', 'where runs, links and prepared cases lie', path.join('runs', 'hour'))
    .option('--out <dir>', 'where the record goes', path.join('results', 'hour'))
    .addHelpText(
      'after',
      '\nExample:\n  node setup/run.mjs bench/hour.ts nnunetv2-short --minutes 2 --out runs/try',
    )
    .action(async (name: string, given: Given) => {
      const run = contenders[name];
      if (!run)
        fail({ where: 'contender', expected: `one of ${names.join(', ')}`, found: name, next: 'choose one' });
      const data = given.data ?? process.env.SCNAS_DATA;
      if (!data)
        return fail({
          where: '--data',
          expected: 'a folder with tasks',
          found: 'none',
          next: 'set SCNAS_DATA',
        });
      const out = path.join(given.out, name);
      if (fs.existsSync(out))
        fail({ where: out, expected: 'no record there', found: 'one', next: 'choose another --out' });
      const options: HourOptions = {
        name,
        dataset: openDataset(data, given.task),
        minutes: given.minutes,
        fold: given.fold,
        work: path.resolve(given.work),
        out,
        threads: Number(process.env.SCNAS_THREADS) || os.availableParallelism(),
        say: (line) => process.stderr.write(`${line}\n`),
      };
      const dice = await run(options);
      const words = Object.entries(dice).map(
        ([label, v]) => `${label} ${v === null ? '–' : (100 * v).toFixed(2)}`,
      );
      process.stdout.write(`Dice, %: ${words.join(', ')}; written to ${out}\n`);
    });
  await command.parseAsync();
}

main().catch((error) => {
  process.stderr.write(`${error instanceof ScnasError ? error.message : (error?.stack ?? error)}\n`);
  process.exitCode = 1;
});
