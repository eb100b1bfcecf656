/** How the voxels of each NIfTI data type are read: one record a type. */

export interface VoxelType {
  /** Bytes of one voxel. */
  readonly bytes: number;
  /** The voxels as numbers, in the file's order. */
  readonly read: (bytes: Buffer, littleEndian: boolean) => ArrayLike<number>;
}

type View = { new (buffer: ArrayBuffer): ArrayLike<number>; readonly BYTES_PER_ELEMENT: number };

function plain(view: View): VoxelType {
  return {
    bytes: view.BYTES_PER_ELEMENT,
    read: (bytes, little) => new view(aligned(bytes, view.BYTES_PER_ELEMENT, little)),
  };
}

function wide(view: typeof BigInt64Array | typeof BigUint64Array): VoxelType {
  return {
    bytes: 8,
    read: (bytes, little) => Float64Array.from(new view(aligned(bytes, 8, little)), Number),
  };
}

/** A copy that begins on a boundary of `size` bytes and is in this machine's byte order. */
function aligned(bytes: Buffer, size: number, littleEndian: boolean): ArrayBuffer {
  const copy = new Uint8Array(bytes);
  if (!littleEndian && size > 1) {
    const buffer = Buffer.from(copy.buffer);
    if (size === 2) buffer.swap16();
    else if (size === 4) buffer.swap32();
    else buffer.swap64();
  }
  return copy.buffer;
}

/** By NIfTI's `datatype` code. */
export const readers: ReadonlyMap<number, VoxelType> = new Map([
  [2, plain(Uint8Array)],
  [4, plain(Int16Array)],
  [8, plain(Int32Array)],
  [16, plain(Float32Array)],
  [64, plain(Float64Array)],
  [256, plain(Int8Array)],
  [512, plain(Uint16Array)],
  [768, plain(Uint32Array)],
  [1024, wide(BigInt64Array)],
  [1280, wide(BigUint64Array)],
]);
