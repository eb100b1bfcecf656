/** A process of its own for the test of memory: prepares a data set's cases in threads, draws batches, prints its peak in bytes. */
import fs from 'node:fs';
import { openDataset } from '../../src/data/msd';
import { drawBatch } from '../../src/data/patches';
import { key } from '../../src/engine/keys';
import { runCases } from '../../src/run/cases';
import { resolveConfig } from '../../src/run/config';

async function main(root: string): Promise<void> {
  const dataset = openDataset(root);
  const { modalities, classes, hash: dataHash, name: task } = dataset;
  const patch = [32, 32, 32] as const;
  const plan = { data: root, task, dataHash, inputs: modalities.length, classes, patch };
  const config = resolveConfig({ plan, given: { spacing: [0.9, 0.9, 0.9] } });
  const ids = dataset.cases.map(({ id }) => id);
  const prepared = await runCases(config, dataset, ids, { threads: 1 });
  const options = { batch: 2, patch, foreground: 0.33, mirror: true };
  for (let step = 0; step < 60; step++) drawBatch(prepared, options, key(1, step));
  const bytes = prepared.reduce((sum, { file }) => sum + fs.statSync(file).size, 0);
  process.stdout.write(JSON.stringify({ peak: process.resourceUsage().maxRSS * 1024, bytes }));
}

main(process.argv[2]);
