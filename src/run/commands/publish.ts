/** `scnas publish`: a small copy of a finished run, fit to be committed. */
import type { Command } from 'commander';
import { existingRun, print } from './common';

interface PublishCommand {
  readonly run: string;
  readonly out: string;
  readonly epochs?: boolean;
  readonly json?: boolean;
}

export function addPublish(program: Command): void {
  program
    .command('publish')
    .description(
      'copy what a finished run was and reached, without weights and paths, into a folder of results/',
    )
    .requiredOption('--run <dir>', 'the folder of an evaluated run')
    .requiredOption('--out <dir>', 'a new folder, as results/task04/scnas')
    .option('--epochs', 'keep one line of metrics an epoch, their means, instead of one a step')
    .option('--json', 'print the names of the files as JSON')
    .addHelpText('after', '\nExample:\n  scnas publish --run runs/mine --out results/task04/mine')
    .action(async ({ run, out, epochs, json }: PublishCommand) => {
      await existingRun(run);
      const { publish } = await import('../publish');
      const files = publish(run, out, epochs ? 'epochs' : 'steps');
      print(json, { out, files }, [`${files.join(', ')} written to ${out}`]);
    });
}
