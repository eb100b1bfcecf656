/** Inflating with a limit: what a file may become is known before memory is taken for it. */
import { constants, gunzipSync } from 'node:zlib';
import { fail } from '../engine/errors';

/** Deflate cannot shrink by more than this factor, so a header that promises more than file size × this is wrong. */
export const DEFLATE_LIMIT = 1032;

/** Whether the bytes are a gzip stream, whatever the file's name says. */
export function isGzip(bytes: Buffer): boolean {
  return bytes.length > 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The first bytes of a gzip stream, at least 540 (a NIfTI-2 header) where it has them; the end of the stream is not looked at. */
export function inflateStart(bytes: Buffer, where: string): Buffer {
  const start = bytes.subarray(0, 16384);
  return inflate(start, where, {
    maxOutputLength: 16384 * DEFLATE_LIMIT,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

/**
 * The whole stream, its check sum verified, never more than `limit` bytes.
 *
 * Throws a ScnasError if the stream is cut, broken, or longer than `limit`.
 */
export function inflateAll(bytes: Buffer, where: string, limit: number): Buffer {
  return inflate(bytes, where, { maxOutputLength: limit });
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
