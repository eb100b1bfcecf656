/**
 * The whole network (§2.1, §3): stem, twelve cells, out cell; once with every candidate operation (the supernet), once with those of a genotype.
 */
import { fail } from '../engine/errors';
import { kernels } from '../engine/kernels';
import {
  type LayerCost,
  type Network,
  type ParameterSpec,
  parameterCount,
  type Shape3,
  type Tensor5D,
  type Theta,
} from '../engine/model';
import type { tf } from '../engine/tf';
import { runChain } from '../engine/unit';
import { affineIn, type BuildOptions, type Cell, cell, type EdgeChoice } from './cell';
import { type CellType, cellTypes, type Genotype, intermediateNodes } from './genotype';
import type { Draw } from './gumbel';
import { type CellPlan, cellPlans, STEM } from './layout';
import type { Operation } from './operations';
import type { Readings } from './readings';
import { recomputed, type Wrt } from './recompute';

/** What every network of the space is built from. */
export interface NetworkOptions {
  /** Input channels (modalities). */
  readonly inputs: number;
  /** Classes, the background included. */
  readonly classes: number;
  /** Channels of the stem's output: 48 in the paper's search, 68 in its retraining. */
  readonly stem: number;
  readonly operations: readonly Operation[];
  readonly readings: Readings;
  /** Compute each cell's activations anew in the backward pass instead of keeping them: less memory, more time. */
  readonly recompute?: boolean;
}

/** The draws of one step: for each site (a cell type, or a cell), one draw an edge. */
export type Sample = readonly (readonly Draw[])[];

/** The search's network: every candidate operation has its weights, only those drawn are computed. */
export interface Supernet {
  readonly options: NetworkOptions;
  readonly plans: readonly CellPlan[];
  readonly parameters: readonly ParameterSpec[];
  /** Sites that draw for themselves: four cell types, or twelve cells (reading `share`). */
  readonly sites: readonly CellType[];
  /** Logits for the operations drawn, weighted by ẑ ({@link zHatOf}); `wrt` says what will be differentiated by (matters to recomputation). */
  forward(theta: Theta, x: Tensor5D, sample: Sample, zHat: tf.Tensor1D, wrt?: Wrt): Tensor5D;
  /** Names of the parameters that a sample uses. */
  used(sample: Sample): readonly string[];
  cost(sample: Sample, patch: Shape3): readonly LayerCost[];
}

/** Parameters of the stem and the out cell, and their runs. */
interface Ends {
  readonly parameters: readonly ParameterSpec[];
  stem(theta: Theta, x: Tensor5D): Tensor5D;
  out(theta: Theta, x: Tensor5D): Tensor5D;
  cost(patch: Shape3): readonly LayerCost[];
}

/** Two places in ẑ for every edge of every site. */
const place = (site: number, edge: number, k: number, edges: number) => (site * edges + edge) * 2 + k;

/**
 * The weights ẑ of a sample as one vector, two places an edge; a place is 0 where both draws coincide.
 *
 * Rule: place 2·(site·edges + edge) + k holds ẑ of draw k.
 * @param sample the draws, [sites][edges]
 * @returns ẑ, [2 · sites · edges]
 * Source: Algorithm 1.
 */
export function zHatOf(sample: Sample): Float32Array {
  return Float32Array.from(sample.flat().flatMap(({ weights }) => [weights[0], weights[1] ?? 0]));
}

/**
 * The supernet.
 *
 * Rule: at every edge $\sum_k \hat z_k\, o_k(x)$ over the one or two operations drawn; "zero" adds nothing. No other operation is computed.
 * @param options inputs, classes, stem, operations, readings
 * @throws ScnasError where the stem does not divide into nodes
 * Source: §2.1, §2.2, Eq. (1), Algorithm 1.
 */
export function supernet(options: NetworkOptions): Supernet {
  const plans = plansOf(options);
  const build: BuildOptions = { ...options, phase: 'search' };
  const cells = plans.map((plan) => cell(plan, build));
  const ends = endsOf(options, build);
  const perCell = options.readings.share === 'cell';
  const edges = (sample: Sample) => sample[0].length;
  const choicesOf = (sample: Sample) => (plan: CellPlan) => {
    const site = perCell ? plan.index : cellTypes.indexOf(plan.type);
    return sample[site].map(({ operations }, e) => ({
      operations,
      places: operations.map((_, k) => place(site, e, k, edges(sample))),
    }));
  };
  return {
    options,
    plans,
    parameters: [...ends.parameters, ...cells.flatMap((c) => c.parameters)],
    sites: perCell ? plans.map((p) => p.type) : cellTypes,
    forward: (theta, x, sample, zHat, wrt = 'theta') =>
      run({ ...options, cells, ends, choose: choicesOf(sample), wrt }, theta, x, zHat),
    used: (sample) => [
      ...ends.parameters.map((p) => p.name),
      ...cells.flatMap((c) => c.used(choicesOf(sample)(c.plan))),
    ],
    cost: (sample, patch) => costOf(ends, cells, choicesOf(sample), patch),
  };
}

/**
 * The network of a genotype, as it is retrained from scratch.
 *
 * Rule: every edge computes its one operation with weight 1; "zero" edges are not there.
 * @param options inputs, classes, stem, operations, readings
 * @param genotype the operation on every edge of the four cell types
 * @param phase norms as in retraining (default) or as in search
 * @throws ScnasError where an operation is not in the table, or the nodes do not fit the reading
 * Source: §2.1, §3.
 */
export function derivedNetwork(
  options: NetworkOptions,
  genotype: Genotype,
  phase: BuildOptions['phase'] = 'retrain',
): Network {
  const plans = plansOf(options);
  const choices = new Map(cellTypes.map((type) => [type, choicesOfGenotype(options, genotype, type)]));
  const choose = (plan: CellPlan) => choices.get(plan.type) ?? [];
  const build: BuildOptions = { ...options, phase };
  const cells = plans.map((plan) =>
    cell(
      plan,
      build,
      choose(plan).map((choice) => choice.operations),
    ),
  );
  const ends = endsOf(options, build);
  return {
    name: 'scnas',
    inputs: options.inputs,
    classes: options.classes,
    parameters: [...ends.parameters, ...cells.flatMap((c) => c.parameters)],
    forward: (theta, x) => run({ ...options, cells, ends, choose, wrt: 'theta' }, theta, x),
    cost: (patch) => costOf(ends, cells, choose, patch),
  };
}

function choicesOfGenotype(
  { operations, readings }: NetworkOptions,
  genotype: Genotype,
  type: CellType,
): EdgeChoice[] {
  const expected = (intermediateNodes(readings) * (intermediateNodes(readings) + 3)) / 2;
  const edges = genotype.cells[type];
  const where = `genotype, cell ${type}`;
  if (edges.length !== expected) {
    fail({
      where,
      expected: `${expected} edges`,
      found: String(edges.length),
      next: 'set readings.nodes as in its search',
    });
  }
  return edges.map(({ op }) => {
    const index = operations.findIndex((o) => o.name === op);
    const names = operations.map((o) => o.name).join(', ');
    if (index < 0)
      fail({
        where,
        expected: `one of ${names}`,
        found: op,
        next: 'pass the operation table it was made with',
      });
    return { operations: [index], places: [] };
  });
}

function plansOf({ stem, readings }: NetworkOptions): readonly CellPlan[] {
  const nodes = intermediateNodes(readings);
  if (!Number.isInteger(stem) || stem < nodes || stem % nodes !== 0) {
    const expected = `a multiple of ${nodes}, the intermediate nodes of a cell`;
    fail({ where: 'stem channels', expected, found: String(stem), next: 'change the stem' });
  }
  return cellPlans(stem, nodes, readings);
}

/** What a pass through the network needs beside Θ and the image. */
interface Pass {
  readonly cells: readonly Cell[];
  readonly ends: Ends;
  readonly choose: (plan: CellPlan) => readonly EdgeChoice[];
  readonly recompute?: boolean;
  readonly wrt: Wrt;
}

/** Stem → cells → out. */
function run(
  { cells, ends, choose, recompute, wrt }: Pass,
  theta: Theta,
  x: Tensor5D,
  zHat?: tf.Tensor1D,
): Tensor5D {
  const stages = cells.map((c) => ({
    sources: c.sources.map((index) => index - STEM),
    nodes: c.nodes(theta, choose(c.plan)),
  }));
  const alone = (i: number, sources: readonly Tensor5D[]) =>
    (recompute ? recomputed(cells[i], wrt) : cells[i]).run(theta, sources, choose(cells[i].plan), zHat);
  return ends.out(theta, runChain(kernels(), [ends.stem(theta, x)], stages, { zHat, recompute }, alone));
}

/** Stem: one 3³ convolution and InstanceNorm (cells begin with the activation). Out: LeakyReLU and a 1³ convolution with bias. */
function endsOf({ inputs, classes, stem: c, readings }: NetworkOptions, build: BuildOptions): Ends {
  const affine = affineIn(build);
  const convolutions = readings.stem === 'one' ? [inputs] : [inputs, c];
  const norm = (i: number): ParameterSpec[] =>
    affine
      ? [
          { name: `stem/gamma${i}`, shape: [c], init: 'ones', group: 'stem' },
          { name: `stem/beta${i}`, shape: [c], init: 'zeros', group: 'stem' },
        ]
      : [];
  const stem = convolutions.flatMap((from, i): ParameterSpec[] => [
    { name: `stem/weight${i}`, shape: [3, 3, 3, from, c], init: 'he', fanIn: 27 * from, group: 'stem' },
    ...norm(i),
  ]);
  const out: ParameterSpec[] = [
    { name: 'out/weight', shape: [1, 1, 1, c, classes], init: 'he', fanIn: c, group: 'out' },
    { name: 'out/bias', shape: [classes], init: 'zeros', group: 'out' },
  ];
  return {
    parameters: [...stem, ...out],
    stem: (theta, x) =>
      convolutions.reduce((y, _, i) => {
        const weight = theta[`stem/weight${i}`] as tf.Tensor5D;
        const scale = affine
          ? { gamma: theta[`stem/gamma${i}`] as tf.Tensor1D, beta: theta[`stem/beta${i}`] as tf.Tensor1D }
          : undefined;
        const step = { stride: 1, dilation: 1 } as const;
        if (i === 0) {
          const convolved = kernels().conv3d(y, weight, step);
          const normed = kernels().instanceNorm(convolved, scale);
          convolved.dispose(); // else it would stay until the step ends
          return normed;
        }
        return kernels().convUnit(y, weight, step, scale);
      }, x),
    out: (theta, x) => {
      const weight = theta['out/weight'] as tf.Tensor5D;
      return kernels().outUnit(x, weight, theta['out/bias'] as tf.Tensor1D);
    },
    cost: (patch) => {
      const voxels = patch[0] * patch[1] * patch[2];
      const multiplyAdds = convolutions.reduce((sum, from) => sum + 27 * from * c * voxels, 0);
      return [
        {
          name: 'stem',
          multiplyAdds,
          parameters: parameterCount(stem),
          activationBytes: 8 * c * voxels * convolutions.length,
        },
        {
          name: 'out',
          multiplyAdds: c * classes * voxels,
          parameters: parameterCount(out),
          activationBytes: 4 * (c + classes) * voxels,
        },
      ];
    },
  };
}

function costOf(
  ends: Ends,
  cells: readonly Cell[],
  choose: (plan: CellPlan) => readonly EdgeChoice[],
  patch: Shape3,
): readonly LayerCost[] {
  const shape = (level: number) => patch.map((s) => Math.ceil(s / 2 ** level)) as unknown as Shape3;
  const [stem, out] = ends.cost(patch);
  return [stem, ...cells.flatMap((c) => c.cost(choose(c.plan), shape(c.plan.level))), out];
}
