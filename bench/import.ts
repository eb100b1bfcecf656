/**
 * How long `import 'scnas'` takes, from the start of a fresh process to the result of its first convolution.
 *
 *     node setup/run.mjs bench/import.ts [REPEATS]
 *
 * Prints JSON: seconds of the first process after the transpiled files were removed, and of each that follows.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const root = path.join(__dirname, '..');
const repeats = Number(process.argv[2] ?? 5);
const program = `
  const { kernels, tf } = require(${JSON.stringify(root)});
  const imported = process.uptime();
  const step = { stride: 1, dilation: 1 };
  kernels().conv3d(tf.ones([1, 16, 16, 16, 4]), tf.ones([3, 3, 3, 4, 4]), step).dataSync();
  console.log(JSON.stringify({ imported, convolution: process.uptime() }));`;

/** Seconds since the process began: when the package was there, when the convolution was done. */
function measure(): { imported: number; convolution: number } {
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

fs.rmSync(path.join(root, 'build', 'transpiled'), { recursive: true, force: true });
const first = measure();
const later = Array.from({ length: repeats }, measure);
const seconds = later.map((run) => run.convolution).sort((a, b) => a - b);
const median = seconds[seconds.length >> 1];
console.log(JSON.stringify({ node: process.version, first, median, least: seconds[0], later }, null, 1));
