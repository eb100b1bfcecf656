/** The network of a list of layers: its parameters, its forward pass and its cost all follow from the list. */
import { fail } from '../engine/errors';
import {
  type LayerCost,
  type Network,
  parameterCount,
  type Shape3,
  type Tensor5D,
  type Theta,
} from '../engine/model';
import type { LocalSpec, VoxelCost } from '../paper/operations';

/** Name of the network's input where a layer's is meant. */
export const IMAGE = 'image';

/** Where a layer's result stands: its channels, and how many voxels of the patch one of its own spans along each axis. */
export interface Place {
  readonly channels: number;
  readonly scale: Shape3;
}

/** A layer at its place. */
export interface BuiltLayer {
  readonly place: Place;
  readonly parameters: readonly LocalSpec[];
  /** Its result, of the results that it reads; `theta` has its own parameters by their local names. */
  run(theta: Theta, inputs: readonly Tensor5D[]): Tensor5D;
  /** For each voxel of its result. */
  readonly cost: VoxelCost;
}

/** One layer: its name, the layers that it reads (or {@link IMAGE}), and what it is where they stand. */
export interface Layer {
  readonly name: string;
  readonly from: readonly string[];
  build(inputs: readonly Place[]): BuiltLayer;
}

/** Of all numbers of a list. */
export const product = (a: readonly number[]) => a.reduce((x, y) => x * y, 1);

/**
 * The network of a list of layers, each after those that it reads; the last one's result is the logits.
 * @param name of the network
 * @param ends channels of the image, and classes with the background
 * @param layers in an order in which they can run
 */
export function layered(
  name: string,
  { inputs, classes }: { inputs: number; classes: number },
  layers: readonly Layer[],
): Network {
  const places = new Map<string, Place>([[IMAGE, { channels: inputs, scale: [1, 1, 1] }]]);
  const built = layers.map((layer) => {
    const made = layer.build(layer.from.map((from) => places.get(from) as Place));
    places.set(layer.name, made.place);
    const parameters = made.parameters.map((spec) => ({
      ...spec,
      name: `${layer.name}/${spec.name}`,
      group: layer.name,
    }));
    const own = (theta: Theta): Theta =>
      Object.fromEntries(made.parameters.map((spec) => [spec.name, theta[`${layer.name}/${spec.name}`]]));
    return { ...layer, ...made, parameters, own };
  });
  /** What nobody reads after each layer: freed at once, but for what the backward pass holds. */
  const spent = layers.map((_, i) =>
    [...new Set(layers[i].from)].filter(
      (from) => from !== IMAGE && !layers.slice(i + 1).some((later) => later.from.includes(from)),
    ),
  );
  const coarsest = [0, 1, 2].map((axis) => Math.max(...[...places.values()].map(({ scale }) => scale[axis])));

  return {
    name,
    inputs,
    classes,
    parameters: built.flatMap(({ parameters }) => parameters),
    forward: (theta, x) => {
      const sides = x.shape.slice(1, 4);
      if (sides.some((side, axis) => side % coarsest[axis] !== 0))
        fail({
          where: `${name}, patch`,
          expected: `sides divisible by ${coarsest.join(', ')}`,
          found: sides.join(', '),
          next: 'choose another patch',
        });
      const values = new Map<string, Tensor5D>([[IMAGE, x]]);
      built.forEach(({ name: layer, from, run, own }, i) => {
        values.set(
          layer,
          run(
            own(theta),
            from.map((f) => values.get(f) as Tensor5D),
          ),
        );
        for (const f of spent[i]) values.get(f)?.dispose();
      });
      return values.get(built[built.length - 1].name) as Tensor5D;
    },
    cost: (patch) =>
      built.map(({ name: layer, place, parameters, cost }): LayerCost => {
        const voxels = product(patch.map((side, axis) => Math.ceil(side / place.scale[axis])));
        return {
          name: layer,
          multiplyAdds: cost.multiplyAdds * voxels,
          parameters: parameterCount(parameters),
          activationBytes: 4 * cost.kept * voxels,
        };
      }),
  };
}
