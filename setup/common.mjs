/** What every step of the set-up uses. Node built-ins only, and nothing newer than Node 16, so that an old Node still gets its message. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(fileURLToPath(new URL('..', import.meta.url)));
export const STATE = path.join(ROOT, '.setup');
export const VENV = path.join(ROOT, '.venv');

/** A failure that the user can act on: its message is all that is printed. */
export class SetupError extends Error {}

export const hash = (...parts) =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);

/** A file's text, or '' if there is none. */
export function textOf(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Writes a file beside its place and renames it, so that a half-written one is never seen. */
export function writeWhole(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const partial = `${file}.partial-${process.pid}`;
  fs.writeFileSync(partial, text);
  fs.renameSync(partial, file);
}

/** The first executable of that name on PATH (or the path itself), or undefined. */
export function which(name) {
  const folders = name.includes('/') ? [''] : (process.env.PATH ?? '').split(path.delimiter).filter(Boolean);
  for (const folder of folders) {
    const file = folder === '' ? path.resolve(name) : path.join(folder, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** The folder of the TensorFlow that pip installed into .venv, or undefined. */
export function tensorflowFolder() {
  const lib = path.join(VENV, 'lib');
  if (!fs.existsSync(lib)) return undefined;
  return fs
    .readdirSync(lib)
    .map((python) => path.join(lib, python, 'site-packages', 'tensorflow'))
    .find((folder) => fs.existsSync(path.join(folder, 'include', 'tensorflow', 'c', 'c_api.h')));
}

export const say = (line) => process.stdout.write(`${line}\n`);

/** Runs a script's main function: prints a {@link SetupError} plainly and ends with its exit code. */
export async function script(main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ?? 0;
  } catch (error) {
    process.stderr.write(`${error instanceof SetupError ? `\n${error.message}` : error.stack}\n`);
    process.exitCode = 1;
  }
}
