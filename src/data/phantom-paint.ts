/**
 * Painting a phantom: layers of tissue over one another, each a signed distance and a brightness a channel,
 * seen through partial volume, texture, a bias field and noise.
 */
import { fold, type Key, normal, uniform } from '../engine/keys';
import type { Shape3 } from '../engine/model';

/** Millimetres from the centre of the volume. */
export type Distance = (x: number, y: number, z: number) => number;

/** A tissue: where it is (signed distance in mm, negative inside), how bright in each channel, and its class if it has one. */
export interface Layer {
  readonly distance: Distance;
  readonly brightness: readonly number[];
  readonly label?: number;
}

export interface Scene {
  /** Brightness of each channel where no layer is. */
  readonly background: readonly number[];
  /** Later layers cover earlier ones. */
  readonly layers: readonly Layer[];
  /** How far tissue is bent, in mm. */
  readonly warp: number;
  /** Standard deviation of the noise, in units of brightness. */
  readonly noise: number;
  /** Standard deviation of the slow variation of a tissue's brightness. */
  readonly texture: number;
  /** Greatest relative change of brightness by the bias field. */
  readonly bias: number;
  /** Voxels where this is true are left 0 in all channels, as outside a skull-stripped brain. */
  readonly blank?: Distance;
}

/** A number drawn uniformly from [low, high) by the key and a name. */
export function between(k: Key, name: string, low: number, high: number): number {
  return low + (high - low) * uniform(fold(k, name), 1)[0];
}

/** A smooth random field of about unit variance: the sum of 6 cosines whose wavelengths are about `wavelength` mm. */
export function waves(k: Key, wavelength: number): Distance {
  const terms = Array.from({ length: 6 }, (_, i) => {
    const direction = normal(fold(k, 'direction', i), 3);
    const frequency = ((2 * Math.PI) / wavelength) * between(k, `frequency ${i}`, 0.7, 1.3);
    const size = length(direction[0], direction[1], direction[2]) || 1;
    const [a, b, c] = Array.from(direction, (d) => (d / size) * frequency);
    return { a, b, c, phase: between(k, `phase ${i}`, 0, 2 * Math.PI) };
  });
  return (x, y, z) => {
    let sum = 0;
    for (let i = 0; i < terms.length; i++) {
      const { a, b, c, phase } = terms[i];
      sum += Math.cos(a * x + b * y + c * z + phase);
    }
    return sum / Math.sqrt(3);
  };
}

/** The length of a vector: Math.hypot, ten times faster. */
export function length(x: number, y: number, z: number): number {
  return Math.sqrt(x * x + y * y + z * z);
}

/** Distance to an ellipsoid: exact on its surface and along its axes, a good guess elsewhere. */
export function ellipsoid(centre: readonly number[], radii: readonly number[]): Distance {
  const [cx, cy, cz] = centre;
  const [rx, ry, rz] = radii;
  const least = Math.min(rx, ry, rz);
  return (x, y, z) => {
    const dx = (x - cx) / rx;
    const dy = (y - cy) / ry;
    const dz = (z - cz) / rz;
    const k = length(dx, dy, dz);
    const slope = length(dx / rx, dy / ry, dz / rz);
    return slope === 0 ? -least : (k * (k - 1)) / slope;
  };
}

/** Distance to a straight tube between two points. */
export function tube(from: readonly number[], to: readonly number[], radius: number): Distance {
  const [ax, ay, az] = from;
  const [bx, by, bz] = to.map((v, i) => v - from[i]);
  const squared = bx * bx + by * by + bz * bz;
  return (x, y, z) => {
    const along = ((x - ax) * bx + (y - ay) * by + (z - az) * bz) / squared;
    const t = Math.min(1, Math.max(0, along));
    return length(x - ax - t * bx, y - ay - t * by, z - az - t * bz) - radius;
  };
}

/** The same shape, not evaluated far from the ball that holds it: there the distance to the ball, which is less, stands for it. */
export function bounded(shape: Distance, centre: readonly number[], radius: number): Distance {
  const [cx, cy, cz] = centre;
  return (x, y, z) => {
    const away = length(x - cx, y - cy, z - cz) - radius;
    return away > 4 ? away : shape(x, y, z);
  };
}

/** What is in any of the shapes. */
export function union(...shapes: readonly Distance[]): Distance {
  return (x, y, z) => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < shapes.length; i++) least = Math.min(least, shapes[i](x, y, z));
    return least;
  };
}

/** What is in both shapes. */
export function both(a: Distance, b: Distance): Distance {
  return (x, y, z) => Math.max(a(x, y, z), b(x, y, z));
}

/** A shape grown by `mm` on all sides. */
export function grown(shape: Distance, mm: number): Distance {
  return (x, y, z) => shape(x, y, z) - mm;
}

/** The scene as voxels: `image` [x, y, z, c] and `label` [x, y, z] in C order. */
export function paint(
  scene: Scene,
  shape: Shape3,
  spacing: readonly [number, number, number],
  k: Key,
): { image: Float32Array; label: Uint8Array } {
  const channels = scene.background.length;
  const voxels = shape[0] * shape[1] * shape[2];
  const image = new Float32Array(voxels * channels);
  const label = new Uint8Array(voxels);
  const extent = Math.min(...shape.map((n, axis) => n * spacing[axis]));
  const [bendX, bendY, bendZ] = [0, 1, 2].map((axis) => waves(fold(k, 'warp', axis), 0.7 * extent));
  const texture = waves(fold(k, 'texture'), 0.2 * extent);
  const bias = scene.background.map((_, c) => waves(fold(k, 'bias', c), 1.5 * extent));
  const noise = normal(fold(k, 'noise'), voxels * channels);
  const thickness = Math.cbrt(spacing[0] * spacing[1] * spacing[2]);
  const values = new Float64Array(channels);
  let at = 0;
  for (let i = 0; i < shape[0]; i++)
    for (let j = 0; j < shape[1]; j++)
      for (let l = 0; l < shape[2]; l++, at++) {
        const x = (i - (shape[0] - 1) / 2) * spacing[0];
        const y = (j - (shape[1] - 1) / 2) * spacing[1];
        const z = (l - (shape[2] - 1) / 2) * spacing[2];
        const wx = x + scene.warp * bendX(x, y, z);
        const wy = y + scene.warp * bendY(x, y, z);
        const wz = z + scene.warp * bendZ(x, y, z);
        if (scene.blank && scene.blank(wx, wy, wz) > 0) continue;
        values.set(scene.background);
        for (const layer of scene.layers) {
          const share = Math.min(1, Math.max(0, 0.5 - layer.distance(wx, wy, wz) / thickness));
          if (share === 0) continue;
          for (let c = 0; c < channels; c++) values[c] += share * (layer.brightness[c] - values[c]);
          if (share > 0.5) label[at] = layer.label ?? 0;
        }
        const grain = scene.texture * texture(x, y, z);
        for (let c = 0; c < channels; c++) {
          const gain = 1 + (scene.bias / 2) * Math.max(-2, Math.min(2, bias[c](x, y, z)));
          image[at * channels + c] = gain * (values[c] + grain) + scene.noise * noise[at * channels + c];
        }
      }
  return { image, label };
}
