/** `scnas retrain`: train the found network, a given genotype, or a peer, from scratch. */
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { methods } from '../config-rules';
import type { RunFolder } from '../folder';
import {
  genotypeFrom,
  plannedBy,
  type RunOptions,
  runName,
  runOf,
  withHooks,
  withRun,
  workOn,
} from './common';

interface RetrainCommand extends RunOptions {
  readonly genotype?: string;
}

export function addRetrain(program: Command): void {
  withRun(program.command('retrain'))
    .description(
      'train a network from scratch: of the run that was searched, or of a new run with --genotype or --method',
    )
    .option('--genotype <file>', 'in a new run: the architecture to train')
    .option('--method <name>', `in a new run: ${methods.join(', ')}`)
    .addHelpText(
      'after',
      '\nExamples:\n  scnas retrain --run runs/mine\n  scnas retrain --run runs/heart --data data/Task02_Heart --method transfer --genotype runs/mine/genotype.json --config laptop',
    )
    .action(async (options: RetrainCommand) => {
      const run = await retrainRun(options);
      const { openRunData } = await import('../cases');
      const { loadOperations } = await import('../operations');
      const { runRetrain } = await import('../retrain');
      await workOn(run, async () => {
        const dataset = openRunData(run.config);
        const { operations } = loadOperations(run.config.operationsFile);
        await withHooks(`scnas retrain --run ${run.dir} --resume`, (hooks) =>
          runRetrain(run, dataset, operations, hooks),
        );
      });
      process.stdout.write(
        `trained, weights in ${path.join(run.dir, 'model.safetensors')}\nnext: scnas evaluate --run ${run.dir}\n`,
      );
    });
}

/** The searched run itself if it was not retrained yet; else as with every command, new or --resume. */
async function retrainRun(options: RetrainCommand): Promise<RunFolder> {
  const { openRun, updateRecord, writeGenotype } = await import('../folder');
  const { checkSource, searchBeside } = await import('../given');
  const { run: dir, genotype: file } = options;
  const begun = dir !== undefined && fs.existsSync(path.join(dir, 'checkpoint', 'retrain.safetensors'));
  const searched = dir !== undefined && fs.existsSync(path.join(dir, 'genotype.json'));
  if (searched && !begun && !options.resume && !file && !options.method) {
    const unchanged = options.set.length === 0 && options.config === undefined;
    return unchanged ? openRun(dir) : runOf({ ...options, resume: true });
  }
  if (!file) return runOf(options);
  const { genotype, operations } = await genotypeFrom(file, options.operations);
  const { networkOf } = await import('../model');
  const { config } = await plannedBy(options);
  networkOf(config, genotype, operations, file);
  checkSource(genotype, config, file);
  const run = await runOf({ ...options, run: dir ?? runName(config) });
  writeGenotype(run, genotype);
  // A transfer costs no search, and has none of its own to tell of.
  if (config.method === 'scnas') updateRecord(run, { facts: searchBeside(file) });
  return run;
}
