/** `scnas cost`: multiply-adds, parameters and activation memory, from the records that build the network. */
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import type { Network } from '../../engine/model';
import { nearest } from '../options';
import { genotypeFrom, print, sides, wholeNumber } from './common';

interface CostCommand {
  readonly network: string;
  readonly genotype?: string;
  readonly operations?: string;
  readonly stem?: string;
  readonly inputs: string;
  readonly classes: string;
  readonly patch: string;
  readonly json?: boolean;
}

type Build = (
  options: CostCommand,
  sizes: { inputs: number; classes: number; stem: number | undefined },
) => Promise<Network>;

const networks: Readonly<Record<string, Build>> = {
  scnas: async ({ genotype: file, operations: table }, { inputs, classes, stem = 68 }) => {
    if (!file)
      return fail({
        where: '--network scnas',
        expected: '--genotype FILE',
        found: 'none',
        next: 'give the genotype.json of a run',
      });
    const { genotype, operations } = await genotypeFrom(file, table);
    const { derivedNetwork } = await import('../../paper/network');
    const { defaultReadings: readings } = await import('../../paper/readings');
    return derivedNetwork({ inputs, classes, stem, operations, readings }, genotype);
  },
  unet: async (_, { inputs, classes, stem = 32 }) =>
    (await import('../../networks/unet')).unet({ inputs, classes, width: stem }),
};

export function addCost(program: Command): void {
  program
    .command('cost')
    .description(
      'multiply-adds (each counted once), parameters and activation memory of a network, for one sample of a patch',
    )
    .requiredOption('--network <name>', Object.keys(networks).join(', '))
    .option('--genotype <file>', 'of network scnas: genotype.json')
    .option('--operations <file>', 'the operations that the genotype was chosen from, if not the paper’s')
    .option('--stem <n>', 'channels of the stem (68), or of the first level (unet: 32)')
    .requiredOption('--inputs <n>', 'image channels')
    .requiredOption('--classes <n>', 'classes, the background counted')
    .requiredOption('--patch <x,y,z>', 'sides, each divisible by 8')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  scnas cost --network unet --stem 32 --inputs 4 --classes 4 --patch 128,128,128 --json',
    )
    .action(async (options: CostCommand) => {
      const build = networks[options.network];
      if (!build) {
        const near = nearest(options.network, Object.keys(networks));
        fail({
          where: '--network',
          expected: `one of ${Object.keys(networks).join(', ')}`,
          found: options.network,
          next: near ? `did you mean ${near}?` : 'choose one',
        });
      }
      const inputs = wholeNumber(options.inputs, '--inputs');
      const classes = wholeNumber(options.classes, '--classes', 2);
      const stem = options.stem === undefined ? undefined : wholeNumber(options.stem, '--stem');
      const patch = sides(options.patch, '--patch');
      const { totalCost } = await import('../../paper/cost');
      const layers = (await build(options, { inputs, classes, stem })).cost(patch);
      const { flops: multiplyAdds, parameters, activationBytes } = totalCost(layers);
      const facts = {
        network: options.network,
        inputs,
        classes,
        patch,
        multiplyAdds,
        parameters,
        activationBytes,
        layers,
      };
      print(options.json, facts, [
        `${options.network} for ${inputs} × ${patch.join(' × ')}, ${classes} classes:`,
        `  ${(multiplyAdds / 1e9).toFixed(2)} G multiply-adds`,
        `  ${(parameters / 1e6).toFixed(3)} M parameters`,
        `  ${(activationBytes / 2 ** 20).toFixed(0)} MiB of activations that a backward pass needs`,
      ]);
    });
}
