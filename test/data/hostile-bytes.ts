/** Short words for the bytes of broken volumes. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Geometry, plainGeometry } from '../../src/data/nifti';
import type { Shape3 } from '../../src/engine/model';
import { bytesOf, COUNT, fixture, SHAPE, volume } from './hostile';

/** Changes the bytes of an unpacked file. */
export type Change = (bytes: Buffer) => void;

export const PLAIN = plainGeometry([1, 1.5, 2]);
export const float = (at: number, value: number): Change => {
  return (b) => b.writeFloatLE(value, at);
};
export const short = (at: number, value: number): Change => {
  return (b) => b.writeInt16LE(value, at);
};
/** dim[0], dim[1], … */
export const dim = (...values: readonly number[]): Change => {
  return (b) => {
    for (const [i, n] of values.entries()) b.writeInt16LE(n, 40 + 2 * i);
  };
};
export const slope = (value: number, inter = 0): Change => {
  return (b) => {
    b.writeFloatLE(value, 112);
    b.writeFloatLE(inter, 116);
  };
};
export const voxOffset = (value: number): Change => float(108, value);
export const spacingY = (value: number): Change => float(84, value);

export const packed = (change?: Change): Buffer => gzipSync(volume(change));
export const packedOf = (shape: Shape3, channels = 1): Buffer => gzipSync(volume(undefined, shape, channels));

/** Bytes with one of them inverted; `at` below 0 counts from the end. */
export function flip(bytes: Buffer, at: number): Buffer {
  bytes[(bytes.length + at) % bytes.length] ^= 0xff;
  return bytes;
}

/** Floats of one value from voxel `from` to `to`, another elsewhere. */
export function floats(value: number, from: number, to: number, rest: number): Buffer {
  return gzipSync(bytesOf(new Float32Array(COUNT).fill(rest).fill(value, from, to)));
}

/** A label map of 0, with one value from voxel `from` to `to`. */
export function labels(value: number, from: number, to: number, geometry: Partial<Geometry> = {}): Buffer {
  const values = new Int16Array(COUNT).fill(value, from, to);
  return gzipSync(bytesOf(values, SHAPE, 1, undefined, { ...PLAIN, ...geometry }));
}

/** The plain volume in another place. */
export function placed(geometry: Partial<Geometry>): Buffer {
  const other = bytesOf(new Int16Array(COUNT), SHAPE, 1, undefined, { ...PLAIN, ...geometry });
  return packed((b) => {
    other.copy(b, 76, 76, 108);
    other.copy(b, 252, 252, 328);
  });
}

/** A small volume of eight-byte values, all 0 but one. */
export function eightBytes(type: number, put: (bytes: Buffer) => void): Buffer {
  return gzipSync(
    volume((b) => {
      for (const change of [dim(3, 6, 7, 2), short(70, type)]) change(b);
      b.fill(0, 352);
      put(b);
    }),
  );
}

export function nifti2(change: Change): Buffer {
  const bytes = gunzipSync(fixture('nifti2.nii.gz'));
  change(bytes);
  return bytes;
}

/** The two files of a pair made from one, header first. */
export function pairOf(bytes: Buffer): readonly [Buffer, Buffer] {
  const header = Buffer.from(bytes.subarray(0, 348));
  header.write('ni1\0', 344, 'latin1');
  header.writeFloatLE(0, 108);
  return [header, bytes.subarray(352)];
}
