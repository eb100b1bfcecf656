/** Inflating with a limit: what a file may become is known before memory is taken for it. */
import { constants, gunzipSync } from 'node:zlib';
import { fail } from '../engine/errors';

/** Deflate cannot shrink by more than this factor, so a header that promises more than file size × this is wrong. */
export const DEFLATE_LIMIT = 1032;

/** As much of a packed file as is inflated to see its header. */
export const PACKED_START = 16384;

/** Output comes in pieces of at most this many bytes. */
const LARGEST_PIECE = 2 ** 30;

/** Whether the bytes are a gzip stream, whatever the file's name says. */
export function isGzip(bytes: Buffer): boolean {
  return bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** What the first bytes of a gzip stream inflate to, at least 540 (a NIfTI-2 header) where it has them; its end is not looked at. */
export function inflateStart(bytes: Buffer, where: string): Buffer {
  return inflate(bytes.subarray(0, PACKED_START), where, {
    maxOutputLength: PACKED_START * DEFLATE_LIMIT,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

/**
 * The whole stream, its check sum verified, never more than `limit` bytes.
 *
 * Memory: `limit` bytes, taken at once, so that nothing is joined at the end.
 * Throws a ScnasError if the stream is cut, broken, or longer than `limit`.
 */
export function inflateAll(bytes: Buffer, where: string, limit: number): Buffer {
  return inflate(bytes, where, {
    maxOutputLength: limit,
    chunkSize: Math.min(Math.max(limit + 64, 1024), LARGEST_PIECE),
  });
}

function inflate(bytes: Buffer, where: string, options: Parameters<typeof gunzipSync>[1]): Buffer {
  try {
    return gunzipSync(bytes, options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return fail({
      where,
      expected:
        code === 'ERR_BUFFER_TOO_LARGE' ? `at most ${options?.maxOutputLength} bytes` : 'a whole gzip stream',
      found: code === 'ERR_BUFFER_TOO_LARGE' ? 'more when inflated' : message,
      next: 'fetch the file again or leave the case out of dataset.json',
    });
  }
}
