/** Pooling and upsampling: the kernels that look at neighbours without weights. */
import type { Tensor5D } from './model';
import { define, raw } from './portable-op';
import { tf } from './tf';

interface Shaped {
  readonly shape: readonly number[];
}
interface Strided extends Shaped {
  readonly stride: 1 | 2;
}

/* Average. At stride 1 TensorFlow's SAME leaves the padding out of the count, and stride 2 takes every second of those windows. */

const averageAttributes = {
  ints: { ksize: [1, 3, 3, 3, 1], strides: [1, 1, 1, 1, 1] },
  strings: { padding: 'SAME', data_format: 'NDHWC' },
};

const average = define<Shaped>({
  name: 'PortableAvgPool3D',
  forward: ([x]) => [raw('AvgPool3D', averageAttributes, [x])],
  saveInputs: [],
  gradient: (dy, _, { shape }) => [
    () => raw('AvgPool3DGrad', averageAttributes, [tf.tensor1d([...shape], 'int32'), dy]),
  ],
});

/** Every second voxel, from the first: windows of stride 2 with padding 1 are those of stride 1 at even places. */
const thin = define<Shaped>({
  name: 'PortableThin',
  forward: ([x]) => [tf.stridedSlice(x, [0, 0, 0, 0, 0], [...x.shape], [1, 2, 2, 2, 1])],
  saveInputs: [],
  gradient: (dy, _, { shape }) => [
    () => {
      const list = (values: readonly number[]) => tf.tensor1d([...values], 'int32');
      const attributes = {
        types: { Index: 'TF_INT32' as const },
        ints: { begin_mask: 0, end_mask: 0, ellipsis_mask: 0, new_axis_mask: 0, shrink_axis_mask: 0 },
      };
      return raw('StridedSliceGrad', attributes, [
        list(shape),
        list([0, 0, 0, 0, 0]),
        list(shape),
        list([1, 2, 2, 2, 1]),
        dy,
      ]);
    },
  ],
});

/* Maximum: two 2-D poolings, over (y, z) and then over x. */

interface PlaneAttributes extends Strided {
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
  const [inPlane] = maximum([flat], { shape: flat.shape, stride, window: [3, 3], strides: [stride, stride] });
  const columns = tf.reshape(inPlane, [n, dx, half(dy) * half(dz), c]);
  const [y] = maximum([columns], { shape: columns.shape, stride, window: [3, 1], strides: [stride, 1] });
  const out = tf.reshape(y, [n, half(dx), half(dy), half(dz), c]);
  tf.dispose([flat, inPlane, columns, y]);
  return out as Tensor5D;
}

/**
 * See {@link Kernels.pool}. Among equal largest values the gradient goes to the first in x, then y, then z order, as in PyTorch.
 */
export function pool(x: Tensor5D, kind: 'max' | 'avg', stride: 1 | 2): Tensor5D {
  if (kind === 'max') return maxPool(x, stride);
  const [all] = average([x], { shape: x.shape });
  if (stride === 1) return all as Tensor5D;
  const [y] = thin([all], { shape: all.shape });
  all.dispose();
  return y as Tensor5D;
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
