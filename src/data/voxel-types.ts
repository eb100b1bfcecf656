/** How the voxels of each NIfTI data type are read: one record a type. */

export interface VoxelType {
  /** Bytes of one voxel. */
  readonly bytes: number;
  /** The voxels as numbers, in the file's order; `bytes` may be used as their memory and changed. */
  readonly read: (bytes: Buffer, littleEndian: boolean) => ArrayLike<number>;
}

type View = {
  new (buffer: ArrayBufferLike, offset: number, length: number): ArrayLike<number>;
  readonly BYTES_PER_ELEMENT: number;
};

function plain(view: View): VoxelType {
  const size = view.BYTES_PER_ELEMENT;
  return {
    bytes: size,
    read: (bytes, little) => {
      const { buffer, byteOffset, length } = ordered(bytes, size, little);
      return new view(buffer, byteOffset, length / size);
    },
  };
}

function wide(view: typeof BigInt64Array | typeof BigUint64Array): VoxelType {
  return {
    bytes: 8,
    read: (bytes, little) => {
      const { buffer, byteOffset, length } = ordered(bytes, 8, little);
      return Float64Array.from(new view(buffer as ArrayBuffer, byteOffset, length / 8), Number);
    },
  };
}

/** The bytes on a boundary of `size` (copied only where they are not) and in this machine's byte order (swapped in place). */
function ordered(bytes: Buffer, size: number, littleEndian: boolean): Buffer {
  const own = bytes.byteOffset % size === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  if (littleEndian || size === 1) return own;
  return size === 2 ? own.swap16() : size === 4 ? own.swap32() : own.swap64();
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
