/** `scnas phantom`: a small decathlon made by rules, for machines without data. */
import type { Command } from 'commander';
import { progressLine } from '../progress';
import { sides, wholeNumber } from './common';

interface PhantomCommand {
  readonly task: string;
  readonly out: string;
  readonly cases: string;
  readonly seed: string;
  readonly size?: string;
}

export function addPhantom(program: Command): void {
  program
    .command('phantom')
    .description(
      "write an MSD task folder whose volumes have a real task's channels, classes, spacing and difficulties",
    )
    .requiredOption('--task <name>', 'Task01_BrainTumour, Task02_Heart, Task04_Hippocampus or Task06_Lung')
    .requiredOption('--out <dir>', 'a new folder; the task becomes a folder in it')
    .option('--cases <n>', 'number of cases', '20')
    .option('--size <x,y,z>', 'sides in voxels; default: about those of the real task')
    .option('--seed <n>', 'every volume follows from it', '0')
    .addHelpText(
      'after',
      '\nExample:\n  scnas phantom --task Task04_Hippocampus --cases 20 --seed 1 --out phantoms',
    )
    .action(async ({ task, out, cases, seed, size }: PhantomCommand) => {
      const { writePhantom } = await import('../../data/phantom');
      const count = wholeNumber(cases, '--cases');
      const progress = progressLine({ phase: 'phantom', total: count });
      const folder = writePhantom({
        task,
        cases: count,
        seed: wholeNumber(seed, '--seed', 0),
        out,
        size: size === undefined ? undefined : sides(size, '--size', 1),
        onCase: (done: number) => progress.update(done, {}),
      });
      progress.done();
      process.stdout.write(
        `${count} cases in ${folder}\nnext: scnas search --data ${folder} --config smoke\n`,
      );
    });
}
