/** `npm test`: set-up, lint, types, then the tests; arguments choose tests (`npm test -- test/data`). The last line counts them all. */
import path from 'node:path';
import { foreground } from './child.mjs';
import { ROOT, say, script } from './common.mjs';
import { setUp } from './steps.mjs';

const packages = path.join(ROOT, 'node_modules');
const CHECKS = [
  [
    'lint and format',
    path.join(packages, '@biomejs', 'biome', 'bin', 'biome'),
    ['check', '--error-on-warnings', '.'],
  ],
  ['types', path.join(packages, 'typescript', 'bin', 'tsc'), ['-p', '.']],
];

script(async (args) => {
  await setUp();
  const counts = { passed: 0, failed: 0 };
  for (const [name, file, options] of CHECKS) {
    const begin = Date.now();
    const code = await foreground(process.execPath, [file, ...options]);
    counts[code === 0 ? 'passed' : 'failed'] += 1;
    say(`${name}: ${code === 0 ? 'no complaint' : 'FAILED'}, ${((Date.now() - begin) / 1000).toFixed(1)} s`);
  }
  const vitest = path.join(packages, 'vitest', 'vitest.mjs');
  const env = { SCNAS_CHECKS: JSON.stringify(counts) };
  const code = await foreground(process.execPath, [vitest, 'run', ...args], { env });
  return code || (counts.failed > 0 ? 1 : 0);
});
