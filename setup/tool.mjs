/** Runs npm, pip or the compiler for a step: output into a log, signs of life while it lasts, its last lines when it fails. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT, SetupError, STATE, say, textOf } from './common.mjs';

const HINTS = [
  [/ENOSPC|No space left/i, 'The disk is full: set-up needs about 4 GB here.'],
  [
    /CERT|certificate|SSL/,
    'A certificate was refused: behind an inspecting proxy, set NODE_EXTRA_CA_CERTS and PIP_CERT (environment.md, "Offline and proxy").',
  ],
  [
    /No matching distribution found for tensorflow/i,
    'TensorFlow has no wheel for this Python or system: it needs glibc Linux (x86_64, arm64) or macOS (arm64) and Python 3.10 to 3.13; choose one with SCNAS_PYTHON=python3.12.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ENOTCACHED|Temporary failure|Max retries|NewConnectionError|ConnectTimeout|ReadTimeout|No matching distribution|Could not find a version|\b407\b|\b40[13]\b/,
    'The package registry was not reached. Check the network, or set a proxy or mirror (environment.md, "Offline and proxy"), and run this again: finished steps are kept.',
  ],
  [/EACCES|EPERM|Permission denied/, 'A file could not be written: own this folder, and run this again.'],
  [/Killed|out of memory|cannot allocate/i, 'Memory ran out: close other programs and run this again.'],
  [
    /can only install packages when your package.json and package-lock.json/,
    'Run `npm install --ignore-scripts` once.',
  ],
];

/**
 * Runs `command args` in the repository; resolves when it exits with 0.
 * @param step `{ name, title, noteChild }`: names the log .setup/NAME.log, the message and the lock's record.
 * @throws SetupError with the last lines of the output and a next step.
 */
export async function tool(step, command, args, { env = {}, append = false } = {}) {
  fs.mkdirSync(STATE, { recursive: true });
  const log = path.join(STATE, `${step.name}.log`);
  const output = fs.openSync(log, append ? 'a' : 'w');
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  fs.closeSync(output);
  if (child.pid) step.noteChild?.({ pid: child.pid, word: path.basename(command) });
  const alive = signsOfLife(step.title);
  const stop = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  try {
    const { code, signal } = await new Promise((done, failed) => {
      child.on('error', failed);
      child.on('exit', (code, signal) => done({ code, signal }));
    });
    if (code !== 0) throw new SetupError(failure(step.title, signal ?? `exit code ${code}`, log));
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`${step.title}: ${command} could not be started (${error.code ?? error.message})`);
  } finally {
    alive.end();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stop);
  }
}

/** What failed, the end of the log and what to do next. */
export function failure(title, how, log) {
  const text = textOf(log);
  const last = text.trimEnd().split('\n').slice(-15).join('\n');
  const hint = ['SIGINT', 'SIGTERM', 'SIGHUP'].includes(how)
    ? 'It was stopped: run the same command again, finished steps are kept.'
    : (HINTS.find(([pattern]) => pattern.test(text))?.[1] ??
      'Mend that and run this again: finished steps are kept.');
  return `${title} failed (${how}). The end of ${path.relative(ROOT, log)}:\n\n${last}\n\n${hint}`;
}

/** A running clock on a terminal; elsewhere a line at the start of each half minute. */
function signsOfLife(title) {
  const begin = Date.now();
  const seconds = () => Math.round((Date.now() - begin) / 1000);
  const terminal = process.stdout.isTTY;
  const timer = setInterval(
    () => (terminal ? process.stdout.write(`\r${title} … ${seconds()} s`) : say(`${title} … ${seconds()} s`)),
    terminal ? 500 : 30_000,
  );
  return {
    end() {
      clearInterval(timer);
      if (terminal) process.stdout.write('\r\x1b[K');
    },
  };
}
