/** A folder that a test may fill, and what its errors look like. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { ScnasError } from '../../src/engine/errors';

/** A fresh folder, removed when the test ends. */
export function freshFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'scnas-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The one line of the ScnasError that `run` throws; anything else is the test's failure. */
export function errorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ScnasError && !error.message.includes('\n')) return error.message;
    throw error;
  }
  throw new Error('expected a ScnasError, but nothing was thrown');
}
