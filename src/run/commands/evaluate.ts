/** `scnas evaluate`: Dice and HD95 on the validation cases of the run's fold. */
import fs from 'node:fs';
import type { Command } from 'commander';
import type { CaseLine, Metric, SummaryRecord } from '../scores';
import { metrics, scoreOf } from '../scores';
import { existingRun, print, withHooks, workOn } from './common';

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description(
      'Dice and surface distance (HD95, mm) of every validation case, into cases.jsonl and record.json, with spread and a bootstrap interval of the mean; cases that are done are not done again',
    )
    .requiredOption('--run <dir>', 'the folder of a trained run')
    .option('--data <dir>', 'where its data set is now, if it was moved')
    .option('--out <dir>', 'also write the label maps here, as NIfTI; those that are there are left')
    .option('--json', 'print the means and all cases as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  scnas evaluate --run runs/mine --out runs/mine/predictions\nTwo runs side by side: scnas compare',
    )
    .action(
      async ({ run: dir, data, out, json }: { run: string; data?: string; out?: string; json?: boolean }) => {
        const opened = await existingRun(dir);
        const { openRunData } = await import('../cases');
        const { makeFolder } = await import('../../data/room');
        const { labelMapsIn, runEvaluate } = await import('../evaluate');
        const run = data ? { ...opened, config: { ...opened.config, data } } : opened;
        const dataset = openRunData(run.config);
        if (out) makeFolder(out);
        const before = out ? fs.readdirSync(out) : [];
        const goOn = `scnas evaluate --run ${dir}${out ? ` --out ${out}` : ''}`;
        const { cases, dice, scores } = await workOn(run, () =>
          withHooks(goOn, (hooks) => runEvaluate(run, dataset, hooks, out ? labelMapsIn(out) : undefined)),
        );
        const there = cases.filter(({ id }) => before.includes(`${id}.nii.gz`)).length;
        print(json, { dice, scores, cases }, [
          ...caseTable(cases, Object.keys(dice)),
          '',
          ...summaryTable(scores.dice, 'dice'),
          '',
          ...summaryTable(scores.hd95, 'hd95'),
          ...(out
            ? ['', `label maps in ${out}: ${cases.length - there} written, ${there} there before`]
            : []),
        ]);
      },
    );
}

function show(metric: Metric, value: number | null): string {
  return value === null || Number.isNaN(value) ? '–' : metrics[metric].show(value);
}

/** A line a case: Dice of each class and their mean, then the mean HD95. */
function caseTable(cases: readonly CaseLine[], names: readonly string[]): string[] {
  const width = Math.max(...cases.map(({ id }) => id.length), metrics.dice.title.length);
  const row = (id: string, values: readonly string[]) =>
    [id.padEnd(width), ...values.map((v, i) => v.padStart(Math.max(6, heads[i].length)))].join('  ');
  const heads = [...names, metrics.hd95.title];
  return [
    row(metrics.dice.title, heads),
    ...cases.map((line) =>
      row(line.id, [
        ...names.map((name) => show('dice', scoreOf(line, 'dice', name))),
        show('hd95', scoreOf(line, 'hd95', 'mean')),
      ]),
    ),
  ];
}

/** A line a class: how many cases, mean, spread, interval. */
function summaryTable(rows: Readonly<Record<string, SummaryRecord>>, metric: Metric): string[] {
  const width = Math.max(...Object.keys(rows).map((name) => name.length), metrics[metric].title.length);
  const heads = ['cases', 'mean', 'sd', 'median', '95 % interval of the mean'];
  return [
    [metrics[metric].title.padEnd(width), ...heads.map((head) => head.padStart(8))].join('  '),
    ...Object.entries(rows).map(([name, { n, mean, sd, median, low, high }]) =>
      [
        name.padEnd(width),
        String(n).padStart(8),
        ...[mean, sd, median].map((v) => show(metric, v).padStart(8)),
        ` ${show(metric, low)} to ${show(metric, high)}`,
      ].join('  '),
    ),
  ];
}
