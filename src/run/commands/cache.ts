/** `scnas cache`: how much prepared cases take, and their removal. */
import type { Command } from 'commander';
import { wholeNumber } from './common';

interface CacheCommand {
  readonly prune?: string;
  readonly clear?: boolean;
}

const DAY = 24 * 3600 * 1000;

export function addCache(program: Command): void {
  program
    .command('cache')
    .description('list what prepared cases take on disk; they are made again where they are missed')
    .option('--prune <days>', 'remove what was not used for so many days')
    .option('--clear', 'remove all of it')
    .addHelpText('after', '\nExamples:\n  scnas cache\n  scnas cache --prune 30')
    .action(run);
}

async function run({ prune, clear }: CacheCommand): Promise<void> {
  const { fail } = await import('../../engine/errors');
  const { cacheFiles, removeFiles } = await import('../cache-files');
  const { cacheFolder } = await import('../files');
  if (clear && prune !== undefined)
    fail({ where: 'scnas cache', expected: '--prune or --clear', found: 'both', next: 'give one' });
  const files = cacheFiles();
  const before = prune === undefined ? 0 : Date.now() - DAY * wholeNumber(prune, '--prune', 0);
  const old = clear ? files : files.filter(({ used }) => used < before);
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const lines =
    clear || prune !== undefined
      ? [`removed ${old.length} of ${files.length} files, ${mib(removeFiles(old))}, from ${cacheFolder()}`]
      : [
          ...[...new Set(files.map(({ task }) => task))].map((task) => {
            const own = files.filter((file) => file.task === task);
            const used = new Date(Math.max(...own.map((file) => file.used))).toISOString().slice(0, 10);
            const size = mib(own.reduce((sum, { bytes }) => sum + bytes, 0));
            return `${task.padEnd(24)} ${String(own.length).padStart(5)} files ${size.padStart(12)}  last used ${used}`;
          }),
          `${files.length} files, ${mib(files.reduce((sum, { bytes }) => sum + bytes, 0))}, in ${cacheFolder()}`,
        ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
