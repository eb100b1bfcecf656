/**
 * Rewrites setup/constraints-3.X.txt: all packages that the requirements bring, at the versions that pip chooses today.
 * `node setup/pin.mjs python3.10 python3.11 …`; for the maintainers, after a change to setup/requirements*.txt.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const here = import.meta.dirname;

for (const python of process.argv.slice(2)) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-pin-'));
  try {
    execFileSync(python, ['-m', 'venv', folder], { stdio: 'inherit' });
    const report = path.join(folder, 'report.json');
    const files = ['requirements.txt', 'requirements-cpu.txt'].flatMap((name) => [
      '-r',
      path.join(here, name),
    ]);
    execFileSync(
      path.join(folder, 'bin', 'python'),
      ['-m', 'pip', 'install', '--quiet', '--ignore-installed', '--dry-run', '--report', report, ...files],
      { stdio: 'inherit' },
    );
    const { environment, install } = JSON.parse(fs.readFileSync(report, 'utf8'));
    const pins = install.map(
      ({ metadata }) => `${metadata.name.toLowerCase().replaceAll('_', '-')}==${metadata.version}`,
    );
    const version = environment.python_version;
    const head = `# Made by setup/pin.mjs on Python ${version}, ${environment.platform_system} ${environment.platform_machine}.`;
    fs.writeFileSync(path.join(here, `constraints-${version}.txt`), `${[head, ...pins.sort()].join('\n')}\n`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
