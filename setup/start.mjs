/** `npm start`: set-up, then the main job: search, derive, retrain, evaluate. Arguments after `--` go to it. */
import path from 'node:path';
import { foreground } from './child.mjs';
import { ROOT, script } from './common.mjs';
import { setUp } from './steps.mjs';

script(async (args) => {
  await setUp();
  return foreground(process.execPath, [path.join(ROOT, 'src', 'run', 'bin.js'), 'start', ...args]);
});
