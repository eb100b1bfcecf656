/**
 * One side of the comparison: a process that lives for one case, answers JSON lines, and does nothing until it is asked.
 * So only one side computes at a time, and its peak memory is that of the case alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { fail, ScnasError } from '../src/engine/errors';

/** A process that answers. */
export interface Side {
  readonly name: string;
  /** The process's answer to a request; throws where it fails, ends, or takes longer than `seconds`. */
  ask<Answer>(request: Readonly<Record<string, unknown>>, seconds?: number): Promise<Answer>;
  /** Resident memory now and at its highest, bytes; undefined where the system does not tell. */
  memory(): { readonly now: number; readonly peak: number } | undefined;
  close(): Promise<void>;
}

/** How to start one. */
export interface Start {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What is kept of a side's stderr for an error's message, characters. */
const KEPT = 4000;

/** Starts a side. It is not yet known to be well: the first answer tells. */
export function startSide({ name, command, args, env = {} }: Start): Side {
  const child = spawn(command, [...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said = (said + text).slice(-KEPT);
  });
  // a side that ended is noticed by its exit, not by the pipe
  child.stdin.on('error', () => {});
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  let ended: string | undefined;
  const end = (how: string) => {
    ended ??= how;
    for (const { reject } of waiting.splice(0)) reject(failure(name, ended, said));
  };
  child.on('error', (error) => end(error.message));
  child.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(line));

  return {
    name,
    async ask<Answer>(request: Readonly<Record<string, unknown>>, seconds?: number) {
      if (ended !== undefined) throw failure(name, ended, said);
      const answer = new Promise<string>((resolve, reject) => waiting.push({ resolve, reject }));
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const timer =
        seconds === undefined
          ? undefined
          : setTimeout(() => {
              end(`no answer within ${Math.round(seconds)} s`);
              child.kill('SIGKILL');
            }, seconds * 1000);
      try {
        return parsed<Answer>(name, await answer);
      } finally {
        clearTimeout(timer);
      }
    },
    memory: () => memoryOf(child),
    close: () =>
      new Promise((resolve) => {
        if (ended !== undefined) return resolve();
        const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
        child.on('exit', () => {
          clearTimeout(timer);
          resolve();
        });
        child.stdin.end();
      }),
  };
}

function parsed<Answer>(name: string, line: string): Answer {
  try {
    return JSON.parse(line) as Answer;
  } catch {
    return fail({
      where: name,
      expected: 'a line of JSON',
      found: line.slice(0, 200),
      next: 'see bench/side.ts',
    });
  }
}

function failure(name: string, how: string, said: string): ScnasError {
  const last = said.trim().split('\n').slice(-6).join('\n');
  return new ScnasError(`${name}: expected an answer, found ${how}${last && `; it said:\n${last}`}`);
}

/** VmRSS and VmHWM of a process, on Linux. */
function memoryOf({ pid }: ChildProcess): { now: number; peak: number } | undefined {
  const file = `/proc/${pid}/status`;
  if (!fs.existsSync(file)) return undefined;
  const text = fs.readFileSync(file, 'utf8');
  const bytes = (field: string) => 1024 * Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(text)?.[1]);
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}
