/**
 * nifti-reader-js, loaded by path: it is an ES module that exports only an `import` condition, and `src` is CommonJS.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type * as Library from 'nifti-reader-js';

const local = createRequire(__filename);
const folders = local.resolve.paths('nifti-reader-js') ?? [];
const folder = folders.find((candidate) => existsSync(path.join(candidate, 'nifti-reader-js'))) ?? '';

export const nifti: typeof Library = local(path.join(folder, 'nifti-reader-js', 'dist', 'nifti.js'));
export type NiftiHeader = Library.NIFTI1 | Library.NIFTI2;
