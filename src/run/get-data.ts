/** Fetches a task of the Medical Segmentation Decathlon: downloaded, checked, unpacked, and opened once to see that it is whole. */
import { existsSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { type DecathlonTask, MIRROR } from '../data/decathlon';
import { download, md5Of } from '../data/download';
import { type Dataset, openDataset } from '../data/msd';
import { makeFolder } from '../data/room';
import { unpackTask } from '../data/unpack';
import { fail } from '../engine/errors';
import type { Progress } from './progress';
import { Interrupted } from './stop';

export interface GetData {
  readonly task: DecathlonTask;
  /** The folder that gets the task's folder. */
  readonly out: string;
  /** A .tar on this machine, its address, or the address of a folder with NAME.tar; default the public mirror. */
  readonly from?: string;
  /** The MD5 to be met instead of the published one. */
  readonly md5?: string;
  /** Leaves the downloaded .tar beside the folder. */
  readonly keep?: boolean;
  readonly signal?: AbortSignal;
  /** A bar for `total` megabytes, `from` of which are there. */
  readonly progress?: (phase: string, total: number, from: number) => Progress;
  /** The command that goes on after a stop. */
  readonly goOn?: string;
}

const MEGABYTE = 1e6;

/**
 * The task's folder below `out`: the one that is there, or a new one.
 *
 * Errors: a ScnasError as {@link download} and {@link unpackTask} throw them, and for a folder that is there but not whole;
 * Interrupted after an abort, with what was fetched kept.
 */
export async function getTask(options: GetData): Promise<{ dataset: Dataset; fetched: boolean }> {
  const { task, out, from = MIRROR, md5 = task.md5, signal, keep, goOn = 'run it again' } = options;
  const target = path.join(out, task.name);
  if (existsSync(target)) return { dataset: openDataset(target), fetched: false };
  const local = /^https?:\/\//.test(from) ? undefined : from;
  const tar = local ?? path.join(out, `${task.name}.tar`);
  try {
    makeFolder(out);
    if (local !== undefined || existsSync(tar)) await checkLocal(tar, md5);
    else await fetchTar(options, from, tar, md5);
    await unpack(options, tar);
  } catch (error) {
    if (signal?.aborted) throw new Interrupted(`stopped; what was fetched is kept; to go on: ${goOn}`);
    throw error;
  }
  const dataset = openDataset(target);
  if (local === undefined && !keep) rmSync(tar, { force: true });
  return { dataset, fetched: true };
}

async function checkLocal(tar: string, md5: string): Promise<void> {
  const next = 'give another --from, or its own sum with --md5 if you trust it';
  if (!statSync(tar, { throwIfNoEntry: false })?.isFile())
    fail({
      where: tar,
      expected: 'a .tar file, or an address with http:// or https://',
      found: 'no such file',
      next,
    });
  const found = await md5Of(tar);
  if (found !== md5) fail({ where: tar, expected: `a file with MD5 ${md5}`, found, next });
}

async function fetchTar(
  { task, signal, progress }: GetData,
  from: string,
  tar: string,
  md5: string,
): Promise<void> {
  const url = from.endsWith('.tar') ? from : `${from.replace(/\/+$/, '')}/${task.name}.tar`;
  let bar: Progress | undefined;
  const onBytes = (done: number, all: number | undefined) => {
    // Without a known length the bar is always full.
    const [here, total] = [done, all ?? done].map((bytes) => Math.ceil(bytes / MEGABYTE));
    bar ??= progress?.(`${task.name}, MB`, total, Math.max(0, here - 1));
    bar?.update(here, {});
  };
  try {
    await download({ url, file: tar, md5, signal, onBytes, onRetry: (line) => bar?.say(line) });
  } finally {
    bar?.done();
  }
}

async function unpack({ task, out, signal, progress }: GetData, tar: string): Promise<void> {
  let bar: Progress | undefined;
  const onBytes = (done: number, all: number) => {
    bar ??= progress?.('unpack, MB', Math.ceil(all / MEGABYTE), 0);
    bar?.update(Math.ceil(done / MEGABYTE), {});
  };
  try {
    await unpackTask(tar, task.name, out, { signal, onBytes });
  } finally {
    bar?.done();
  }
}
