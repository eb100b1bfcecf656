/**
 * The layers that networks are lists of: what a layer's parameters are, how it runs and what it costs follow from one record.
 *
 * A convolution is a LeakyReLU, the convolution and InstanceNorm, as in the paper's operations; a list says where one of them is left out.
 */
import { type Affine, kernels } from '../engine/kernels';
import type { Shape3, Tensor5D, Theta } from '../engine/model';
import { tf } from '../engine/tf';
import type { LocalSpec } from '../paper/operations';
import { type Layer, product } from './layered';

/** How a convolution differs from LeakyReLU → 3³ convolution of stride 1 → InstanceNorm. */
export interface ConvolutionOptions {
  readonly outputs: number;
  readonly side?: 1 | 3;
  readonly strides?: Shape3;
  /** False: no LeakyReLU before it. */
  readonly activate?: boolean;
}

const ONE: Shape3 = [1, 1, 1];
const times = (a: Shape3, b: Shape3): Shape3 => [a[0] * b[0], a[1] * b[1], a[2] * b[2]];
const over = (a: Shape3, b: Shape3): Shape3 => [a[0] / b[0], a[1] / b[1], a[2] / b[2]];

const affineSpecs = (channels: number): LocalSpec[] => [
  { name: 'gamma', shape: [channels], init: 'ones' },
  { name: 'beta', shape: [channels], init: 'zeros' },
];
const affineOf = ({ gamma, beta }: Theta): Affine => ({
  gamma: gamma as tf.Tensor1D,
  beta: beta as tf.Tensor1D,
});

/** `f` of a tensor that nobody else needs. */
function consume(x: Tensor5D, f: (x: Tensor5D) => Tensor5D): Tensor5D {
  const y = f(x);
  x.dispose();
  return y;
}

/** LeakyReLU → convolution → InstanceNorm with scale and shift. */
export function convolution(
  name: string,
  from: string,
  { outputs, side = 3, strides = ONE, activate = true }: ConvolutionOptions,
): Layer {
  const even = strides.every((s) => s === strides[0]);
  const step = { stride: strides[0] as 1 | 2, dilation: 1 };
  const convolve = (x: Tensor5D, w: tf.Tensor5D) =>
    even ? kernels().conv3d(x, w, step) : kernels().stridedConv3d(x, w, strides);
  return {
    name,
    from: [from],
    build: ([{ channels, scale }]) => ({
      place: { channels: outputs, scale: times(scale, strides) },
      parameters: [
        {
          name: 'weight',
          shape: [side, side, side, channels, outputs],
          init: 'he',
          fanIn: side ** 3 * channels,
        },
        ...affineSpecs(outputs),
      ],
      run: (theta, [x]) => {
        const weight = theta.weight as tf.Tensor5D;
        if (activate && even) return kernels().convUnit(x, weight, step, affineOf(theta));
        const convolved = activate
          ? consume(kernels().leakyRelu(x), (a) => convolve(a, weight))
          : convolve(x, weight);
        return consume(convolved, (y) => kernels().instanceNorm(y, affineOf(theta)));
      },
      cost: { multiplyAdds: side ** 3 * channels * outputs, kept: 2 * outputs },
    }),
  };
}

/** LeakyReLU → transposed convolution whose kernel is as wide as its stride, and InstanceNorm with scale and shift if `norm`. */
export function transposed(
  name: string,
  from: string,
  { outputs, strides, norm }: { outputs: number; strides: Shape3; norm: boolean },
): Layer {
  return {
    name,
    from: [from],
    build: ([{ channels, scale }]) => ({
      place: { channels: outputs, scale: over(scale, strides) },
      parameters: [
        {
          name: 'weight',
          shape: [...strides, outputs, channels],
          init: 'he',
          fanIn: product(strides) * outputs, // as PyTorch counts it, which nnU-Net initialises by
        },
        ...(norm ? affineSpecs(outputs) : []),
      ],
      run: (theta, [x]) => {
        const y = kernels().upUnit(x, theta.weight as tf.Tensor5D);
        return norm ? consume(y, (z) => kernels().instanceNorm(z, affineOf(theta))) : y;
      },
      cost: { multiplyAdds: channels * outputs, kept: (norm ? 2 : 1) * outputs },
    }),
  };
}

/** Trilinear ×2. */
export function upsampled(name: string, from: string): Layer {
  return {
    name,
    from: [from],
    build: ([{ channels, scale }]) => ({
      place: { channels, scale: over(scale, [2, 2, 2]) },
      parameters: [],
      run: (_, [x]) => kernels().upsample(x),
      cost: { multiplyAdds: 0, kept: 0 },
    }),
  };
}

/** The sum of several results. */
export function sum(name: string, from: readonly string[]): Layer {
  return {
    name,
    from,
    build: ([place]) => ({
      place,
      parameters: [],
      run: (_, inputs) => kernels().weightedSum(inputs.map((value) => ({ value, index: 0 }))),
      cost: { multiplyAdds: 0, kept: place.channels },
    }),
  };
}

/** Several results' channels side by side. */
export function concatenated(name: string, from: readonly string[]): Layer {
  return {
    name,
    from,
    build: (inputs) => {
      const channels = inputs.reduce((all, place) => all + place.channels, 0);
      return {
        place: { ...inputs[0], channels },
        parameters: [],
        run: (_, xs) => tf.concat([...xs], 4),
        cost: { multiplyAdds: 0, kept: channels },
      };
    },
  };
}

/** LeakyReLU by itself. */
export function activated(name: string, from: string): Layer {
  return {
    name,
    from: [from],
    build: ([place]) => ({
      place,
      parameters: [],
      run: (_, [x]) => kernels().leakyRelu(x),
      cost: { multiplyAdds: 0, kept: place.channels },
    }),
  };
}

/** x·σ(a) with one channel a: what an attention gate lets through of x. */
export function gated(name: string, x: string, a: string): Layer {
  return {
    name,
    from: [x, a],
    build: ([place]) => ({
      place,
      parameters: [],
      run: (_, [value, attention]) => kernels().gate(value, attention),
      cost: { multiplyAdds: 0, kept: place.channels + 1 },
    }),
  };
}

/** LeakyReLU → 1³ convolution without norm, with a bias if `bias`: class logits, or an attention gate's coefficient. */
export function mapped(name: string, from: string, outputs: number, bias = true): Layer {
  return {
    name,
    from: [from],
    build: ([{ channels, scale }]) => ({
      place: { channels: outputs, scale },
      parameters: [
        { name: 'weight', shape: [1, 1, 1, channels, outputs], init: 'he', fanIn: channels },
        ...(bias ? [{ name: 'bias', shape: [outputs], init: 'zeros' } as const] : []),
      ],
      run: (theta, [x]) =>
        kernels().outUnit(
          x,
          theta.weight as tf.Tensor5D,
          (theta.bias as tf.Tensor1D | undefined) ?? tf.zeros([outputs]),
        ),
      cost: { multiplyAdds: channels * outputs, kept: channels + outputs },
    }),
  };
}
