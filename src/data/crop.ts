/** The nonzero region of a volume: mask with holes filled, and its box. */
import type { Shape3 } from '../engine/model';

export interface Box {
  readonly origin: Shape3;
  readonly shape: Shape3;
}

/**
 * The nonzero mask: any channel ≠ 0, with holes filled (whatever cannot be reached from the border through the six faces).
 *
 * `image` [x, y, z, c] in C order. Returns 1 inside, 0 outside. Source: nnU-Net's `create_nonzero_mask`.
 */
export function nonzeroMask(image: Float32Array, shape: Shape3, channels: number): Uint8Array {
  const [X, Y, Z] = shape;
  const n = X * Y * Z;
  const mask = new Uint8Array(n);
  for (let i = 0, at = 0; i < n; i++)
    for (let c = 0; c < channels; c++, at++) if (image[at] !== 0) mask[i] = 1;
  return fillHoles(mask, shape);
}

/** A mask with its holes filled, as scipy.ndimage.binary_fill_holes does with its default structure. */
export function fillHoles(mask: Uint8Array, [X, Y, Z]: Shape3): Uint8Array {
  const filled = new Uint8Array(mask.length).fill(1);
  const stack = new Int32Array(mask.length);
  let top = 0;
  const visit = (i: number) => {
    if (mask[i] === 0 && filled[i] === 1) {
      filled[i] = 0;
      stack[top++] = i;
    }
  };
  const index = (x: number, y: number, z: number) => (x * Y + y) * Z + z;
  for (let x = 0; x < X; x++)
    for (let y = 0; y < Y; y++) {
      const wholeLine = x === 0 || x === X - 1 || y === 0 || y === Y - 1;
      for (let z = 0; z < Z; z += wholeLine ? 1 : Math.max(1, Z - 1)) visit(index(x, y, z));
    }
  while (top > 0) {
    const i = stack[--top];
    const z = i % Z;
    const y = Math.floor(i / Z) % Y;
    const x = Math.floor(i / (Y * Z));
    if (z > 0) visit(i - 1);
    if (z < Z - 1) visit(i + 1);
    if (y > 0) visit(i - Z);
    if (y < Y - 1) visit(i + Z);
    if (x > 0) visit(i - Y * Z);
    if (x < X - 1) visit(i + Y * Z);
  }
  return filled;
}

/** The smallest box around the mask's ones; undefined where there are none. */
export function boundingBox(mask: Uint8Array, [X, Y, Z]: Shape3): Box | undefined {
  const low = [X, Y, Z];
  const high = [-1, -1, -1];
  for (let x = 0, i = 0; x < X; x++)
    for (let y = 0; y < Y; y++)
      for (let z = 0; z < Z; z++, i++) {
        if (mask[i] === 0) continue;
        const at = [x, y, z];
        for (let axis = 0; axis < 3; axis++) {
          if (at[axis] < low[axis]) low[axis] = at[axis];
          if (at[axis] > high[axis]) high[axis] = at[axis];
        }
      }
  if (high[0] < 0) return undefined;
  const size = (axis: number) => high[axis] - low[axis] + 1;
  return { origin: [low[0], low[1], low[2]], shape: [size(0), size(1), size(2)] };
}

/** The part of an array [x, y, z, c] in C order that lies in the box. */
export function cut<A extends Float32Array | Uint8Array>(
  values: A,
  shape: Shape3,
  channels: number,
  box: Box,
): A {
  const [x0, y0, z0] = box.origin;
  const [X, Y, Z] = box.shape;
  const out = values.slice(0, X * Y * Z * channels) as A;
  for (let x = 0, to = 0; x < X; x++)
    for (let y = 0; y < Y; y++, to += Z * channels) {
      const from = (((x0 + x) * shape[1] + y0 + y) * shape[2] + z0) * channels;
      out.set(values.subarray(from, from + Z * channels), to);
    }
  return out;
}
