/** `npm run lab`: set-up, then JupyterLab on this machine only, behind a token, in notebooks/. Arguments after `--` go to it. */
import fs from 'node:fs';
import path from 'node:path';
import { foreground } from './child.mjs';
import { ROOT, script, VENV } from './common.mjs';
import { setUp } from './steps.mjs';

script(async (args) => {
  await setUp();
  const notebooks = path.join(ROOT, 'notebooks');
  fs.mkdirSync(notebooks, { recursive: true });
  const headless = process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY;
  return foreground(path.join(VENV, 'bin', 'python'), [
    ...['-m', 'jupyterlab', '--ip=127.0.0.1', `--ServerApp.root_dir=${ROOT}`],
    `--FileContentsManager.preferred_dir=${notebooks}`,
    ...(process.getuid?.() === 0 ? ['--allow-root'] : []),
    ...(headless ? ['--no-browser'] : []),
    ...args,
  ]);
});
