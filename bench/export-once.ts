/** Writes a case's files when it is asked: `bench/export-once.ts FOLDER SETTING`. */
import { createInterface } from 'node:readline';
import { type Setting, write } from './export';

createInterface({ input: process.stdin }).once('line', () => {
  write(process.argv[2], JSON.parse(process.argv[3]) as Setting, false);
  process.stdout.write('true\n');
});
