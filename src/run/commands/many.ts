/** What commands share that make many runs. */
import type { Command } from 'commander';
import { type RunOptions, wholeNumber, withConfig, withData } from './common';

/** Options of such a command. */
export interface ManyOptions extends RunOptions {
  readonly seeds: string;
  readonly only: readonly string[];
  readonly out?: string;
  readonly jobs: string;
  readonly json?: boolean;
}

/** Adds --data, --task, --config, --set, --fold, --seeds, --only, --out, --jobs and --json. */
export function withManyRuns(command: Command, seeds: string, out: string): Command {
  return withConfig(withData(command))
    .option('--fold <k>', 'the fold that is trained and scored on (0 to 4)')
    .option('--seeds <list>', 'every random number of a run follows from its seed', seeds)
    .option(
      '--only <name>',
      'only these; may be repeated',
      (name: string, before: readonly string[]) => [...before, name],
      [] as readonly string[],
    )
    .option('--out <dir>', 'folder of the run folders', out)
    .option('--jobs <n>', 'runs at a time, each a process with its share of the cores', '1')
    .option('--json', 'print the table as JSON');
}

/** Seeds as the command line has them: 0,1,2. */
export function seedsFrom(text: string): readonly number[] {
  return text.split(',').map((part) => wholeNumber(part, '--seeds', 0));
}

/** The options that every run has in common, as words of a command line. */
export function commonWords(
  command: string,
  options: ManyOptions,
  more: Readonly<Record<string, string | boolean | undefined>>,
): readonly string[] {
  const { data, task, config, fold, inner, operations, out, set } = options;
  const named = Object.entries({ ...more, out, data, task, config, fold, inner, operations });
  return [
    command,
    ...named.flatMap(([name, value]) => {
      if (value === undefined || value === false) return [];
      return value === true ? [`--${name}`] : [`--${name}`, value];
    }),
    ...set.flatMap((setting) => ['--set', setting]),
  ];
}

/** A line on stderr. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
