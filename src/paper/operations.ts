/**
 * The eight candidate operations O of an edge (§3), one record each. A new operation is one more record in a list of your own.
 *
 * "3×3×3 convolutions, depthwise separable dilated 3×3×3 convolutions with rate 2, 3 and 4, 3×3×3 max and average 3D pooling, identity (skip
 * connection), and zero. Here, we used the LeakyReLU-Conv-InstanceNorm for convolutional operations."
 */
import { kernels } from '../engine/kernels';
import type { ParameterSpec, Tensor5D, Theta } from '../engine/model';
import type { tf } from '../engine/tf';
import { applyUnit, type Unit } from '../engine/unit';

/** Where an operation stands. Its input and output both have `width` channels. */
export interface Site {
  /** Channels of a node, c. */
  readonly width: number;
  /** Two on the edges from a reduction cell's inputs, else one. */
  readonly stride: 1 | 2;
  /** Whether InstanceNorm has scale and shift. */
  readonly affine: boolean;
  /** Whether InstanceNorm follows pooling. */
  readonly poolNorm: boolean;
  /** Identity at stride two. */
  readonly identity: 'factorized reduce' | 'strided convolution';
}

/** A parameter with the name it has inside its operation. */
export type LocalSpec = Omit<ParameterSpec, 'group'>;

/** An operation at a site: its parameters θ_o and the function o(x; θ_o). */
export interface Built {
  readonly parameters: readonly LocalSpec[];
  /** x [n, x, y, z, c] → [n, x/stride, y/stride, z/stride, c]. */
  apply(x: Tensor5D, theta: Theta): Tensor5D;
  /** The same as data, where it is one of the kernels' units: a cell of such operations alone runs as one op. */
  unit?(theta: Theta): Unit;
}

/** What an operation costs for each voxel of its output. */
export interface VoxelCost {
  /** Multiply-adds, counted once. */
  readonly multiplyAdds: number;
  /** Numbers that the backward pass needs kept. */
  readonly kept: number;
}

/** One candidate operation. */
export interface Operation {
  /** Short name, used in genotypes. */
  readonly name: string;
  /** The paper's words. */
  readonly paperName: string;
  /** True for "zero", which stands for no connection: nothing is computed. */
  readonly zero?: boolean;
  build(site: Site): Built;
  cost(site: Site): VoxelCost;
}

const affineSpecs = (c: number, affine: boolean): LocalSpec[] =>
  affine
    ? [
        { name: 'gamma', shape: [c], init: 'ones' },
        { name: 'beta', shape: [c], init: 'zeros' },
      ]
    : [];

/** An operation that is one of the kernels' units. */
const ofUnit = (parameters: readonly LocalSpec[], unit: (theta: Theta) => Unit): Built => ({
  parameters,
  unit,
  apply: (x, theta) => applyUnit(kernels(), unit(theta), x),
});

/** γ and β of a unit, if it has them. */
function affineOf(theta: Theta): { gamma: tf.Tensor1D; beta: tf.Tensor1D } | undefined {
  return theta.gamma && { gamma: theta.gamma as tf.Tensor1D, beta: theta.beta as tf.Tensor1D };
}

/**
 * LeakyReLU-Conv-InstanceNorm with a k³ kernel.
 *
 * $y = \mathrm{IN}(w * \mathrm{LeakyReLU}(x))$
 * @param k side of the kernel, 1 or 3 voxels
 * @param inputs channels of x [n, x, y, z, inputs]
 * @param outputs channels of y
 * @param stride 1 or 2
 * @param affine whether InstanceNorm has scale and shift
 * Source: §3.
 */
export function convolution(
  k: 1 | 3,
  inputs: number,
  outputs: number,
  stride: 1 | 2,
  affine: boolean,
): Built {
  return ofUnit(
    [
      { name: 'weight', shape: [k, k, k, inputs, outputs], init: 'he', fanIn: k ** 3 * inputs },
      ...affineSpecs(outputs, affine),
    ],
    (theta) => ({
      kind: 'conv',
      w: theta.weight as tf.Tensor5D,
      step: { stride, dilation: 1 },
      affine: affineOf(theta),
    }),
  );
}

/**
 * LeakyReLU, depthwise 3³ convolution with dilation r, pointwise convolution, InstanceNorm.
 *
 * $y = \mathrm{IN}(P \cdot (D *_r \mathrm{LeakyReLU}(x)))$, nothing between the two convolutions.
 * @param site channels c, stride, norm
 * @param rate dilation r, voxels
 * Source: §3; order within the unit as in DARTS.
 */
export function separable(site: Site, rate: number): Built {
  const { width: c, stride, affine } = site;
  return ofUnit(
    [
      { name: 'depthwise', shape: [3, 3, 3, c], init: 'he', fanIn: 27 },
      { name: 'pointwise', shape: [c, c], init: 'he', fanIn: c },
      ...affineSpecs(c, affine),
    ],
    (theta) => ({
      kind: 'separable',
      depthwise: theta.depthwise as tf.Tensor4D,
      pointwise: theta.pointwise as tf.Tensor2D,
      step: { stride, dilation: rate },
      affine: affineOf(theta),
    }),
  );
}

/**
 * Factorized reduce, which halves the shape without losing every other voxel.
 *
 * $y = \mathrm{IN}([W_0 \cdot a_{2v},\ W_1 \cdot a_{2v+1}])$ with a = LeakyReLU(x): two stride-2 1³ convolutions, the second shifted by one voxel.
 * @param inputs channels of x [n, x, y, z, inputs]
 * @param outputs channels of y [n, x/2, y/2, z/2, outputs]; an odd number gives the first half one more
 * @param affine whether InstanceNorm has scale and shift
 * Source: DARTS; reading: identity, inputs of unlike shape.
 */
export function factorizedReduce(inputs: number, outputs: number, affine: boolean): Built {
  const half = Math.ceil(outputs / 2);
  return ofUnit(
    [
      { name: 'even', shape: [inputs, half], init: 'he', fanIn: inputs },
      { name: 'odd', shape: [inputs, outputs - half], init: 'he', fanIn: inputs },
      ...affineSpecs(outputs, affine),
    ],
    (theta) => ({
      kind: 'reduce',
      even: theta.even as tf.Tensor2D,
      odd: theta.odd as tf.Tensor2D,
      affine: affineOf(theta),
    }),
  );
}

function pooling(kind: 'max' | 'avg'): Operation['build'] {
  return ({ stride, poolNorm }) => ofUnit([], () => ({ kind: 'pool', pool: kind, stride, norm: poolNorm }));
}

function identity({ width: c, stride, affine, identity: reading }: Site): Built {
  if (stride === 1) return ofUnit([], () => ({ kind: 'identity' }));
  return reading === 'factorized reduce' ? factorizedReduce(c, c, affine) : convolution(1, c, c, 2, affine);
}

function separableOf(rate: 2 | 3 | 4): Operation {
  return {
    name: `sep${rate}`,
    paperName: `depthwise separable dilated 3×3×3 convolution, rate ${rate}`,
    build: (site) => separable(site, rate),
    cost: ({ width: c }) => ({ multiplyAdds: 27 * c + c * c, kept: 2 * c }),
  };
}

/** The paper's eight operations, in its order. */
export const operations: readonly Operation[] = [
  {
    name: 'conv3',
    paperName: '3×3×3 convolution',
    build: ({ width: c, stride, affine }) => convolution(3, c, c, stride, affine),
    cost: ({ width: c }) => ({ multiplyAdds: 27 * c * c, kept: 2 * c }),
  },
  separableOf(2),
  separableOf(3),
  separableOf(4),
  { name: 'maxpool', paperName: '3×3×3 max pooling', build: pooling('max'), cost: poolCost },
  { name: 'avgpool', paperName: '3×3×3 average pooling', build: pooling('avg'), cost: poolCost },
  {
    name: 'identity',
    paperName: 'identity (skip connection)',
    build: identity,
    cost: ({ width: c, stride }) =>
      stride === 1 ? { multiplyAdds: 0, kept: 0 } : { multiplyAdds: c * c, kept: 2 * c },
  },
  {
    name: 'zero',
    paperName: 'zero (disconnection)',
    zero: true,
    build: ({ stride }) => ({
      parameters: [],
      apply: (x) => (stride === 1 ? x : kernels().pool(x, 'avg', stride)).mul(0),
    }),
    cost: () => ({ multiplyAdds: 0, kept: 0 }),
  },
];

function poolCost({ width: c, poolNorm }: Site): VoxelCost {
  return { multiplyAdds: 0, kept: poolNorm ? 2 * c : c };
}
