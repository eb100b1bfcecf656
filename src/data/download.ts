/** One file over HTTP: resumed where it broke off, checked by its MD5; there in full, or as a .partial file. */
import { createHash } from 'node:crypto';
import { createReadStream, renameSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fail, ScnasError } from '../engine/errors';
import { Broken, bytesHere, ELSEWHERE, fetchRest, forget, type Part } from './download-part';

export interface Download extends Omit<Part, 'stall'> {
  readonly md5: string;
  readonly stall?: number;
  /** Told of each broken connection. */
  readonly onRetry?: (line: string) => void;
  /** Waits some milliseconds before another try. */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
}

/** So many tries may fail one after the other without a new byte. */
const TRIES = 5;

/**
 * Downloads a file. What broke off, now or in an earlier run, is asked for from its last byte on, if the server knows ranges and still has
 * the same version (If-Range); else it begins anew.
 *
 * Errors: a ScnasError that says what to do, for no network, an answer other than the file, a connection that breaks five times without
 * a new byte, a full disk, and another MD5 (then nothing is kept). What is here is kept otherwise, as after an abort.
 */
export async function download(job: Download): Promise<void> {
  const part: Part = { stall: 60_000, ...job, file: `${job.file}.partial` };
  const { url, signal } = job;
  let [best, failures, connected] = [bytesHere(part), 0, false];
  for (;;) {
    try {
      await fetchRest(part);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ScnasError) throw error;
      const [found, here] = [reason(error), bytesHere(part)];
      connected ||= error instanceof Broken || here > best;
      failures = here > best ? 1 : failures + 1;
      best = Math.max(best, here);
      if (!connected || failures >= TRIES)
        fail({
          where: url,
          expected: 'the file from its server',
          found: `${found}${here > 0 ? `, after ${here} bytes, which are kept` : ''}`,
          next: connected ? 'run the same command again: it goes on where it stopped' : ELSEWHERE,
        });
      job.onRetry?.(`${found}, after ${here} bytes; trying again`);
      await (job.wait ?? pause)(1000 * 2 ** (failures - 1));
      signal?.throwIfAborted();
    }
  }
  await checkMd5(
    part.file,
    job.md5,
    url,
    'it was removed; run the same command again, or use another --from',
  );
  renameSync(part.file, job.file);
  rmSync(`${part.file}.json`, { force: true });
}

/** Refuses, and forgets where `next` says so, a file with another MD5. */
async function checkMd5(file: string, md5: string, url: string, next: string): Promise<void> {
  const found = await md5Of(file);
  if (found === md5) return;
  forget(file);
  fail({ where: url, expected: `a file with MD5 ${md5}`, found, next });
}

/** The MD5 of a file, in hexadecimal digits. */
export async function md5Of(file: string): Promise<string> {
  const sum = createHash('md5');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) sum.update(piece);
  return sum.digest('hex');
}

/** What fetch hides in an error's cause. */
function reason(error: unknown): string {
  const { cause, message } = error as Error;
  const { code, message: inner } = (cause ?? {}) as NodeJS.ErrnoException;
  return (code ?? inner ?? message).replace(/\s+/g, ' ');
}
