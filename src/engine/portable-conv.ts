/**
 * Convolutions from TensorFlow's raw ops: stride and dilation together, forward and both gradients.
 *
 * tfjs's own conv3d refuses dilations in its gradient and on the CPU; the raw ops do not.
 */
import type { Stepping } from './kernels';
import type { Shape3, Tensor5D } from './model';
import { define, raw } from './portable-op';
import { tf } from './tf';

interface Window {
  /** Side k of the cubic filter. */
  readonly size: number;
  readonly stride: number | Shape3;
  readonly dilation: number;
  /** TensorFlow's own padding instead of dilation·(k−1)/2 on both sides. */
  readonly same?: boolean;
}
interface ConvAttributes extends Window {
  readonly inShape: readonly number[];
  readonly filterShape: readonly number[];
}
type Pads = [number, number][];

const eachAxis = (stride: number | Shape3): Shape3 =>
  typeof stride === 'number' ? [stride, stride, stride] : stride;

/** Zeros to put around [batch, x, y, z, channel], or undefined where TensorFlow's SAME does just that. */
function padding(shape: readonly number[], { size, stride, dilation, same }: Window): Pads | undefined {
  const p = (dilation * (size - 1)) / 2;
  const space = shape.slice(1, 4);
  const strides = eachAxis(stride);
  // SAME is symmetric at stride 1, and at stride 2 on odd sides; on even sides it would begin one voxel later than we do.
  if (same || p === 0 || space.every((d, axis) => strides[axis] === 1 || d % 2 === 1)) return undefined;
  // At stride 2 the last window of an even side ends one voxel before the padding does.
  const spatial = space.map((d, axis): [number, number] => [p, p - Number(strides[axis] > 1 && d % 2 === 0)]);
  return [[0, 0], ...spatial, [0, 0]];
}

function attributes({ stride, dilation }: Window, pads: Pads | undefined) {
  return {
    ints: { strides: [1, ...eachAxis(stride), 1], dilations: [1, dilation, dilation, dilation, 1] },
    strings: { padding: pads ? 'VALID' : 'SAME', data_format: 'NDHWC' },
  };
}

const paddedShape = (shape: readonly number[], pads: Pads | undefined) =>
  shape.map((d, axis) => d + (pads ? pads[axis][0] + pads[axis][1] : 0));

const convolution = define<ConvAttributes>({
  name: 'PortableConv3D',
  forward([x, w], window) {
    const pads = padding(x.shape, window);
    return [raw('Conv3D', attributes(window, pads), [pads ? tf.pad(x, pads) : x, w])];
  },
  gradient(dy, [x, w], window) {
    const pads = padding(window.inShape, window);
    const options = attributes(window, pads);
    return [
      () => {
        const shape = tf.tensor1d(paddedShape(window.inShape, pads), 'int32');
        const dx = raw('Conv3DBackpropInputV2', { ...options, types: { Tshape: 'TF_INT32' } }, [
          shape,
          w,
          dy,
        ]);
        return pads
          ? tf.slice(
              dx,
              pads.map(([before]) => before),
              [...window.inShape],
            )
          : dx;
      },
      () => {
        const shape = tf.tensor1d([...window.filterShape], 'int32');
        return raw('Conv3DBackpropFilterV2', options, [pads ? tf.pad(x, pads) : x, shape, dy]);
      },
    ];
  },
});

function convolve(x: Tensor5D, w: tf.Tensor5D, window: Window): Tensor5D {
  return convolution([x, w], { ...window, inShape: x.shape, filterShape: w.shape })[0] as Tensor5D;
}

/** See {@link Kernels.conv3d}. */
export function conv3d(x: Tensor5D, w: tf.Tensor5D, { stride, dilation }: Stepping): Tensor5D {
  return convolve(x, w, { size: w.shape[0], stride, dilation });
}

/** See {@link Kernels.stridedConv3d}. */
export function stridedConv3d(x: Tensor5D, w: tf.Tensor5D, stride: Shape3): Tensor5D {
  return convolve(x, w, { size: w.shape[0], stride, dilation: 1 });
}

const transposedConvolution = define<{ readonly strides: Shape3 }>({
  name: 'PortableTransposedConv3D',
  forward([x, w], { strides }) {
    const [n, d, h, l] = x.shape;
    const shape = [n, strides[0] * d, strides[1] * h, strides[2] * l, w.shape[3]];
    const options = {
      ...attributes({ size: 2, stride: strides, dilation: 1 }, []),
      types: { Tshape: 'TF_INT32' },
    } as const;
    return [raw('Conv3DBackpropInputV2', options, [tf.tensor1d(shape as number[], 'int32'), w, x])];
  },
  gradient(dy, [x, w], { strides }) {
    const options = attributes({ size: 2, stride: strides, dilation: 1 }, []);
    return [
      () => raw('Conv3D', options, [dy, w]),
      () => raw('Conv3DBackpropFilterV2', options, [dy, tf.tensor1d(w.shape, 'int32'), x]),
    ];
  },
});

/** The transposed convolution of {@link Kernels.upUnit}: the input gradient of a convolution that steps over its own width. */
export function transposedConv3d(x: Tensor5D, w: tf.Tensor5D): Tensor5D {
  const strides = w.shape.slice(0, 3) as unknown as Shape3;
  return transposedConvolution([x, w], { strides })[0] as Tensor5D;
}

/**
 * See {@link Kernels.separable}: with nothing between the two, they equal one dense convolution whose filter is the outer product
 * W[k, in, out] = D[k, in] · P[in, out]. The gradients of D and P follow from W's.
 */
export function separable(
  x: Tensor5D,
  depthwise: tf.Tensor4D,
  pointwise: tf.Tensor2D,
  step: Stepping,
): Tensor5D {
  const [a, b, c, inputs] = depthwise.shape;
  const outputs = pointwise.shape[1];
  const column = tf.reshape(depthwise, [a, b, c, inputs, 1]);
  const row = tf.reshape(pointwise, [1, 1, 1, inputs, outputs]);
  const w = tf.mul<tf.Tensor5D>(column, row);
  const y = conv3d(x, w, step);
  tf.dispose([column, row, w]);
  return y;
}

/**
 * See {@link Kernels.factorizedReduce}: one 2³ convolution at stride 2 that is zero but for two corners, `even` at (0, 0, 0) and
 * `odd` at (1, 1, 1). On an odd side the last shifted voxel lies outside and counts as 0, so both halves have ⌈D/2⌉ voxels.
 */
export function factorizedReduce(x: Tensor5D, even: tf.Tensor2D, odd: tf.Tensor2D): Tensor5D {
  const inputs = even.shape[0];
  const [first, second] = [even.shape[1], odd.shape[1]];
  const corner = (w: tf.Tensor2D, at: [number, number], left: number, right: number) => {
    const point = tf.reshape(w, [1, 1, 1, inputs, w.shape[1]]);
    const cube = tf.pad(point, [at, at, at, [0, 0], [left, right]]);
    point.dispose();
    return cube;
  };
  const corners = [corner(even, [0, 1], 0, second), corner(odd, [1, 0], first, 0)];
  const w = tf.add<tf.Tensor5D>(corners[0], corners[1]);
  const y = convolve(x, w, { size: 2, stride: 2, dilation: 1, same: true });
  tf.dispose([...corners, w]);
  return y;
}
