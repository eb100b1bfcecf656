/** `scnas augment`: a picture of what augmentation does to a case. */
import type { Command } from 'commander';
import { plannedBy, type RunOptions, withConfig, withData } from './common';

interface AugmentCommand extends RunOptions {
  readonly case?: string;
  readonly out: string;
}

export function addAugment(program: Command): void {
  withData(withConfig(program.command('augment')))
    .description('draw one case’s patch before and after each transform of the augmentation')
    .option('--case <id>', 'which case; default: the first')
    .option('--spacing <rule>', 'target spacing: iso07 (0.7 mm), median, native, or X,Y,Z in mm')
    .option('--seed <n>', 'what is drawn follows from it')
    .requiredOption('--out <file>', 'the picture, .svg')
    .addHelpText(
      'after',
      '\nExample:\n  scnas augment --data data/Task04_Hippocampus --case hippocampus_001 --out augmented.svg',
    )
    .action(run);
}

async function run({ case: wanted, ...options }: AugmentCommand): Promise<void> {
  const { openData } = await import('../look');
  const { fail } = await import('../../engine/errors');
  const { key } = await import('../../engine/keys');
  const { loadCase } = await import('../../data/msd');
  const { prepareCase } = await import('../../data/preprocess');
  const { augmentedFigure } = await import('../../notebook/augmented');
  const { preprocessingOf } = await import('../config');
  const { writeWhole } = await import('../files');
  if (!options.out.endsWith('.svg'))
    fail({ where: '--out', expected: 'a .svg file', found: options.out, next: 'name the picture to write' });
  const dataset = openData(options.data, options.task);
  const { config } = await plannedBy({ ...options, data: dataset.root, task: undefined });
  const raw = loadCase(dataset, wanted ?? dataset.cases[0].id);
  const { classes, patch, seed } = config;
  const prepared = prepareCase(raw, classes.length, preprocessingOf(config));
  const figure = augmentedFigure(prepared, patch, { classes, key: key(seed, 'picture') });
  writeWhole(options.out, figure.svg);
  process.stdout.write(`${raw.id}, patch ${patch.join(' × ')}: ${options.out}\n`);
}
