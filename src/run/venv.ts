/** Python packages that only one part of the project needs: a virtual environment of their own, made when it is first needed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';

/** A virtual environment and what is in it. */
export interface Venv {
  readonly folder: string;
  /** A file for pip. */
  readonly requirements: string;
  /** What it is called. */
  readonly title: string;
  /** What else to do where it cannot be made. */
  readonly otherwise: string;
}

const ROOT = path.join(__dirname, '..', '..');
/** Holds the requirements that were installed; written last. */
const stampOf = ({ folder }: Venv) => path.join(folder, 'installed.txt');
const pythonOf = ({ folder }: Venv) => path.join(folder, 'bin', 'python');

/** Its Python, or undefined where it is not there, or not as the requirements have it now. */
export function presentVenv(venv: Venv): string | undefined {
  const stamp = stampOf(venv);
  const same =
    fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === fs.readFileSync(venv.requirements, 'utf8');
  return same ? pythonOf(venv) : undefined;
}

/**
 * Its Python; installs it where it is not there yet.
 * Errors: a ScnasError with the command that failed.
 */
export function installedVenv(venv: Venv, say: (line: string) => void): string {
  const present = presentVenv(venv);
  if (present) return present;
  const python = pythonOf(venv);
  const commands: [string, string[]][] = [
    [process.env.SCNAS_PYTHON || 'python3', ['-m', 'venv', '--clear', venv.folder]],
    [
      python,
      [
        '-m',
        'pip',
        'install',
        '--disable-pip-version-check',
        '--no-input',
        '--progress-bar',
        'off',
        '-r',
        venv.requirements,
      ],
    ],
  ];
  say(`installing ${venv.title} into ${path.relative(ROOT, venv.folder)}, once`);
  for (const [command, args] of commands) {
    try {
      execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
    } catch (error) {
      const { stderr = '' } = error as { stderr?: string };
      fail({
        where: venv.title,
        expected: 'it to install',
        found: `that this failed:\n  ${[command, ...args].join(' ')}\n${stderr.trim().split('\n').slice(-6).join('\n')}\n`,
        next: `run that command once the network or the mirror is there, or ${venv.otherwise}`,
      });
    }
  }
  fs.writeFileSync(stampOf(venv), fs.readFileSync(venv.requirements, 'utf8'));
  return python;
}
