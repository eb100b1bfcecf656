import v8 from 'node:v8';
import vm from 'node:vm';
import { describe, expect, it } from 'vitest';
import { plainGeometry } from '../../src/data/nifti';
import { resampleImage } from '../../src/data/resample';
import { splineAxis } from '../../src/data/spline-axis';
import { key, normal, uniform } from '../../src/engine/keys';
import type { Network, Shape3, Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import {
  mostProbable,
  type PredictOptions,
  predictLabels,
  predictProbabilities,
  probabilitySlices,
} from '../../src/evaluate/predict';
import { type Axis, axisTaps, longestAxis, planeOf, resampledSlices } from '../../src/evaluate/slices';

/** One convolution, 3³, of seeded weights. */
function oneConvolution(inputs: number, classes: number): Network {
  const kernel = Array.from(normal(key(3, 'kernel'), 27 * inputs * classes));
  return {
    name: 'one convolution',
    inputs,
    classes,
    parameters: [],
    cost: () => [],
    forward: (_, x) =>
      tf.tidy(() => tf.conv3d(x, tf.tensor5d(kernel, [3, 3, 3, inputs, classes]), 1, 'same')) as Tensor5D,
  };
}

const volume = ([x, y, z]: Shape3) => x * y * z;
const worst = (a: Float32Array, b: Float32Array) => {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);
};

/** Slices of [x, y, z, k] along an axis, and back. */
function* slicesOf(values: Float32Array, shape: Shape3, k: number, axis: Axis): Generator<Float32Array> {
  for (let s = 0; s < shape[axis]; s++) {
    const [u, v] = planeOf(axis);
    const out = new Float32Array(shape[u] * shape[v] * k);
    eachVoxel(shape, axis, s, k, (from, to) => {
      out[to] = values[from];
    });
    yield out;
  }
}

function whole(slices: Iterable<Float32Array>, shape: Shape3, k: number, axis: Axis): Float32Array {
  const out = new Float32Array(volume(shape) * k);
  let s = 0;
  for (const slice of slices) {
    eachVoxel(shape, axis, s++, k, (from, to) => {
      out[from] = slice[to];
    });
  }
  expect(s).toBe(shape[axis]);
  return out;
}

function eachVoxel(
  shape: Shape3,
  axis: Axis,
  s: number,
  k: number,
  visit: (from: number, to: number) => void,
) {
  const [u, v] = planeOf(axis);
  const strides = [shape[1] * shape[2], shape[2], 1];
  for (let i = 0, to = 0; i < shape[u]; i++)
    for (let j = 0; j < shape[v]; j++)
      for (let c = 0; c < k; c++, to++)
        visit((s * strides[axis] + i * strides[u] + j * strides[v]) * k + c, to);
}

/** All axes by splines, nothing clipped. */
function unclipped(values: Float32Array, from: Shape3, to: Shape3, k: number): Float32Array {
  const now = [...from];
  let out = values;
  for (const axis of [0, 1, 2]) {
    if (now[axis] === to[axis]) continue;
    const outer = now.slice(0, axis).reduce((a, b) => a * b, 1);
    const inner = now.slice(axis + 1).reduce((a, b) => a * b, k);
    out = splineAxis(out, outer, now[axis], inner, to[axis]);
    now[axis] = to[axis];
  }
  return out;
}

describe('slices on another grid', () => {
  const from: Shape3 = [31, 9, 14];
  const values = Float32Array.from(uniform(key(1), volume(from) * 3));
  it.each([
    [0, [47, 9, 11]],
    [1, [20, 21, 14]],
    [2, [31, 4, 40]],
    [0, [5, 5, 5]],
    [2, from],
  ] as [Axis, Shape3][])('along axis %i to %j: the splines of the whole, within 2e-6', (axis, to) => {
    const ours = whole(resampledSlices(slicesOf(values, from, 3, axis), from, to, 3, axis), to, 3, axis);
    expect(worst(ours, unclipped(values, from, to, 3))).toBeLessThan(2e-6);
  });

  it.each([0, 1, 2] as Axis[])('axis %i apart: the nearest slice along it, within 2e-6', (coarse) => {
    const to: Shape3 = [22, 15, 33];
    const flat = to.map((n, axis) => (axis === coarse ? from[axis] : n)) as unknown as Shape3;
    const bent = Array.from(slicesOf(unclipped(values, from, flat, 3), flat, 3, coarse));
    const picked = Array.from({ length: to[coarse] }, (_, i) =>
      Math.floor(((i + 0.5) * from[coarse]) / to[coarse]),
    );
    const theirs = whole(
      picked.map((i) => bent[i]),
      to,
      3,
      coarse,
    );
    for (const axis of [0, 1, 2] as Axis[]) {
      const slices = resampledSlices(slicesOf(values, from, 3, axis), from, to, 3, axis, coarse);
      expect(worst(whole(slices, to, 3, axis), theirs)).toBeLessThan(2e-6);
    }
  });

  it('weights sum to one, and an interpolating spline gives a voxel back where the grids meet', () => {
    for (const { weights } of axisTaps(30, 71, false))
      expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    const [, second] = axisTaps(30, 10, false);
    const at = Array.from(second.weights).map((w) => Number(Math.abs(w) > 1e-6));
    expect(at.indexOf(1) + second.first).toBe(4);
    expect(at.filter(Boolean)).toHaveLength(1);
  });
});

describe('prediction slice by slice', () => {
  const network = oneConvolution(2, 3);
  const shape: Shape3 = [21, 18, 40];
  const image = normal(key(5), volume(shape) * 2);
  const options: PredictOptions = { patch: [16, 16, 16], flips: false };

  it.each([0, 1, 2] as Axis[])('along axis %i: the probabilities of the whole, within 1e-6', (axis) => {
    const slices = probabilitySlices(network, {}, image, shape, 2, options, axis);
    const all = predictProbabilities(network, {}, image, shape, 2, options);
    expect(worst(whole(slices, shape, 3, axis), all)).toBeLessThan(1e-6);
  });

  it.each([
    [[24, 20, 61], undefined],
    [[13, 30, 33], undefined],
    [[24, 20, 11], 2],
    [[9, 22, 40], 0],
  ] as [Shape3, Axis | undefined][])(
    'labels on a grid of %j (coarse axis %s) are those of the whole, but for ties',
    (box, coarse) => {
      const origin: Shape3 = [2, 0, 3];
      const onDisk = box.map((n, a) => n + 2 * origin[a]) as unknown as Shape3;
      const prepared = {
        id: 'a',
        shape,
        channels: 2,
        image,
        classVoxels: [],
        spacing: [1, 1, 1] as const,
        crop: { origin, shape: onDisk, box, ...(coarse === undefined ? {} : { coarse }) },
        geometry: plainGeometry([1, 1, 1]),
      };
      const labels = predictLabels(network, {}, prepared, options);
      const probabilities = predictProbabilities(network, {}, image, shape, 2, options);
      const best = mostProbable(resampleImage(probabilities, shape, 3, box, coarse), 3);
      expect(labels).toHaveLength(volume(onDisk));
      let apart = 0;
      for (let x = 0, i = 0; x < box[0]; x++)
        for (let y = 0; y < box[1]; y++)
          for (let z = 0; z < box[2]; z++, i++) {
            const at = ((x + 2) * onDisk[1] + y) * onDisk[2] + z + 3;
            apart += Number(labels[at] !== best[i]);
            labels[at] = 0;
          }
      expect(apart / best.length).toBeLessThan(0.002);
      expect(labels.every((v) => v === 0)).toBe(true);
    },
  );

  it('holds a slab, not the volume: 12 classes on 24 × 24 × 400 voxels, resampled', async () => {
    v8.setFlagsFromString('--expose-gc');
    const once = vm.runInNewContext('gc') as () => void;
    const large: Shape3 = [24, 24, 400];
    const box: Shape3 = [28, 28, 480];
    const prepared = {
      id: 'long',
      shape: large,
      channels: 1,
      image: normal(key(6), volume(large)),
      classVoxels: [],
      spacing: [1, 1, 1] as const,
      crop: { origin: [0, 0, 0] as Shape3, shape: box, box },
      geometry: plainGeometry([1, 1, 1]),
    };
    const wide = oneConvolution(1, 12);
    // What a collection finds is freed by the next one.
    const alive = () => {
      once();
      once();
      return process.memoryUsage().arrayBuffers;
    };
    for (let i = 0; i < 3; i++) {
      alive();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const before = alive();
    let peak = 0;
    const onTile = (done: number) => {
      if (done % 6 === 0) peak = Math.max(peak, alive() - before);
    };
    expect(longestAxis(large)).toBe(2);
    const patch: Shape3 = [24, 24, 16];
    const labels = predictLabels(wide, {}, prepared, { patch, flips: false, onTile });
    expect(new Set(labels).size).toBe(12);
    const slab = 4 * (16 * 24 * 24 * 13 + 32 * 28 * 28 * 12) + 4 * 24 * 24 * 16 * 14;
    const naive = 4 * volume(large) * 13;
    expect(peak).toBeGreaterThan(slab / 3);
    expect(peak).toBeLessThan(volume(box) + 1.3 * slab);
    expect(volume(box) + 1.3 * slab).toBeLessThan(naive / 3);
  });
});
