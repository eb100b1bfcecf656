/** `scnas plan`: what the data are, what a run on them would be, and about how long it would take. */
import type { Command } from 'commander';
import { configOf, print, type RunOptions, withRun } from './common';

export function addPlan(program: Command): void {
  withRun(program.command('plan'))
    .description(
      'look at a data set; print the configuration that follows, its cost, and about how long it would take here',
    )
    .option('--json', 'print facts and the resolved configuration as JSON')
    .option('--no-timing', 'do not time a step')
    .addHelpText('after', '\nExample:\n  scnas plan --data data/Task04_Hippocampus --config laptop')
    .action(async (options: RunOptions & { json?: boolean; timing: boolean }) => {
      const { fingerprint, openData } = await import('../plan');
      const config = await configOf(options);
      const facts = fingerprint(openData(options.data, options.task));
      const { estimate } = await import('../estimate');
      const estimated = estimate(config, options.timing);
      const minutes = (seconds: number) => `about ${Math.ceil(seconds / 60)} min here`;
      const n = (values: readonly number[]) => values.map((v) => Number(v.toFixed(2))).join(' × ');
      const times = estimated.seconds;
      print(options.json, { data: facts, config, ...estimated }, [
        `${facts.task}: ${facts.cases} cases, ${facts.modalities.join(' + ')}; classes ${facts.classes.join(', ')}`,
        `  shape ${n(facts.smallestShape)} to ${n(facts.largestShape)}, median ${n(facts.medianShape)} voxels of ${n(facts.medianSpacing)} mm`,
        `  class shares ${facts.classShares.map((s) => `${(100 * s).toFixed(1)} %`).join(', ')} (${facts.lookedAt} cases looked at)`,
        `configuration ${config.name}: patch ${n(config.patch)}, fold ${config.fold} of ${config.folds}, seed ${config.seed}`,
        `  search: stem ${config.search.stem}, batch ${config.search.batch}, ${config.search.steps} steps${times ? `, ${minutes(times.search)}` : ''}`,
        `  retrain: stem ${config.retrain.stem}, batch ${config.retrain.batch}, ${config.retrain.steps} steps${times ? `, ${minutes(times.retrain)}` : ''}`,
        `  a random genotype costs ${(estimated.multiplyAdds / 1e9).toFixed(2)} G multiply-adds and ${(estimated.parameters / 1e6).toFixed(2)} M parameters`,
      ]);
    });
}
