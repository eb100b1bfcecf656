/** The equal budgets on real Task04 as a workflow: its jobs, by Snakemake's own dry run; no volume is read. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snakemakePython } from '../../src/run/workflow';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-task04-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('workflow/task04.smk', { timeout: 120_000 }, () => {
  let python: string;
  beforeAll(() => {
    python = snakemakePython(() => {});
  }, 600_000);

  /** What a dry run of a fold prints. */
  const dryRun = (fold: number) => {
    const words = fold === 0 ? [] : ['--config', `fold=${fold}`];
    const file = path.join(__dirname, '../../workflow/task04.smk');
    const place = ['--snakefile', file, '--directory', folder, '--cores', '1'];
    return execFileSync(
      python,
      ['-m', 'snakemake', ...place, '--dry-run', '--printshellcmds', '--rerun-triggers', 'mtime', ...words],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SCNAS_DATA: folder } },
    );
  };
  const foldsIn = (text: string) =>
    new Set([...text.matchAll(/--task Task04_Hippocampus .*?--fold (\w+)/g)].map(([, fold]) => fold));

  it.each([0, 3])('names every job of fold %i, and of no other fold', (fold) => {
    const text = dryRun(fold);
    const jobs = Object.fromEntries(
      [...text.matchAll(/^(\w+) +(\d+)$/gm)].map(([, rule, count]) => [rule, Number(count)]),
    );
    // Five methods, three rates each; two seeds of SCNAS and of random cells.
    expect(jobs).toEqual({
      all: 1,
      choose: 5,
      final: 7,
      search_brain: 1,
      search_fold: 2,
      search_inner: 1,
      try_rate: 15,
      total: 32,
    });
    expect(foldsIn(text)).toEqual(new Set([String(fold)]));
  });

  it('tries found cells at the width that brings them to the common cost, once they are found', () => {
    const found = { 'fold0/inner/search': 'scnas-seed0', brain: 'transfer-seed0' };
    for (const [search, run] of Object.entries(found)) {
      const from = path.join(__dirname, '../../results/task04', run, 'genotype.json');
      fs.mkdirSync(path.join(folder, search), { recursive: true });
      fs.copyFileSync(from, path.join(folder, search, 'genotype.json'));
      fs.mkdirSync(path.join(folder, 'done', path.dirname(search)), { recursive: true });
      fs.writeFileSync(path.join(folder, 'done', search), '');
    }
    const given = dryRun(0).matchAll(
      /--inner --method (\w+) (--genotype \S+ --set \S+) --set retrain.steps=1000/g,
    );
    // The widths of the records.
    expect(new Set([...given].map(([, method, words]) => `${method} ${words}`))).toEqual(
      new Set([
        'scnas --genotype fold0/inner/search/genotype.json --set retrain.stem=20',
        'transfer --genotype brain/genotype.json --set retrain.stem=16',
      ]),
    );
  });
});
