import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { totalsReporter } from './setup/totals.mjs';

/** One file at a time in a process of its own: TensorFlow uses every core, and tests that share two cores fight. */
export default defineConfig({
  resolve: { alias: { scnas: fileURLToPath(new URL('./src/index.ts', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    env: { TF_CPP_MIN_LOG_LEVEL: '3' },
    reporters: ['default', totalsReporter()],
  },
});
