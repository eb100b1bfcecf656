/** Pooling and upsampling: the kernels that look at neighbours without weights. */
import type { Tensor5D } from './model';
import { define, raw } from './portable-op';
import { tf } from './tf';

/* Average. TensorFlow's SAME leaves the padding out of the count; it is ours but for stride 2 on an even side, where it begins a voxel late. */

interface AverageAttributes {
  readonly shape: readonly number[];
  readonly stride: 1 | 2;
}

/** Zeros around x, and the factor 27 / count of each window that they call for; undefined where SAME does it all. */
function averagePadding({ shape, stride }: AverageAttributes) {
  const space = shape.slice(1, 4);
  if (stride === 1 || space.every((d) => d % 2 === 1)) return undefined;
  // The last window of an even side ends inside.
  const pads = space.map((d): [number, number] => [1, d % 2]);
  const factors = space.map((d) => {
    const windows = Math.ceil(d / 2);
    return Array.from({ length: windows }, (_, i) => 3 / (3 - Number(i === 0) - Number(2 * i + 1 === d)));
  });
  const [x, y, z] = factors;
  const factor = x.flatMap((a) => y.flatMap((b) => z.map((c) => a * b * c)));
  return {
    pads: [[0, 0], ...pads, [0, 0]] as [number, number][],
    factor: () => tf.tensor(factor, [1, x.length, y.length, z.length, 1]),
  };
}

const averageOptions = (stride: 1 | 2, padding: 'SAME' | 'VALID') => ({
  ints: { ksize: [1, 3, 3, 3, 1], strides: [1, stride, stride, stride, 1] },
  strings: { padding, data_format: 'NDHWC' },
});

const average = define<AverageAttributes>({
  name: 'PortableAvgPool3D',
  forward: ([x], attrs) => {
    const padding = averagePadding(attrs);
    if (!padding) return [raw('AvgPool3D', averageOptions(attrs.stride, 'SAME'), [x])];
    const y = raw('AvgPool3D', averageOptions(attrs.stride, 'VALID'), [tf.pad(x, padding.pads)]);
    return [tf.mul(y, padding.factor())];
  },
  saveInputs: [],
  gradient: (dy, _, attrs) => [
    () => {
      const { shape, stride } = attrs;
      const padding = averagePadding(attrs);
      const back = (options: 'SAME' | 'VALID', size: readonly number[], d: tf.Tensor) =>
        raw('AvgPool3DGrad', averageOptions(stride, options), [tf.tensor1d([...size], 'int32'), d]);
      if (!padding) return back('SAME', shape, dy);
      const { pads, factor } = padding;
      const size = shape.map((d, axis) => d + pads[axis][0] + pads[axis][1]);
      const begin = pads.map(([before]) => before);
      return tf.slice(back('VALID', size, tf.mul(dy, factor())), begin, [...shape]);
    },
  ],
});

/* Maximum: two 2-D poolings, over (y, z) and then over x. */

interface PlaneAttributes {
  /** Window on the two axes of the pictures. */
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
}

const planeAttributes = ({ window, strides }: PlaneAttributes) => {
  const pads = window.flatMap((k) => [(k - 1) / 2, (k - 1) / 2]);
  return {
    ints: { ksize: [1, ...window, 1], strides: [1, ...strides, 1], explicit_paddings: [0, 0, ...pads, 0, 0] },
    strings: { padding: 'EXPLICIT', data_format: 'NHWC' },
  };
};

const maximum = define<PlaneAttributes>({
  name: 'PortableMaxPool2D',
  forward: ([x], attrs) => [raw('MaxPool', planeAttributes(attrs), [x])],
  saveInputs: [0],
  saveOutputs: [0],
  gradient: (dy, [x, y], attrs) => [() => raw('MaxPoolGrad', planeAttributes(attrs), [x, y, dy])],
});

function maxPool(x: Tensor5D, stride: 1 | 2): Tensor5D {
  const [n, dx, dy, dz, c] = x.shape;
  const half = (d: number) => Math.ceil(d / stride);
  const flat = tf.reshape(x, [n * dx, dy, dz, c]);
  const [inPlane] = maximum([flat], { window: [3, 3], strides: [stride, stride] });
  const columns = tf.reshape(inPlane, [n, dx, half(dy) * half(dz), c]);
  const [y] = maximum([columns], { window: [3, 1], strides: [stride, 1] });
  const out = tf.reshape(y, [n, half(dx), half(dy), half(dz), c]);
  tf.dispose([flat, inPlane, columns, y]);
  return out as Tensor5D;
}

/**
 * See {@link Kernels.pool}. Among equal largest values the gradient goes to the first in x, then y, then z order, as in PyTorch.
 */
export function pool(x: Tensor5D, kind: 'max' | 'avg', stride: 1 | 2): Tensor5D {
  if (kind === 'max') return maxPool(x, stride);
  return average([x], { shape: x.shape, stride })[0] as Tensor5D;
}

/* Trilinear ×2: bilinear on (y, z), then along x in pictures that are one row a voxel of x. */

interface ResizeAttributes {
  readonly size: readonly [number, number];
  readonly alignCorners: boolean;
}

const corners = ({ alignCorners }: ResizeAttributes) => ({
  bools: { align_corners: alignCorners, half_pixel_centers: !alignCorners },
});

const resize = define<ResizeAttributes>({
  name: 'PortableResizeBilinear',
  forward: ([x], attrs) => [
    raw('ResizeBilinear', corners(attrs), [x, tf.tensor1d([...attrs.size], 'int32')]),
  ],
  gradient: (dy, [x], attrs) => [() => raw('ResizeBilinearGrad', corners(attrs), [dy, x])],
});

/** See {@link Kernels.upsample}. */
export function upsample(x: Tensor5D, alignCorners = false): Tensor5D {
  const [n, dx, dy, dz, c] = x.shape;
  const flat = tf.reshape(x, [n * dx, dy, dz, c]);
  const [inPlane] = resize([flat], { size: [2 * dy, 2 * dz], alignCorners });
  const rows = tf.reshape(inPlane, [n, dx, 4 * dy * dz, c]);
  const [y] = resize([rows], { size: [2 * dx, 4 * dy * dz], alignCorners });
  const out = tf.reshape(y, [n, 2 * dx, 2 * dy, 2 * dz, c]);
  tf.dispose([flat, inPlane, rows, y]);
  return out as Tensor5D;
}
