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

  it.each([0, 3])('names every job of fold %i, and of no other fold', (fold) => {
    const words = fold === 0 ? [] : ['--config', `fold=${fold}`];
    const file = path.join(__dirname, '../../workflow/task04.smk');
    const text = execFileSync(
      python,
      [
        '-m',
        'snakemake',
        '--snakefile',
        file,
        '--directory',
        folder,
        '--cores',
        '1',
        '--dry-run',
        '--printshellcmds',
        ...words,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, SCNAS_DATA: folder } },
    );
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
    const folds = [...text.matchAll(/--task Task04_Hippocampus .*?--fold (\w+)/g)].map(([, of]) => of);
    expect(new Set(folds)).toEqual(new Set([String(fold)]));
    // Only cells that were searched go to the runs with given cells.
    const given = [...text.matchAll(/--method (\w+) --genotype (\S+)\/genotype\.json/g)].map(([, ...of]) =>
      of.join(),
    );
    expect(new Set(given)).toEqual(new Set(['scnas,inner/search', 'transfer,brain']));
  });
});
