/** `npm run bench -- --check`: logits, loss and every gradient against PyTorch in float64, on small networks. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ScnasError } from '../src/engine/errors';
import { inWords } from './cases';
import { type Setting, write } from './export';
import { program } from './python';

/** Both phases, batches of one and two, sides that do not halve evenly, node widths that no vector divides. */
export const checked: readonly Setting[] = [
  { phase: 'search', stem: 8, batch: 2, patch: [24, 32, 24], inputs: 1, classes: 3 },
  { phase: 'derived', stem: 8, batch: 2, patch: [24, 32, 24], inputs: 1, classes: 3 },
  { phase: 'search', stem: 24, batch: 1, patch: [24, 24, 24], inputs: 2, classes: 4 },
  { phase: 'derived', stem: 20, batch: 1, patch: [24, 24, 24], inputs: 2, classes: 4 },
];

/**
 * Compares each setting; prints a line a quantity.
 * @throws ScnasError where one is further off than its bound
 */
export function check(python: string, settings: readonly Setting[] = checked): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-check-'));
  // nothing is timed, so threads that wait need not spin
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive' };
  try {
    const failed = settings.filter((setting) => {
      write(folder, setting);
      process.stdout.write(`${setting.phase}, ${inWords(setting)}\n`);
      const { status } = spawnSync(python, [program('check'), folder], { stdio: 'inherit', env });
      return status !== 0;
    });
    if (failed.length > 0)
      throw new ScnasError(
        `${failed.length} of ${settings.length} networks differ from PyTorch's, see above`,
      );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
