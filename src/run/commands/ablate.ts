/** `scnas ablate`: search with every schedule of τ, or with every reading switched alone; a table of what came out. */
import path from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import type { Over, Variant } from '../ablation';
import { plannedBy, print, wholeNumber, withHooks } from './common';
import { commonWords, type ManyOptions, say, seedsFrom, withManyRuns } from './many';

interface AblateCommand extends ManyOptions {
  readonly over: string;
  readonly out: string;
  readonly summary?: string;
  readonly publish?: string;
}

const EXAMPLES = `
Examples:
  scnas ablate --over tau --task Task04_Hippocampus --fold 0 --jobs 2
  scnas ablate --over readings --task Task04_Hippocampus --only "samples=top two" --seeds 0
  scnas ablate --over readings --summary runs/ablation
  scnas ablate --over tau --publish results/ablation-tau
The runs are OUT/VARIANT/seedK, our own choice OUT/default; the same command again goes on where it stopped.
--config is ablation unless told otherwise. Scores are of an inner split of the fold's training part.`;

export function addAblate(program: Command): void {
  withManyRuns(program.command('ablate'), '0,1,2', path.join('runs', 'ablation'))
    .description(
      'search, derive, retrain and evaluate with each schedule of τ, or with each reading of the paper switched alone',
    )
    .requiredOption('--over <what>', 'tau or readings')
    .option('--summary <dir>', 'run nothing: print the table of a folder, of runs or of records')
    .option('--publish <dir>', 'run nothing: copy what is finished in --out there, with the table as a page')
    .addHelpText('after', EXAMPLES)
    .action(async (options: AblateCommand) => {
      const { ablations, variantsNamed } = await import('../ablation');
      const over = options.over as Over;
      if (!Object.hasOwn(ablations, over))
        fail({
          where: '--over',
          expected: `one of ${Object.keys(ablations).join(', ')}`,
          found: options.over,
          next: 'choose one',
        });
      const { out, publish, summary } = options;
      if (publish) {
        const { publishAblation } = await import('../ablation-publish');
        const { added, file } = publishAblation(over, out, publish);
        say(`${added} run${added === 1 ? '' : 's'} added, the table is in ${file}`);
      } else if (!summary) await run(options, variantsNamed(over, options.only));
      const { ablationRecords, ablationTable, ablationTitles } = await import('../../notebook/ablation');
      const { toText } = await import('../../notebook/text');
      const rows = ablationRecords(over, summary ?? publish ?? out);
      const table = ablationTable(rows, ablationTitles[over]);
      print(options.json, { over, rows }, [toText(table), table.caption]);
    });
}

async function run({ jobs: atOnce, ...options }: AblateCommand, variants: readonly Variant[]): Promise<void> {
  const { ablationJobs } = await import('../ablation');
  const { runJobs } = await import('../jobs');
  const { openData } = await import('../look');
  const { loadOperations } = await import('../operations');
  const seeds = seedsFrom(options.seeds);
  const count = wholeNumber(atOnce, '--jobs');
  const planned = await plannedBy({ config: 'ablation', ...options, inner: true });
  const dataset = openData(options.data, options.task);
  const { operations } = loadOperations(null);
  await withHooks('the same command', (hooks) => {
    const work = { dir: options.out, planned, dataset, operations, hooks };
    const words = commonWords('ablate', { ...options, jobs: '1' }, { over: options.over });
    const jobs = ablationJobs(work, variants, seeds, words);
    return runJobs(jobs, { atOnce: count, signal: hooks.signal, say });
  });
}
