/** PyTorch in a virtual environment of its own, and its two programs as sides. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ScnasError } from '../src/engine/errors';
import { installedVenv, presentVenv, type Venv } from '../src/run/venv';
import { WORK } from './machine';

const TORCH = path.join(__dirname, 'torch');
const REQUIREMENTS = path.join(TORCH, 'requirements.txt');

/** The version that requirements.txt pins. */
export const pinnedTorch = (): string =>
  /^torch==(\S+)/m.exec(fs.readFileSync(REQUIREMENTS, 'utf8'))?.[1] ?? 'unknown';

const venv = (): Venv => ({
  folder: path.join(WORK, 'venv'),
  requirements: REQUIREMENTS,
  title: `PyTorch ${pinnedTorch()}`,
  otherwise: 'name a Python that has it with SCNAS_BENCH_PYTHON (environment.md, "Benchmark")',
});

/** A program of bench/torch. */
export const program = (name: 'side' | 'kernels' | 'check'): string => path.join(TORCH, `${name}.py`);

/** A Python that has the pinned PyTorch: SCNAS_BENCH_PYTHON, or .bench/venv once it is installed; undefined where there is none. */
export function presentPython(): string | undefined {
  const given = process.env.SCNAS_BENCH_PYTHON;
  if (given) return hasTorch(given) ? given : undefined;
  return presentVenv(venv());
}

/** Whether a Python has the pinned version, of any build. */
function hasTorch(python: string): boolean {
  const code = 'from importlib.metadata import version as v; print(v("torch").split("+")[0]); import numpy';
  const { status, stdout } = spawnSync(python, ['-c', code], { encoding: 'utf8' });
  return status === 0 && stdout.trim() === pinnedTorch();
}

/**
 * The Python with PyTorch; installs it into .bench/venv where it is not there yet.
 * @throws ScnasError with the command that failed
 */
export function pythonWithTorch(say: (line: string) => void): string {
  const given = process.env.SCNAS_BENCH_PYTHON;
  const present = presentPython();
  if (present) return present;
  if (given)
    throw new ScnasError(
      `SCNAS_BENCH_PYTHON: expected a Python with torch ${pinnedTorch()} and numpy, found ${given} without; ` +
        `run \`${given} -m pip install -r bench/torch/requirements.txt\`, or unset it`,
    );
  return installedVenv(venv(), say);
}
