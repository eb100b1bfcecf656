/** Links that npm ci removes, and the notebook kernel: written when they differ, so they need no key. */
import fs from 'node:fs';
import path from 'node:path';
import { ROOT, textOf, VENV, writeWhole } from './common.mjs';

const MODULES = path.join(ROOT, 'node_modules');
const LINKS = [
  [path.join(MODULES, 'scnas'), '..'],
  [path.join(MODULES, '.bin', 'scnas'), '../scnas/src/run/bin.js'],
];

/** `require('scnas')` and `npx scnas` inside this folder mean this folder. */
export const selfLink = {
  name: 'link',
  title: 'scnas link',
  missing: () => LINKS.find(([file, target]) => linkOf(file) !== target)?.[0],
  async run() {
    for (const [file, target] of LINKS) {
      if (linkOf(file) === target) continue;
      const partial = `${file}.partial-${process.pid}`;
      fs.rmSync(file, { recursive: true, force: true });
      fs.rmSync(partial, { force: true });
      fs.symlinkSync(target, partial);
      fs.renameSync(partial, file);
    }
  },
};

function linkOf(file) {
  try {
    return fs.readlinkSync(file);
  } catch {
    return undefined;
  }
}

const KERNEL = path.join(VENV, 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json');

/** The TypeScript kernel for every JupyterLab that runs from .venv: absolute paths, so that PATH does not matter. */
export const notebookKernel = {
  name: 'kernel',
  title: 'notebook kernel',
  missing: () => [KERNEL].find((file) => textOf(file) !== kernelSpec()),
  async run() {
    writeWhole(KERNEL, kernelSpec());
  },
};

function kernelSpec() {
  const tslab = path.join(MODULES, 'tslab', 'bin', 'tslab');
  const spec = {
    argv: [process.execPath, tslab, 'kernel', '--config-path', '{connection_file}'],
    display_name: 'TypeScript (scnas)',
    language: 'typescript',
    env: { TF_CPP_MIN_LOG_LEVEL: '3' },
  };
  return `${JSON.stringify(spec, null, 1)}\n`;
}
