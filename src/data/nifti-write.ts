/** A small NIfTI-1 writer: .nii.gz, or .nii where the name says so, one part, little-endian, written beside and renamed. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import type { Geometry } from './geometry';
import { cannotWrite, makeFolder } from './room';

const HEADER = 352;

/**
 * Writes labels as unsigned bytes with the geometry of their image.
 *
 * `labels` [x, y, z] in C order; `shape` is that of the image they belong to.
 */
export function writeLabelMap(file: string, labels: Uint8Array, shape: Shape3, geometry: Geometry): void {
  writeVolume(file, labels, shape, 1, geometry);
}

/** Writes a volume [x, y, z, c] in C order as unsigned bytes, 16-bit whole numbers or floats, by the kind of its array. */
export function writeVolume(
  file: string,
  data: Uint8Array | Int16Array | Float32Array,
  shape: Shape3,
  channels: number,
  geometry: Geometry,
): void {
  const [X, Y, Z] = shape;
  if (data.length !== X * Y * Z * channels || [...shape, channels].some((n) => n > 32767)) {
    fail({
      where: file,
      expected: `${shape.join(' × ')} × ${channels} values, each axis at most 32767`,
      found: `${data.length} values`,
      next: 'pass the array together with its own shape',
    });
  }
  const size = data.BYTES_PER_ELEMENT;
  const bytes = Buffer.alloc(HEADER + data.length * size);
  writeHeader(bytes, shape, channels, geometry, data);
  const out =
    data instanceof Uint8Array
      ? new Uint8Array(bytes.buffer, bytes.byteOffset + HEADER, data.length)
      : data instanceof Int16Array
        ? new Int16Array(bytes.buffer, bytes.byteOffset + HEADER, data.length)
        : new Float32Array(bytes.buffer, bytes.byteOffset + HEADER, data.length);
  let to = 0;
  for (let c = 0; c < channels; c++)
    for (let z = 0; z < Z; z++)
      for (let y = 0; y < Y; y++) {
        let from = (y * Z + z) * channels + c;
        for (let x = 0; x < X; x++, from += Y * Z * channels) out[to++] = data[from];
      }
  putFile(file, file.endsWith('.gz') ? gzipSync(bytes, { level: 6 }) : bytes);
}

function putFile(file: string, bytes: Buffer): void {
  const beside = `${file}.partial-${process.pid}`;
  makeFolder(path.dirname(file));
  try {
    writeFileSync(beside, bytes);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    cannotWrite(file, error);
  }
}

function writeHeader(
  bytes: Buffer,
  shape: Shape3,
  channels: number,
  geometry: Geometry,
  data: ArrayLike<number>,
): void {
  const [code, bits] = data instanceof Uint8Array ? [2, 8] : data instanceof Int16Array ? [4, 16] : [16, 32];
  const floats = (at: number, values: readonly number[]) => {
    for (const [i, value] of values.entries()) bytes.writeFloatLE(value, at + 4 * i);
  };
  const text = (at: number, length: number, value: string) =>
    bytes.write(value.slice(0, length), at, length, 'latin1');
  bytes.writeInt32LE(348, 0);
  bytes.writeUInt8(0x72, 38);
  bytes.writeUInt8(geometry.dimInfo, 39);
  const dim = [channels > 1 ? 4 : 3, ...shape, channels, 1, 1, 1];
  for (const [i, n] of dim.entries()) bytes.writeInt16LE(n, 40 + 2 * i);
  bytes.writeInt16LE(code, 70);
  bytes.writeInt16LE(bits, 72);
  // A flat image may have no third spacing, but its label map here has three axes.
  floats(
    76,
    geometry.pixdim.map((d, i) => (d === 0 && i >= 1 && i <= 3 ? 1 : d)),
  );
  floats(108, [HEADER, 1, 0]);
  bytes.writeUInt8(geometry.units & 0xff, 123);
  text(148, 80, geometry.description);
  text(228, 24, geometry.auxFile);
  bytes.writeInt16LE(geometry.qformCode, 252);
  bytes.writeInt16LE(geometry.sformCode, 254);
  floats(256, geometry.quaternion);
  floats(268, geometry.offset);
  floats(280, geometry.srow);
  bytes.write('n+1\0', 344, 'latin1');
}
