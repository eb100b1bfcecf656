/** The packages: npm's from the lock file with scripts off, Python's into .venv at pinned versions. */
import fs from 'node:fs';
import path from 'node:path';
import { hash, ROOT, tensorflowFolder, textOf, VENV, which } from './common.mjs';
import { tool } from './tool.mjs';

const HERE = path.join(ROOT, 'setup');

/** npm packages. npm writes node_modules/.package-lock.json last: it lists what was installed. */
export const npmPackages = {
  name: 'npm',
  title: 'npm packages',
  key: ({ node }) =>
    hash(
      node,
      process.platform,
      process.arch,
      textOf(path.join(ROOT, 'package-lock.json')),
      textOf(path.join(ROOT, '.npmrc')),
    ),
  missing() {
    const listed = path.join(ROOT, 'node_modules', '.package-lock.json');
    if (!fs.existsSync(listed)) return listed;
    return Object.keys(JSON.parse(textOf(listed)).packages)
      .map((folder) => path.join(ROOT, folder, 'package.json'))
      .find((file) => !fs.existsSync(file));
  },
  async run(step) {
    const cli = process.env.npm_execpath?.endsWith('.js') ? process.env.npm_execpath : undefined;
    const args = ['ci', '--ignore-scripts', '--include=dev', '--prefer-offline', '--no-audit', '--no-fund'];
    if (cli) await tool(step, process.execPath, [cli, ...args]);
    else await tool(step, which('npm') ?? 'npm', args);
  },
};

/** Python packages: a .venv made anew (pip keeps its downloads), pinned by the constraints of this Python's version. */
export const pythonPackages = {
  name: 'python',
  title: 'Python packages',
  key: ({ python, gpu }) => hash(ROOT, python, requirements(python, gpu).map(textOf)),
  missing() {
    if (!tensorflowFolder()) return path.join(VENV, 'lib', 'python3', 'site-packages', 'tensorflow');
    return ['python', 'jupyter-lab', 'jupyter-nbconvert']
      .map((name) => path.join(VENV, 'bin', name))
      .find((file) => !fs.existsSync(file));
  },
  async run(step, { python, gpu }) {
    fs.rmSync(VENV, { recursive: true, force: true });
    await tool(step, python.file, ['-m', 'venv', VENV]);
    const [constraints, ...files] = requirements(python, gpu);
    const flags = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off', '--no-compile'];
    const list = files.flatMap((file) => ['-r', file]);
    await tool(
      step,
      path.join(VENV, 'bin', 'python'),
      ['-m', 'pip', 'install', ...flags, '-c', constraints, ...list],
      { append: true, env: { PYTHONNOUSERSITE: '1' } },
    );
  },
};

function requirements(python, gpu) {
  const minor = python.version.split('.').slice(0, 2).join('.');
  return [
    `constraints-${minor}.txt`,
    'requirements.txt',
    gpu ? 'requirements-gpu.txt' : 'requirements-cpu.txt',
  ].map((name) => path.join(HERE, name));
}
