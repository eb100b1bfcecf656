/** `scnas data`: real volumes, fetched from the Decathlon's public mirror. */
import path from 'node:path';
import type { Command } from 'commander';
import { progressLine } from '../progress';
import { stopSignal } from '../stop';

interface GetCommand {
  readonly out: string;
  readonly from?: string;
  readonly md5?: string;
  readonly keep?: boolean;
}

export function addData(program: Command): void {
  const data = program
    .command('data')
    .description('tasks of the Medical Segmentation Decathlon: list them, or fetch one')
    .addHelpText('after', '\nExample:\n  scnas data get Task04_Hippocampus --out data');
  data
    .command('list')
    .description('the tasks that can be fetched, and whether they are there')
    .option('--out <dir>', 'where to look', 'data')
    .addHelpText('after', '\nExample:\n  scnas data list')
    .action(async ({ out }: { out: string }) => {
      const { existsSync } = await import('node:fs');
      const { decathlonTasks, MIRROR } = await import('../../data/decathlon');
      const lines = decathlonTasks.map(({ name, md5 }) => {
        const here = existsSync(path.join(out, name, 'dataset.json')) ? 'here' : '–';
        return `${name.padEnd(22)}${here.padEnd(6)}${md5}`;
      });
      const head = `${'task'.padEnd(22)}${'here'.padEnd(6)}MD5 of ${MIRROR}/TASK.tar`;
      process.stdout.write(`${[head, ...lines].join('\n')}\n`);
    });
  data
    .command('get')
    .argument('<task>', 'as Task04_Hippocampus; 4 and hippocampus name it too')
    .description('download, check and unpack a task; a download that broke off goes on where it stopped')
    .option('--out <dir>', "the folder that gets the task's folder", 'data')
    .option('--from <url>', 'another mirror, or a .tar on this machine')
    .option('--md5 <sum>', 'the MD5 that the .tar must have, if it is not the published one')
    .option('--keep', 'keep the .tar')
    .addHelpText(
      'after',
      '\nExample:\n  scnas data get Task04_Hippocampus --out data\n  scnas plan --data data/Task04_Hippocampus',
    )
    .action(async (name: string, { out, from, md5, keep }: GetCommand) => {
      const { decathlonTask } = await import('../../data/decathlon');
      const { getTask } = await import('../get-data');
      const task = decathlonTask(name);
      const { signal, release } = stopSignal(() =>
        process.stderr.write('\nstopping; what is here is kept\n'),
      );
      try {
        const { dataset, fetched } = await getTask({
          task,
          out,
          from,
          md5,
          keep,
          signal,
          goOn: `scnas data get ${task.name} --out ${out}`,
          progress: (phase, total, before) => progressLine({ phase, total, from: before }),
        });
        process.stdout.write(
          `${dataset.cases.length} cases in ${dataset.root}${fetched ? '' : ', which was there already'}\n` +
            `next: scnas plan --data ${dataset.root}\n`,
        );
      } finally {
        release();
      }
    });
}
