/** `scnas evaluate`: Dice on the validation cases of the run's fold. */
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { existingRun, print, withHooks } from './common';

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description(
      'Dice of every validation case, into cases.jsonl and record.json; cases that are done are not done again',
    )
    .requiredOption('--run <dir>', 'the folder of a trained run')
    .option('--data <dir>', 'where its data set is now, if it was moved')
    .option('--out <dir>', 'also write the label maps here, as NIfTI')
    .option('--json', 'print the means and all cases as JSON')
    .addHelpText('after', '\nExample:\n  scnas evaluate --run runs/mine --out runs/mine/predictions')
    .action(
      async ({ run: dir, data, out, json }: { run: string; data?: string; out?: string; json?: boolean }) => {
        const opened = await existingRun(dir);
        const { openRunData } = await import('../cases');
        const { loadCase } = await import('../../data/msd');
        const { writeLabelMap } = await import('../../data/nifti');
        const { runEvaluate } = await import('../evaluate');
        const run = data ? { ...opened, config: { ...opened.config, data } } : opened;
        const dataset = openRunData(run.config);
        if (out) fs.mkdirSync(out, { recursive: true });
        const write = (id: string, labels: Uint8Array) => {
          const { shape, geometry } = loadCase(dataset, id);
          if (out) writeLabelMap(path.join(out, `${id}.nii.gz`), labels, shape, geometry);
        };
        const { cases, dice } = await withHooks(`scnas evaluate --run ${dir}`, (hooks) =>
          runEvaluate(run, dataset, hooks, out ? write : undefined),
        );
        const percent = (v: number | null) => (v === null ? '–' : (100 * v).toFixed(2)).padStart(6);
        const names = Object.keys(dice);
        const width = Math.max(...cases.map(({ id }) => id.length), 4);
        const row = (id: string, values: readonly (number | null)[]) =>
          [id.padEnd(width), ...values.map((v, i) => percent(v).padStart(names[i].length))].join('  ');
        print(json, { dice, cases }, [
          ['Dice, %'.padEnd(width), ...names.map((name) => name.padStart(6))].join('  '),
          ...cases.map(({ id, dice: own, mean }) =>
            row(id, [...names.slice(0, -1).map((name) => own[name]), mean]),
          ),
          row('mean', Object.values(dice)),
        ]);
      },
    );
}
