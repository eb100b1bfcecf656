/**
 * Volumes and folders that are not nice, one row a case: each goes the whole way (listing, reading, preparing, patches, prediction,
 * score) as a careful reader would expect, or ends in one line that names the file, in bounded memory and time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PACKED_START } from '../../src/data/gunzip';
import { readNifti } from '../../src/data/nifti';
import { largestAllocation } from './allocations';
import { errorOf, freshFolder } from './folder';
import { goThrough, taskOf } from './hostile';
import { packed } from './hostile-bytes';
import { folderFails } from './hostile-folders';
import { imageFails, labelFails } from './hostile-images';
import { works } from './hostile-works';

/** No single allocation may be larger: 1032 × the 16 KiB of a packed file that are looked at. */
const MOST_BYTES = PACKED_START * 1032;
const MOST_SECONDS = 5;

/** Within the memory and the time that a row may take. */
function bounded(run: () => void): void {
  const began = performance.now();
  expect(largestAllocation(run)).toBeLessThanOrEqual(MOST_BYTES);
  expect((performance.now() - began) / 1000).toBeLessThan(MOST_SECONDS);
}

// TensorFlow is loaded and the kernels are warm before anything is timed.
beforeAll(() => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'scnas-test-'));
  goThrough(taskOf(root, {}));
  rmSync(root, { recursive: true });
});

describe('works as a careful reader would expect', () => {
  it.each(Object.entries(works))('%s', (_, [wrong, check]) => {
    const folder = taskOf(freshFolder(), wrong);
    bounded(() => check(goThrough(folder)));
  });
});

const named = (rows: typeof imageFails, file: string) =>
  Object.entries(rows).map(([name, [wrong, found, where = file]]) => ({ name, wrong, found, where }));

describe('is one line that names the file, what was expected, what was found and what to do', () => {
  it.each([
    ...named(imageFails, 'imagesTr'),
    ...named(labelFails, 'labelsTr'),
    ...named(folderFails, 'dataset.json'),
  ])('$name', ({ wrong, found, where }) => {
    const folder = taskOf(freshFolder(), wrong);
    bounded(() => {
      const message = errorOf(() => goThrough(folder));
      expect(message).toContain(found);
      expect(message).toMatch(/^.+: expected .+, found .+; .+$/);
      expect(message.slice(0, message.indexOf(': expected'))).toContain(where);
    });
  });

  it('a stream cut after any of its bytes', () => {
    const whole = packed();
    const file = path.join(freshFolder(), 'a.nii.gz');
    for (let length = 0; length < whole.length; length++) {
      writeFileSync(file, whole.subarray(0, length));
      expect(
        errorOf(() => readNifti(file)),
        `${length} bytes`,
      ).toContain(file);
    }
  });
});
