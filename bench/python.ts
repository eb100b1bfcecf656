/** PyTorch in a virtual environment of its own, and its two programs as sides. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ScnasError } from '../src/engine/errors';
import { WORK } from './machine';

const TORCH = path.join(__dirname, 'torch');
const REQUIREMENTS = path.join(TORCH, 'requirements.txt');
const VENV = path.join(WORK, 'venv');
/** Holds the requirements that were installed; written last. */
const STAMP = path.join(VENV, 'installed.txt');

/** The version that requirements.txt pins. */
export const pinnedTorch = (): string =>
  /^torch==(\S+)/m.exec(fs.readFileSync(REQUIREMENTS, 'utf8'))?.[1] ?? 'unknown';

/** A program of bench/torch. */
export const program = (name: 'side' | 'kernels' | 'check'): string => path.join(TORCH, `${name}.py`);

/** A Python that has the pinned PyTorch: SCNAS_BENCH_PYTHON, or .bench/venv once it is installed; undefined where there is none. */
export function presentPython(): string | undefined {
  const given = process.env.SCNAS_BENCH_PYTHON;
  if (given) return hasTorch(given) ? given : undefined;
  const installed =
    fs.existsSync(STAMP) && fs.readFileSync(STAMP, 'utf8') === fs.readFileSync(REQUIREMENTS, 'utf8');
  return installed ? path.join(VENV, 'bin', 'python') : undefined;
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
  const python = path.join(VENV, 'bin', 'python');
  const commands: [string, string[]][] = [
    [process.env.SCNAS_PYTHON || 'python3', ['-m', 'venv', '--clear', VENV]],
    [python, ['-m', 'pip', 'install', '--no-input', '--progress-bar', 'off', '-r', REQUIREMENTS]],
  ];
  say(`installing PyTorch ${pinnedTorch()} into .bench/venv, once`);
  for (const [command, args] of commands) {
    try {
      execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string };
      const last = stderr.trim().split('\n').slice(-6).join('\n');
      throw new ScnasError(
        `PyTorch ${pinnedTorch()}: expected it to install, found that this failed:\n  ${[command, ...args].join(' ')}\n${last}\n` +
          'run that command once the network or the mirror is there (environment.md, "Benchmark"), or name a Python that has it with SCNAS_BENCH_PYTHON',
      );
    }
  }
  fs.writeFileSync(STAMP, fs.readFileSync(REQUIREMENTS, 'utf8'));
  return python;
}
