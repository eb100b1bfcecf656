/**
 * The kernels once more as plain float64 loops, each with its own gradient: slow, obvious, and checked by finite differences.
 */
import { EPSILON, SLOPE } from '../../src/engine/model';

/** A float64 tensor in C order. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
/** What a kernel gives, and how it pulls a gradient of y back to its inputs, in their order. */
export interface Result {
  readonly y: Value;
  pull(dy: Value): Value[];
}

export const volume = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
export const zeros = (shape: readonly number[]): Value => ({ shape, data: new Float64Array(volume(shape)) });
const map = (x: Value, f: (v: number, i: number) => number): Value => ({
  shape: x.shape,
  data: x.data.map(f),
});

/** Place of [n, x, y, z, c] in a five-dimensional value. */
function at(
  { shape: [, X, Y, Z, C] }: Pick<Value, 'shape'>,
  n: number,
  x: number,
  y: number,
  z: number,
  c: number,
): number {
  return (((n * X + x) * Y + y) * Z + z) * C + c;
}

/** Calls `f` for each voxel [n, x, y, z] of a shape. */
function voxels(
  [N, X, Y, Z]: readonly number[],
  f: (n: number, x: number, y: number, z: number) => void,
): void {
  for (let n = 0; n < N; n++)
    for (let x = 0; x < X; x++) for (let y = 0; y < Y; y++) for (let z = 0; z < Z; z++) f(n, x, y, z);
}

/** Calls `f` for each offset of a k³ window. */
function taps(k: number, f: (a: number, b: number, c: number) => void): void {
  for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) for (let c = 0; c < k; c++) f(a, b, c);
}

const strided = ([N, X, Y, Z]: readonly number[], stride: number, channels: number) => [
  N,
  Math.ceil(X / stride),
  Math.ceil(Y / stride),
  Math.ceil(Z / stride),
  channels,
];

/** Calls `f(output voxel, input voxel, tap)` for each pair that a k³ window joins, padding left out. */
function joined(
  x: Value,
  y: Value,
  k: number,
  stride: number,
  dilation: number,
  f: (o: number, i: number, tap: number) => void,
): void {
  const [, X, Y, Z] = x.shape;
  voxels(y.shape, (n, ox, oy, oz) => {
    taps(k, (a, b, c) => {
      const middle = (k - 1) / 2;
      const ix = ox * stride + (a - middle) * dilation;
      const iy = oy * stride + (b - middle) * dilation;
      const iz = oz * stride + (c - middle) * dilation;
      if (ix < 0 || iy < 0 || iz < 0 || ix >= X || iy >= Y || iz >= Z) return;
      f(at(y, n, ox, oy, oz, 0), at(x, n, ix, iy, iz, 0), (a * k + b) * k + c);
    });
  });
}

type Links = (f: (o: number, i: number, j: number) => void) => void;

/** y[o] = Σ x[i]·w[j] over the triples that `links` names; y comes as zeros. */
function bilinear(x: Value, w: Value, y: Value, links: Links): Result {
  links((o, i, j) => {
    y.data[o] += x.data[i] * w.data[j];
  });
  const pull = (dy: Value) => {
    const [dx, dw] = [zeros(x.shape), zeros(w.shape)];
    links((o, i, j) => {
      dx.data[i] += w.data[j] * dy.data[o];
      dw.data[j] += x.data[i] * dy.data[o];
    });
    return [dx, dw];
  };
  return { y, pull };
}

export function conv3d(x: Value, w: Value, stride: number, dilation: number): Result {
  const [k, , , I, O] = w.shape;
  const y = zeros(strided(x.shape, stride, O));
  return bilinear(x, w, y, (f) =>
    joined(x, y, k, stride, dilation, (o, i, tap) => {
      for (let p = 0; p < I; p++) for (let q = 0; q < O; q++) f(o + q, i + p, (tap * I + p) * O + q);
    }),
  );
}

function depthwise3d(x: Value, w: Value, stride: number, dilation: number): Result {
  const C = x.shape[4];
  const y = zeros(strided(x.shape, stride, C));
  return bilinear(x, w, y, (f) =>
    joined(x, y, 3, stride, dilation, (o, i, tap) => {
      for (let c = 0; c < C; c++) f(o + c, i + c, tap * C + c);
    }),
  );
}

/** Depthwise, then a 1³ convolution. */
export function separable(
  x: Value,
  depthwise: Value,
  pointwise: Value,
  stride: number,
  dilation: number,
): Result {
  const first = depthwise3d(x, depthwise, stride, dilation);
  const second = conv3d(first.y, { ...pointwise, shape: [1, 1, 1, ...pointwise.shape] }, 1, 1);
  const pull = (dy: Value) => {
    const [dMiddle, dPointwise] = second.pull(dy);
    return [...first.pull(dMiddle), { ...dPointwise, shape: pointwise.shape }];
  };
  return { y: second.y, pull };
}

/** A linear map of one input: `links` calls back with each (place in y, place in x, weight). */
function linear(
  x: Value,
  shape: readonly number[],
  links: (f: (o: number, i: number, w: number) => void) => void,
): Result {
  const y = zeros(shape);
  links((o, i, w) => {
    y.data[o] += w * x.data[i];
  });
  const pull = (dy: Value) => {
    const dx = zeros(x.shape);
    links((o, i, w) => {
      dx.data[i] += w * dy.data[o];
    });
    return [dx];
  };
  return { y, pull };
}

export function pool(x: Value, kind: 'max' | 'avg', stride: number): Result {
  const C = x.shape[4];
  const shape = strided(x.shape, stride, C);
  const count = new Float64Array(volume(shape));
  const winner = new Int32Array(volume(shape)).fill(-1);
  joined(x, zeros(shape), 3, stride, 1, (o, i) => {
    for (let c = 0; c < C; c++) {
      count[o + c]++;
      // The first of equal values wins.
      if (winner[o + c] < 0 || x.data[i + c] > x.data[winner[o + c]]) winner[o + c] = i + c;
    }
  });
  if (kind === 'max')
    return linear(x, shape, (f) => {
      for (let o = 0; o < winner.length; o++) f(o, winner[o], 1);
    });
  return linear(x, shape, (f) =>
    joined(x, zeros(shape), 3, stride, 1, (o, i) => {
      for (let c = 0; c < C; c++) f(o + c, i + c, 1 / count[o + c]);
    }),
  );
}

/** The two neighbours of each of 2·size places along an axis, with their weights. */
function neighbours(size: number, alignCorners: boolean): [number, number][][] {
  return Array.from({ length: 2 * size }, (_, o) => {
    const exact = alignCorners ? (o * (size - 1)) / (2 * size - 1) : (o + 0.5) / 2 - 0.5;
    const place = Math.min(Math.max(exact, 0), size - 1);
    const low = Math.floor(place);
    return [
      [low, 1 - (place - low)],
      [Math.min(low + 1, size - 1), place - low],
    ];
  });
}

export function upsample(x: Value, alignCorners: boolean): Result {
  const [N, X, Y, Z, C] = x.shape;
  const shape = [N, 2 * X, 2 * Y, 2 * Z, C];
  const [alongX, alongY, alongZ] = [X, Y, Z].map((size) => neighbours(size, alignCorners));
  return linear(x, shape, (f) =>
    voxels(shape, (n, ox, oy, oz) => {
      for (const [ix, wx] of alongX[ox])
        for (const [iy, wy] of alongY[oy])
          for (const [iz, wz] of alongZ[oz])
            for (let c = 0; c < C; c++)
              f(at({ shape }, n, ox, oy, oz, c), at(x, n, ix, iy, iz, c), wx * wy * wz);
    }),
  );
}

export function leakyRelu(x: Value): Result {
  return {
    y: map(x, (v) => Math.max(v, SLOPE * v)),
    pull: (dy) => [map(dy, (d, i) => (x.data[i] > 0 ? d : SLOPE * d))],
  };
}

/** With γ and β, or without. */
export function instanceNorm(x: Value, gamma?: Value, beta?: Value): Result {
  const [N, X, Y, Z, C] = x.shape;
  const size = X * Y * Z;
  const y = zeros(x.shape);
  const hat = zeros(x.shape);
  const groups: { places: number[]; c: number; r: number }[] = [];
  for (let n = 0; n < N; n++)
    for (let c = 0; c < C; c++) {
      const places = Array.from({ length: size }, (_, v) => (n * size + v) * C + c);
      const mean = places.reduce((sum, i) => sum + x.data[i], 0) / size;
      const variance = places.reduce((sum, i) => sum + (x.data[i] - mean) ** 2, 0) / size;
      const r = 1 / Math.sqrt(variance + EPSILON);
      for (const i of places) {
        hat.data[i] = (x.data[i] - mean) * r;
        y.data[i] = hat.data[i] * (gamma?.data[c] ?? 1) + (beta?.data[c] ?? 0);
      }
      groups.push({ places, c, r });
    }
  const pull = (dy: Value) => {
    const dx = zeros(x.shape);
    const dGamma = zeros([C]);
    const dBeta = zeros([C]);
    for (const { places, c, r } of groups) {
      const sum = places.reduce((s, i) => s + dy.data[i], 0);
      const dot = places.reduce((s, i) => s + dy.data[i] * hat.data[i], 0);
      for (const i of places)
        dx.data[i] = (gamma?.data[c] ?? 1) * r * (dy.data[i] - sum / size - (hat.data[i] * dot) / size);
      dGamma.data[c] += dot;
      dBeta.data[c] += sum;
    }
    return gamma ? [dx, dGamma, dBeta] : [dx];
  };
  return { y, pull };
}

/** 1³ stride-2 convolutions of x and of x shifted by one voxel; past the end of an odd side there are zeros. */
export function factorizedReduce(x: Value, even: Value, odd: Value): Result {
  const [, X, Y, Z, I] = x.shape;
  const [O1, O2] = [even.shape[1], odd.shape[1]];
  const y = zeros(strided(x.shape, 2, O1 + O2));
  const each = (f: (o: number, i: number, shifted: boolean, p: number, q: number) => void) =>
    voxels(y.shape, (n, ox, oy, oz) => {
      for (const shift of [0, 1]) {
        const [ix, iy, iz] = [2 * ox + shift, 2 * oy + shift, 2 * oz + shift];
        if (ix >= X || iy >= Y || iz >= Z) continue;
        for (let p = 0; p < I; p++)
          for (let q = 0; q < (shift ? O2 : O1); q++)
            f(at(y, n, ox, oy, oz, q + shift * O1), at(x, n, ix, iy, iz, p), shift === 1, p, q);
      }
    });
  each((o, i, shifted, p, q) => {
    y.data[o] += x.data[i] * (shifted ? odd.data[p * O2 + q] : even.data[p * O1 + q]);
  });
  const pull = (dy: Value) => {
    const [dx, dEven, dOdd] = [zeros(x.shape), zeros(even.shape), zeros(odd.shape)];
    each((o, i, shifted, p, q) => {
      dx.data[i] += dy.data[o] * (shifted ? odd.data[p * O2 + q] : even.data[p * O1 + q]);
      if (shifted) dOdd.data[p * O2 + q] += dy.data[o] * x.data[i];
      else dEven.data[p * O1 + q] += dy.data[o] * x.data[i];
    });
    return [dx, dEven, dOdd];
  };
  return { y, pull };
}

/** Σ ẑ[index]·value; gradients of the values, then of ẑ. */
export function weightedSum(values: readonly Value[], indices: readonly number[], zHat: Value): Result {
  const y = map(values[0], (_, i) =>
    values.reduce((sum, v, k) => sum + zHat.data[indices[k]] * v.data[i], 0),
  );
  const pull = (dy: Value) => {
    const dZ = zeros(zHat.shape);
    values.forEach((v, k) => {
      dZ.data[indices[k]] += v.data.reduce((sum, a, i) => sum + a * dy.data[i], 0);
    });
    return [...indices.map((index) => map(dy, (d) => d * zHat.data[index])), dZ];
  };
  return { y, pull };
}

/** `second` after `first`, where only the first input of `second` comes from `first`. */
export function chain(first: Result, second: (y: Value) => Result): Result {
  const last = second(first.y);
  const pull = (dy: Value) => {
    const [dMiddle, ...rest] = last.pull(dy);
    return [...first.pull(dMiddle), ...rest];
  };
  return { y: last.y, pull };
}
