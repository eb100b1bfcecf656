/** `scnas ablate`: search with every schedule of τ, or with every reading switched alone; a table of what came out. */
import path from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import type { Over, Variant } from '../ablation';
import { plannedBy, print, type RunOptions, wholeNumber, withConfig, withData, withHooks } from './common';

interface AblateCommand extends RunOptions {
  readonly over?: string;
  readonly seeds: string;
  readonly only: readonly string[];
  readonly out?: string;
  readonly jobs: string;
  readonly summary?: string;
  readonly publish?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  scnas ablate --over tau --task Task04_Hippocampus --seeds 0,1,2 --out runs/ablation
  scnas ablate --over readings --only "samples=top two" --seeds 0 --out runs/ablation
  scnas ablate --over readings --summary runs/ablation
  scnas ablate --over tau --out runs/ablation --publish results/ablation-tau
The same command again goes on where it stopped. Scores are of an inner split of the fold's training part.`;

export function addAblate(program: Command): void {
  withConfig(withData(program.command('ablate')))
    .description(
      'search, derive, retrain and evaluate with each schedule of τ, or with each reading of the paper switched alone',
    )
    .requiredOption('--over <what>', 'tau or readings')
    .option('--seeds <list>', 'seeds, as 0,1,2; all variants run with the first before the next', '0,1,2')
    .option(
      '--only <name>',
      'only this variant; may be repeated',
      (name, before: readonly string[]) => [...before, name],
      [] as readonly string[],
    )
    .option('--fold <k>', 'the fold whose training part is used (0 to 4)')
    .option('--out <dir>', 'folder of the run folders VARIANT/seedK; default runs/ablation')
    .option('--jobs <n>', 'variants at a time, each a process with its share of the cores', '1')
    .option('--summary <dir>', 'run nothing: print the table of a folder, runs or published')
    .option('--publish <dir>', 'run nothing: copy what is finished in --out there, with the table')
    .option('--json', 'print the table as JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (options: AblateCommand) => {
      const { ablations, variantsNamed } = await import('../ablation');
      const over = options.over as Over;
      if (!Object.hasOwn(ablations, over))
        fail({
          where: '--over',
          expected: `one of ${Object.keys(ablations).join(', ')}`,
          found: String(options.over),
          next: 'choose one',
        });
      const variants = variantsNamed(over, options.only);
      const seeds = options.seeds.split(',').map((text) => wholeNumber(text, '--seeds', 0));
      const dir = options.out ?? path.join('runs', 'ablation');
      if (options.publish) {
        const { publishAblation } = await import('../ablation-publish');
        const { added, file } = publishAblation(over, dir, options.publish);
        process.stdout.write(`${added} run${added === 1 ? '' : 's'} added, the table is in ${file}\n`);
      } else if (!options.summary) await run(options, over, dir, variants, seeds);
      const { ablationRecords, ablationTable, ablationTitles } = await import('../../notebook/ablation');
      const { toText } = await import('../../notebook/text');
      const rows = ablationRecords(over, options.summary ?? options.publish ?? dir);
      const table = ablationTable(rows, ablationTitles[over]);
      print(options.json, { over, rows }, [toText(table), table.caption]);
    });
}

async function run(
  { jobs, ...options }: AblateCommand,
  over: Over,
  dir: string,
  variants: readonly Variant[],
  seeds: readonly number[],
): Promise<void> {
  const { jobsOf, runJobs, spawnJobs } = await import('../ablation-jobs');
  const list = jobsOf(variants, seeds);
  const atOnce = wholeNumber(jobs, '--jobs');
  const say = (line: string) => process.stderr.write(`${line}\n`);
  await withHooks('the same command', async (hooks) => {
    if (atOnce > 1)
      return spawnJobs(list, atOnce, wordsOf(options, over, dir), { signal: hooks.signal, say });
    const { openData } = await import('../look');
    const { loadOperations } = await import('../operations');
    const planned = await plannedBy({ config: 'ablation', ...options, inner: true });
    const dataset = openData(options.data, options.task);
    const { operations } = loadOperations(null);
    return runJobs(list, { dir, planned, dataset, operations, hooks, say });
  });
}

/** The options that every process of an ablation has in common, as words of its command line. */
function wordsOf(
  { data, task, config, fold, set }: Omit<AblateCommand, 'jobs'>,
  over: Over,
  dir: string,
): string[] {
  const named = Object.entries({ over, out: dir, data, task, config, fold });
  return [
    ...named.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value])),
    ...set.flatMap((setting) => ['--set', setting]),
  ];
}
