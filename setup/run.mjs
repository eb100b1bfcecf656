/** `node setup/run.mjs FILE.ts …`: set-up, then that TypeScript file. */
import path from 'node:path';
import { foreground } from './child.mjs';
import { ROOT, SetupError, script } from './common.mjs';
import { setUp } from './steps.mjs';

script(async ([file, ...args]) => {
  if (!file) throw new SetupError('node setup/run.mjs FILE.ts: a TypeScript file was expected');
  await setUp();
  return foreground(process.execPath, ['--require', path.join(ROOT, 'src', 'register.js'), file, ...args]);
});
