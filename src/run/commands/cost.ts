/** `scnas cost`: multiply-adds, parameters and activation memory, from the records that build the network. */
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import type { Network } from '../../engine/model';
import { type Method, methodList, methodOf } from '../../networks/methods';
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

/** Names of the networks: SCNAS's, and those that were designed by hand. */
const networks = methodList.filter((m) => m.name === 'scnas' || !('genotype' in m)).map(({ name }) => name);

/** The network that the options describe. */
async function networkFor({
  network,
  genotype: file,
  operations: table,
  ...rest
}: CostCommand): Promise<Network> {
  const method = methodOf(network as Method);
  if (method.genotype && !file)
    return fail({
      where: `--network ${network}`,
      expected: '--genotype FILE',
      found: 'none',
      next: 'give the genotype.json of a run',
    });
  const { defaultReadings: readings } = await import('../../paper/readings');
  const given = file ? await genotypeFrom(file, table) : { genotype: undefined, operations: [] };
  const { networkBy } = await import('../../networks/build');
  return networkBy[network as Method]({
    ...given,
    readings,
    inputs: wholeNumber(rest.inputs, '--inputs'),
    classes: wholeNumber(rest.classes, '--classes', 2),
    stem: rest.stem === undefined ? method.width : wholeNumber(rest.stem, '--stem'),
    patch: sides(rest.patch, '--patch'),
  });
}

export function addCost(program: Command): void {
  program
    .command('cost')
    .description(
      'multiply-adds (each counted once), parameters and activation memory of a network, for one sample of a patch',
    )
    .requiredOption('--network <name>', networks.join(', '))
    .option('--genotype <file>', 'of network scnas: genotype.json')
    .option('--operations <file>', 'the operations that the genotype was chosen from, if not the paper’s')
    .option(
      '--stem <n>',
      `channels of the stem, or of the first level (${networks.map((name) => `${name}: ${methodOf(name).width}`).join(', ')})`,
    )
    .requiredOption('--inputs <n>', 'image channels')
    .requiredOption('--classes <n>', 'classes, the background counted')
    .requiredOption('--patch <x,y,z>', 'sides, each divisible by 8')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  scnas cost --network unet --stem 32 --inputs 4 --classes 4 --patch 128,128,128 --json',
    )
    .action(async (options: CostCommand) => {
      if (!networks.some((name) => name === options.network)) {
        const near = nearest(options.network, networks);
        fail({
          where: '--network',
          expected: `one of ${networks.join(', ')}`,
          found: options.network,
          next: near ? `did you mean ${near}?` : 'choose one',
        });
      }
      const network = await networkFor(options);
      const { inputs, classes } = network;
      const patch = sides(options.patch, '--patch');
      const { totalCost } = await import('../../paper/cost');
      const layers = network.cost(patch);
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
