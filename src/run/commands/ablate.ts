/** `scnas ablate`: search with every schedule of τ, or with every reading switched alone; a table of what came out. */
import path from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import type { AblationRow } from '../../notebook/ablation';
import type { Over, Variant } from '../ablation';
import { plannedBy, print, wholeNumber, withHooks } from './common';
import { commonWords, type ManyOptions, say, seedsFrom, withManyRuns } from './many';

interface AblateCommand extends ManyOptions {
  readonly over?: string;
  readonly out: string;
  readonly summary?: string;
  readonly publish?: string;
}

const EXAMPLES = `
Examples:
  scnas ablate --over tau --task Task04_Hippocampus --fold 0 --jobs 2
  scnas ablate --over readings --task Task04_Hippocampus --only "samples=top two" --seeds 0
  scnas ablate --summary runs/ablation
  scnas ablate --over tau --publish results/ablation-tau
The runs are OUT/VARIANT/seedK, our own choice OUT/default; the same command again goes on where it stopped.
--config is ablation unless told otherwise. Scores are of an inner split of the fold's training part.`;

export function addAblate(program: Command): void {
  withManyRuns(program.command('ablate'), '0,1,2', path.join('runs', 'ablation'))
    .description(
      'search, derive, retrain and evaluate with each schedule of τ, or with each reading of the paper switched alone',
    )
    .option('--over <what>', 'tau or readings; with --summary both unless it is given')
    .option('--summary <dir>', 'run nothing: print the table of a folder, of runs or of records')
    .option('--publish <dir>', 'run nothing: copy what is finished in --out there, with the table as a page')
    .addHelpText('after', EXAMPLES)
    .action(async (options: AblateCommand) => {
      const { out, publish, summary, only, json } = options;
      const overs = await oversOf(options);
      if (publish) {
        const { publishAblation } = await import('../ablation-publish');
        const { added, file } = publishAblation(overs[0], out, publish);
        say(`${added} run${added === 1 ? '' : 's'} added, the table is in ${file}`);
      } else if (!summary) {
        const { variantsNamed } = await import('../ablation');
        await run(options, overs[0], variantsNamed(overs[0], only));
      }
      const { ablationRecords, ablationTable, ablationTitles } = await import('../../notebook/ablation');
      const { toText } = await import('../../notebook/text');
      const from = summary ?? publish ?? out;
      const found = overs.map((over): [Over, readonly AblationRow[]] => [over, ablationRecords(over, from)]);
      const tables = found.map(([over, rows]) => ablationTable(rows, ablationTitles[over]));
      const lines = tables.flatMap((table) => [toText(table), table.caption, '']);
      print(json, Object.fromEntries(found), lines.slice(0, -1));
    });
}

/** What is asked for: one, or both of a summary that names none. */
async function oversOf({ over, summary }: AblateCommand): Promise<readonly Over[]> {
  const { ablations } = await import('../ablation');
  const names = Object.keys(ablations) as Over[];
  if (over === undefined && summary !== undefined) return names;
  const named = names.find((name) => name === over);
  return named
    ? [named]
    : fail({
        where: '--over',
        expected: `one of ${names.join(', ')}`,
        found: over ?? 'nothing',
        next: 'choose one',
      });
}

async function run(
  { jobs: atOnce, ...options }: AblateCommand,
  over: Over,
  variants: readonly Variant[],
): Promise<void> {
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
    const words = commonWords('ablate', { ...options, jobs: '1' }, { over });
    const jobs = ablationJobs(work, variants, seeds, words);
    return runJobs(jobs, { atOnce: count, signal: hooks.signal, say });
  });
}
