/** Runs what comes after set-up in the foreground. */
import { spawn } from 'node:child_process';
import { ROOT } from './common.mjs';

/**
 * Runs `command args` on this terminal and resolves to its exit code.
 * Ctrl-C reaches it from the terminal itself, so it is not passed on a second time; this process waits for it to end.
 */
export function foreground(command, args, { env = {}, cwd = ROOT } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
  const ignore = () => {};
  const pass = (signal) => child.kill(signal);
  process.on('SIGINT', ignore);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, pass);
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('exit', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}
