/**
 * A cell: a DAG whose node j sums the operations on its incoming edges (§2.1).
 *
 * $$x^j = \sum_{(i,j) \in \mathcal{E}} o^{(i,j)}(x^i), \qquad o^{(i,j)}(x^i) = \langle z^{(i,j)}, o^{(i,j)} \rangle \quad (1)$$
 * Nodes 0 and 1 are the two inputs, brought to the node's width and level; the output concatenates the intermediate nodes.
 */
import { kernels } from '../engine/kernels';
import {
  type LayerCost,
  type ParameterSpec,
  parameterCount,
  type Shape3,
  type Tensor5D,
  type Theta,
} from '../engine/model';
import type { tf } from '../engine/tf';
import { type DagNode, type DagTerm, runDag, type Unit } from '../engine/unit';
import { type Edge, edgesOf } from './genotype';
import type { CellInput, CellPlan } from './layout';
import { type Built, convolution, factorizedReduce, type Operation, type Site } from './operations';
import type { Readings } from './readings';

/** What a part of a network is built from. */
export interface BuildOptions {
  readonly operations: readonly Operation[];
  readonly readings: Readings;
  /** The search's network and the derived one differ in their norms (readings `affine`, `poolNorm`). */
  readonly phase: 'search' | 'retrain';
}

/** Which operations an edge computes, and where their weights stand in ẑ. */
export interface EdgeChoice {
  readonly operations: readonly number[];
  /** Index into ẑ of each; empty: weight 1. */
  readonly places: readonly number[];
}

/** A cell, ready to run. */
export interface Cell {
  readonly plan: CellPlan;
  readonly parameters: readonly ParameterSpec[];
  /** The cells (or STEM) whose outputs it begins from: of each input that output, then the encoder's that is added to it, if there is one. */
  readonly sources: readonly number[];
  /** The cell as data, for the operations chosen on each edge. */
  nodes(theta: Theta, choices: readonly EdgeChoice[]): readonly DagNode[];
  /** Its output [n, x, y, z, channels] from its sources. */
  run(
    theta: Theta,
    sources: readonly Tensor5D[],
    choices: readonly EdgeChoice[],
    zHat?: tf.Tensor1D,
  ): Tensor5D;
  /** Names of the parameters that a choice uses, those of the inputs' units included. */
  used(choices: readonly EdgeChoice[]): readonly string[];
  /** Cost for one sample, with `shape` the cell's output shape. */
  cost(choices: readonly EdgeChoice[], shape: Shape3): readonly LayerCost[];
}

/** An operation or unit with the prefix of its parameters' names. */
interface Placed {
  readonly prefix: string;
  readonly built: Built;
}

/**
 * A cell with the candidate operations on every edge.
 *
 * Rule: each input passes a 1³ LeakyReLU-Conv-InstanceNorm to the node's width (a factorized reduce where it is twice too fine, the 1³ and then
 * trilinear ×2 where it is twice too coarse); the edges from a reduction cell's inputs have stride two, all others one.
 * @param plan where the cell stands
 * @param options operations, readings and phase
 * @param allowed indices of the operations that an edge may take, [edges][operations]; default: all
 * Source: §2.1, Eq. (1), §3; reading: stride two in a reduction cell, inputs of unlike shape.
 */
export function cell(plan: CellPlan, options: BuildOptions, allowed?: readonly (readonly number[])[]): Cell {
  const { operations, readings } = options;
  const affine = affineIn(options);
  const edges = edgesOf(plan.channels / plan.width);
  const entries = plan.inputs.map(
    (input, i): Placed => ({ prefix: `${plan.name}/input${i}`, built: entryUnit(input, plan.width, affine) }),
  );
  const site = (edge: Edge): Site => ({
    width: plan.width,
    stride: plan.type === 'red' && edge.from < 2 ? 2 : 1,
    affine,
    poolNorm: readings.poolNorm === 'search' && options.phase === 'search',
    identity: readings.identity,
  });
  const placed: ReadonlyMap<number, Placed>[] = edges.map((edge, e) => {
    const indices = (allowed?.[e] ?? operations.map((_, o) => o)).filter((o) => !operations[o].zero);
    const prefix = (o: number) => `${plan.name}/edge${edge.from}-${edge.to}/${operations[o].name}`;
    return new Map(indices.map((o) => [o, { prefix: prefix(o), built: operations[o].build(site(edge)) }]));
  });

  const nodes = (theta: Theta, choices: readonly EdgeChoice[]) =>
    nodesOf(plan, readings, entries, placed, edges, theta, choices);

  return {
    plan,
    parameters: [...entries, ...placed.flatMap((m) => [...m.values()])].flatMap(specsOf),
    sources: sourcesOf(plan),
    nodes,
    run: (theta, sources, choices, zHat) => runDag(kernels(), sources, nodes(theta, choices), zHat),
    used: (choices) =>
      [...entries, ...placed.flatMap((m, e) => chosen(m, choices[e]))].flatMap((p) =>
        specsOf(p).map((s) => s.name),
      ),
    cost: (choices, shape) => [
      ...entries.map((entry, i) => entryCost(entry, plan, i, shape)),
      ...edges.flatMap((edge, e) =>
        [...placed[e]]
          .filter(([o]) => choices[e].operations.includes(o))
          .map(([o, p]) => layerCost(p, operations[o].cost(site(edge)), shape)),
      ),
    ],
  };
}

/**
 * Whether InstanceNorm has scale and shift in this phase.
 *
 * Rule: in retraining only, unless the reading `affine` says always or never.
 * @param options readings and phase
 * Source: reading: affine InstanceNorm.
 */
export const affineIn = ({ readings, phase }: Pick<BuildOptions, 'readings' | 'phase'>): boolean =>
  readings.affine === 'always' || (readings.affine === 'retrain' && phase === 'retrain');

function entryUnit(input: CellInput, width: number, affine: boolean): Built {
  return input.resize === 'reduce'
    ? factorizedReduce(input.channels, width, affine)
    : convolution(1, input.channels, width, 1, affine);
}

function specsOf({ prefix, built }: Placed): ParameterSpec[] {
  return built.parameters.map((spec) => ({ ...spec, name: `${prefix}/${spec.name}`, group: prefix }));
}

/** A unit with its own parameters picked out of Θ. */
function unitOf({ prefix, built }: Placed, theta: Theta): Unit {
  const own = Object.fromEntries(built.parameters.map(({ name }) => [name, theta[`${prefix}/${name}`]]));
  return built.unit?.(own) ?? { kind: 'own', apply: (x) => built.apply(x, own) };
}

function chosen(placed: ReadonlyMap<number, Placed>, choice: EdgeChoice): Placed[] {
  return choice.operations.flatMap((o) => placed.get(o) ?? []);
}

const sourcesOf = ({ inputs }: CellPlan): readonly number[] =>
  inputs.flatMap(({ from, skip }) => (skip === undefined ? [from] : [from, skip]));

/** The whole cell as data: the sums of its two inputs with the encoder's maps, the inputs' units, then its nodes. */
function nodesOf(
  plan: CellPlan,
  readings: Readings,
  entries: readonly Placed[],
  placed: readonly ReadonlyMap<number, Placed>[],
  edges: readonly Edge[],
  theta: Theta,
  choices: readonly EdgeChoice[],
): readonly DagNode[] {
  const nodes: DagNode[] = [];
  const sources = sourcesOf(plan).length;
  const add = (terms: readonly DagTerm[], output: boolean) => {
    nodes.push({ terms, output });
    return sources + nodes.length - 1;
  };
  let source = 0;
  const same = (): DagTerm => ({ from: source++, unit: { kind: 'identity' }, index: -1 });
  const inputs = plan.inputs.map(({ skip }) =>
    skip === undefined ? source++ : add([same(), same()], false),
  );
  const at = entries.map((entry, i) => {
    const here = add([{ from: inputs[i], unit: unitOf(entry, theta), index: -1 }], false);
    const upsample: Unit = { kind: 'upsample', alignCorners: readings.upsampling === 'corners' };
    return plan.inputs[i].resize === 'expand'
      ? add([{ from: here, unit: upsample, index: -1 }], false)
      : here;
  });
  // What a node is that only zero edges reach.
  const nothing: Unit = { kind: 'zero', stride: plan.type === 'red' ? 2 : 1 };
  for (const to of new Set(edges.map((e) => e.to))) {
    const terms = edges.flatMap(({ from, to: end }, e): DagTerm[] =>
      end !== to
        ? []
        : choices[e].operations.flatMap((o, k) => {
            const p = placed[e].get(o);
            return p ? [{ from: at[from], unit: unitOf(p, theta), index: choices[e].places[k] ?? -1 }] : [];
          }),
    );
    at.push(add(terms.length > 0 ? terms : [{ from: at[0], unit: nothing, index: -1 }], true));
  }
  return nodes;
}

function layerCost(
  { prefix, built }: Placed,
  perVoxel: { multiplyAdds: number; kept: number },
  shape: Shape3,
): LayerCost {
  const voxels = shape[0] * shape[1] * shape[2];
  return {
    name: prefix,
    multiplyAdds: perVoxel.multiplyAdds * voxels,
    parameters: parameterCount(built.parameters),
    activationBytes: 4 * perVoxel.kept * voxels,
  };
}

/** Cost of an input's unit: at the output's resolution, or half or twice that. */
function entryCost(entry: Placed, { type, width, inputs }: CellPlan, i: number, shape: Shape3): LayerCost {
  const { channels, resize } = inputs[i];
  const scale = (type === 'red' ? 2 : 1) / (resize === 'expand' ? 2 : 1);
  const at = shape.map((s) => Math.ceil(s * scale)) as unknown as Shape3;
  const perVoxel = { multiplyAdds: channels * width, kept: width };
  const cost = layerCost(entry, perVoxel, at);
  const kept = resize === 'expand' ? 4 * width * shape[0] * shape[1] * shape[2] : 0;
  return { ...cost, activationBytes: cost.activationBytes + kept };
}
