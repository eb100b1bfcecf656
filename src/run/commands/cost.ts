/** `scnas cost`: multiply-adds, parameters and activation memory, from the records that build the network. */
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import type { LayerCost, Network, Shape3 } from '../../engine/model';
import { type Method, methodList, methodOf } from '../../networks/methods';
import type { Genotype } from '../../paper/genotype';
import { nearest } from '../options';
import { collect, genotypeFrom, print, sides, wholeNumber } from './common';

interface CostCommand {
  readonly network: string;
  readonly genotype?: string;
  readonly every?: string;
  readonly operations?: string;
  readonly set: readonly string[];
  readonly reach?: string;
  readonly draws: string;
  readonly out?: string;
  readonly count?: boolean;
  readonly stem?: string;
  readonly inputs: string;
  readonly classes: string;
  readonly patch: string;
  readonly json?: boolean;
}

/** Names of the networks: SCNAS's, and those that were designed by hand. */
const networks = methodList.filter((m) => m.name === 'scnas' || !('genotype' in m)).map(({ name }) => name);

function methodFor(name: string) {
  if (networks.some((known) => known === name)) return methodOf(name as Method);
  const near = nearest(name, networks);
  return fail({
    where: '--network',
    expected: `one of ${networks.join(', ')}`,
    found: name,
    next: near ? `did you mean ${near}?` : 'choose one',
  });
}

/** What the options say, but for the width and the genotype. */
async function sizesOf(options: CostCommand) {
  const { networkBy } = await import('../../networks/build');
  const { loadOperations } = await import('../operations');
  const build = networkBy[options.network as Method];
  const sizes = {
    readings: await readingsOf(options.set),
    operations: loadOperations(options.operations ?? null).operations,
    inputs: wholeNumber(options.inputs, '--inputs'),
    classes: wholeNumber(options.classes, '--classes', 2),
    patch: sides(options.patch, '--patch'),
  };
  return { build, sizes };
}
type Sizes = Awaited<ReturnType<typeof sizesOf>>['sizes'];

/** Our readings of the paper, with those that are switched. */
async function readingsOf(set: readonly string[]) {
  const { resolveConfig } = await import('../config');
  const other = set.find((setting) => !setting.startsWith('readings.'));
  if (other !== undefined)
    fail({
      where: '--set',
      expected: 'readings.NAME=VALUE',
      found: other,
      next: 'sizes have options of their own',
    });
  return resolveConfig({ file: 'paper', set }).readings;
}

/** The genotype with one operation on every edge. */
async function everyEdge(name: string, { operations, readings }: Sizes): Promise<Genotype> {
  const { key } = await import('../../engine/keys');
  const { intermediateNodes, randomGenotype } = await import('../../paper/genotype');
  const chosen = operations.filter((operation) => operation.name === name);
  if (chosen.length === 0) {
    const names = operations.map((operation) => operation.name);
    fail({
      where: '--every',
      expected: `one of ${names.join(', ')}`,
      found: name,
      next: `did you mean ${nearest(name, names) ?? names[0]}?`,
    });
  }
  return randomGenotype(chosen, key(0), intermediateNodes(readings));
}

/** The genotype that the options name; none for a network that has none. */
async function genotypeFor(options: CostCommand, sizes: Sizes): Promise<Genotype | undefined> {
  if (!methodOf(options.network as Method).genotype) return undefined;
  if (options.every !== undefined) return everyEdge(options.every, sizes);
  if (options.genotype) return (await genotypeFrom(options.genotype, options.operations)).genotype;
  return fail({
    where: `--network ${options.network}`,
    expected: '--genotype FILE, --every OPERATION or --reach G',
    found: 'none',
    next: 'give the genotype.json of a run, or for example --every conv3',
  });
}

/** How many edges of the four cell types have each operation. */
function edgesOf({ operations, cells }: Genotype): string {
  const chosen = Object.values(cells).flatMap((edges) => edges.map(({ op }) => op));
  const counts = operations.map((name) => `${name} ${chosen.filter((op) => op === name).length}`);
  return `${counts.join(', ')} of ${chosen.length} edges`;
}

const giga = (n: number) => `${(n / 1e9).toFixed(2)} G`;

/** The layers as a table, with their total below. */
function layerLines(layers: readonly LayerCost[], total: Omit<LayerCost, 'name'>): string[] {
  const width = Math.max(...layers.map(({ name }) => name.length), 5);
  const line = ({ name, multiplyAdds, parameters, activationBytes }: LayerCost) =>
    [
      `  ${name.padEnd(width)}`,
      (multiplyAdds / 1e9).toFixed(3).padStart(14),
      String(parameters).padStart(12),
      (activationBytes / 2 ** 20).toFixed(1).padStart(14),
    ].join('');
  const head = `  ${'layer'.padEnd(width)}  G mult.-adds  parameters  activations, MiB`;
  return [head, ...layers.map(line), line({ name: 'total', ...total })];
}

/** What the paper says where this is the network and the task that it speaks of. */
async function paperSays(method: string, stem: number, { inputs, classes, patch }: Sizes) {
  const { paperFlops } = await import('../../paper/cost');
  const brain = inputs === 4 && classes === 4 && patch.every((side) => side === 128);
  return brain && stem === methodOf(method as Method).width ? paperFlops[method] : undefined;
}

/** What the present kernels execute in a forward pass of one sample, and with its backward pass. */
async function countOf(network: Network, patch: Shape3) {
  const { countStep } = await import('../count-step');
  const { kernels } = await import('../../engine/kernels');
  return { kernels: kernels().name, ...countStep(network, patch) };
}

async function showReach(options: CostCommand, stem: number | undefined) {
  const method = methodFor(options.network);
  const { build, sizes } = await sizesOf(options);
  const target = Number(options.reach) * 1e9;
  if (!(target > 0))
    fail({
      where: '--reach',
      expected: 'G multiply-adds above 0',
      found: String(options.reach),
      next: 'for example --reach 424.76',
    });
  if (!method.genotype || options.genotype !== undefined || options.every !== undefined) {
    const { widthOfCost } = await import('../../networks/width');
    const genotype = await genotypeFor(options, sizes);
    const at = (width: number) => build({ ...sizes, stem: width, genotype });
    const { totalCost } = await import('../../paper/cost');
    const { intermediateNodes } = await import('../../paper/genotype');
    const width = widthOfCost(
      target,
      sizes.patch,
      at,
      genotype ? intermediateNodes(sizes.readings) : undefined,
    );
    const multiplyAdds = totalCost(at(width).cost(sizes.patch)).flops;
    return print(options.json, { network: method.name, target, width, multiplyAdds }, [
      `${method.title}: ${genotype ? 'stem' : 'first width'} ${width} takes ${giga(multiplyAdds)}, the nearest to ${giga(target)}`,
    ]);
  }
  const { reach } = await import('../reach');
  const { key } = await import('../../engine/keys');
  const { writeWhole } = await import('../files');
  const draws = wholeNumber(options.draws, '--draws');
  const width = stem ?? method.width;
  const found = reach({ ...sizes, stem: width }, target, sizes.patch, draws, key(0, 'reach'));
  if (options.out) writeWhole(options.out, `${JSON.stringify(found.nearest.genotype, null, 2)}\n`);
  return print(options.json, { network: method.name, stem: width, target, ...found }, [
    `${draws} random genotypes at stem ${width}: ${giga(found.least)} to ${giga(found.most)}, median ${giga(found.median)}`,
    `${(100 * found.share).toFixed(1)} % of them within 10 % of ${giga(target)}`,
    `nearest: ${giga(found.nearest.multiplyAdds)} with ${edgesOf(found.nearest.genotype)}${options.out ? `, written to ${options.out}` : '; --out FILE writes it'}`,
  ]);
}

async function showCost(options: CostCommand, given: number | undefined) {
  const method = methodFor(options.network);
  const { build, sizes } = await sizesOf(options);
  const { inputs, classes, patch } = sizes;
  const stem = given ?? method.width;
  const network = build({ ...sizes, stem, genotype: await genotypeFor(options, sizes) });
  const { totalCost } = await import('../../paper/cost');
  const layers = network.cost(patch);
  const { flops: multiplyAdds, parameters, activationBytes } = totalCost(layers);
  const paper = await paperSays(method.name, stem, sizes);
  const count = options.count ? await countOf(network, patch) : undefined;
  const facts = {
    network: options.network,
    stem,
    inputs,
    classes,
    patch,
    multiplyAdds,
    parameters,
    activationBytes,
    ...(paper ? { paper } : {}),
    ...(count ? { count } : {}),
    layers,
  };
  print(options.json, facts, [
    `${method.title}, width ${stem}, for ${inputs} × ${patch.join(' × ')}, ${classes} classes:`,
    ...layerLines(layers, { multiplyAdds, parameters, activationBytes }),
    `${giga(multiplyAdds)} multiply-adds, ${(parameters / 1e6).toFixed(3)} M parameters, ${(activationBytes / 2 ** 20).toFixed(0)} MiB of activations that a backward pass needs`,
    ...(paper ? [`the paper has ${giga(paper)} for its ${method.title}`] : []),
    ...(count
      ? [
          `counted as the ${count.kernels} kernels ran: ${giga(count.forward)} forward (${(count.forward / multiplyAdds).toFixed(4)} times the table), ${giga(count.step)} with the backward pass`,
        ]
      : []),
  ]);
}

export function addCost(program: Command): void {
  const widths = networks.map((name) => `${name}: ${methodOf(name).width}`).join(', ');
  program
    .command('cost')
    .description(
      'multiply-adds (each counted once), parameters and activation memory of a network, for one sample of a patch',
    )
    .requiredOption('--network <name>', networks.join(', '))
    .option('--genotype <file>', 'of network scnas: genotype.json')
    .option('--every <operation>', 'of network scnas: this operation on every edge, as conv3')
    .option('--operations <file>', 'the operations that the genotype was chosen from, if not the paper’s')
    .option(
      '--set <readings.name=value>',
      'of network scnas: another reading of the paper; may be repeated',
      collect,
      [],
    )
    .option('--stem <n>', `channels of the stem, or of the first level (${widths})`)
    .requiredOption('--inputs <n>', 'image channels')
    .requiredOption('--classes <n>', 'classes, the background counted')
    .requiredOption('--patch <x,y,z>', 'sides, each divisible by 8')
    .option(
      '--reach <giga>',
      'instead: which random genotypes, or which width (stem of the cells that are given), take so many G multiply-adds',
    )
    .option('--draws <n>', 'of --reach: random genotypes', '200')
    .option('--out <file>', 'of --reach: write the nearest genotype')
    .option(
      '--count',
      'also run a forward and a backward pass of one sample and count what the kernels execute',
    )
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      [
        '\nExamples:',
        '  scnas cost --network uresnet --inputs 4 --classes 4 --patch 128,128,128',
        '  scnas cost --network scnas --every conv3 --inputs 4 --classes 4 --patch 128,128,128',
        '  scnas cost --network scnas --reach 424.76 --inputs 4 --classes 4 --patch 128,128,128 --out genotype.json',
        '  scnas cost --network scnas --genotype runs/one/genotype.json --reach 0.8 --inputs 1 --classes 3 --patch 40,56,40',
        '  scnas cost --network scnas --genotype results/ablation-readings/nodes-two/seed0/genotype.json --set readings.nodes=two --inputs 1 --classes 3 --patch 40,56,40',
        '  scnas cost --network unet --stem 32 --inputs 4 --classes 4 --patch 128,128,128 --json',
      ].join('\n'),
    )
    .action(async (options: CostCommand) => {
      const stem = options.stem === undefined ? undefined : wholeNumber(options.stem, '--stem');
      await (options.reach === undefined ? showCost(options, stem) : showReach(options, stem));
    });
}
