/** One process at a time in a folder: a file with the process's number; one that a killed process left is taken over. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fail } from '../engine/errors';

/** A lock that is held. */
export interface Lock {
  /** Names a process that works for this one: while it lives, the lock stands. */
  also(pid: number): void;
  release(): void;
}

interface Owner {
  readonly pids: readonly number[];
  readonly host: string;
}

/**
 * Takes the lock, or says who has it. A process on another machine cannot be looked at: its lock is taken over, as a scheduler that starts a job
 * anew has ended the old one.
 *
 * @param file of the lock
 * @param what it stands for, in the error
 */
export function takeLock(file: string, what: string): Lock {
  const owner = readOwner(file);
  const alive = owner?.host === os.hostname() ? owner.pids.find(runs) : undefined;
  if (alive !== undefined)
    fail({
      where: file,
      expected: `nobody at work on ${what}`,
      found: `process ${alive}`,
      next: 'wait for it or end it, then run this again',
    });
  const write = (pids: readonly number[]) =>
    fs.writeFileSync(file, JSON.stringify({ pids, host: os.hostname() } satisfies Owner));
  write([process.pid]);
  return {
    also: (pid) => write([process.pid, pid]),
    release: () => fs.rmSync(file, { force: true }),
  };
}

/** Work on a run by one process at a time. */
export async function withRunLock<T>({ dir }: { readonly dir: string }, work: () => Promise<T>): Promise<T> {
  const lock = takeLock(path.join(dir, 'lock'), 'this run');
  try {
    return await work();
  } finally {
    lock.release();
  }
}

function readOwner(file: string): Owner | undefined {
  try {
    const { pids, host } = JSON.parse(fs.readFileSync(file, 'utf8')) as Owner;
    return Array.isArray(pids) && pids.every((pid) => Number.isSafeInteger(pid) && pid > 0)
      ? { pids, host }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether that process lives and is one of this project's: numbers of dead processes are used again. */
function runs(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    const command = process.platform === 'linux' ? fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') : 'scnas';
    return /scnas|bin\.js|hour\.ts|snakemake|vitest/.test(command);
  } catch {
    return false;
  }
}
