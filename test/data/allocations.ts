/** What a call takes from memory at once, so that a test can bound it. */

const ARRAYS = [
  'Uint8Array',
  'Int8Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
] as const;
const BUFFERS = ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const;

/** The largest single buffer or typed array, in bytes, that `run` asks for; zlib's own buffers are among them. */
export function largestAllocation(run: () => void): number {
  let largest = 0;
  const see = (bytes: number) => {
    largest = Math.max(largest, bytes);
  };
  const buffers = BUFFERS.map((name) => [name, Buffer[name]] as const);
  const arrays = ARRAYS.map((name) => [name, globalThis[name]] as const);
  for (const [name, original] of buffers)
    Buffer[name] = (size: number, fill?: number) => {
      see(size);
      return original.call(Buffer, size, fill);
    };
  for (const [name, original] of arrays) {
    const watched: typeof original = new Proxy(original, {
      construct(target, args, from) {
        const made: object = Reflect.construct(target, args, from === watched ? target : from);
        // A view of memory that is there takes none.
        if (!(args[0] instanceof ArrayBuffer)) see((made as Uint8Array).byteLength);
        return made;
      },
    });
    Object.assign(globalThis, { [name]: watched });
  }
  try {
    run();
  } finally {
    Object.assign(Buffer, Object.fromEntries(buffers));
    Object.assign(globalThis, Object.fromEntries(arrays));
  }
  return largest;
}
