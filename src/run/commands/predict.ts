/** `scnas predict`: label maps of volumes, with the volumes' geometry. */
import path from 'node:path';
import type { Command } from 'commander';
import { fail, ScnasError } from '../../engine/errors';
import { progressLine } from '../progress';
import type { PredictPaths } from '../volumes-in';

interface PredictCommand extends PredictPaths {
  readonly model: string;
}

export function addPredict(program: Command): void {
  program
    .command('predict')
    .description('segment NIfTI volumes with a trained model')
    .requiredOption('--model <name>', 'a run folder, or a name under models/')
    .requiredOption(
      '--in <path>',
      'a .nii or .nii.gz file with the channels that the model was trained on, or the first of one file a channel (CASE_0000.nii.gz, CASE_0001.nii.gz, …), or a folder of such',
    )
    .requiredOption(
      '--out <path>',
      'a file if --in is one, else a folder that gets the same names (CASE.nii.gz for one file a channel)',
    )
    .option('--overwrite', 'replace label maps that are there')
    .addHelpText(
      'after',
      '\nExample:\n  scnas predict --model runs/mine --in data/Task04_Hippocampus/imagesTs --out predictions',
    )
    .action(async (options: PredictCommand) => {
      const { predictJobs } = await import('../volumes-in');
      predictJobs(options, 1); // wrong paths are told before TensorFlow is loaded
      const { makeFolder } = await import('../../data/room');
      const { predictFile } = await import('../predict-file');
      const { loadModel } = await import('../model');
      const model = loadModel(options.model);
      const jobs = predictJobs(options, model.run.config.inputs);
      for (const folder of new Set(jobs.map(({ output }) => path.dirname(output)))) makeFolder(folder);
      const progress = progressLine({ phase: 'predict', total: jobs.length });
      const failed: string[] = [];
      for (const [done, job] of jobs.entries()) {
        try {
          predictFile(model, job.inputs, job.output);
        } catch (error) {
          if (!(error instanceof ScnasError) || jobs.length === 1) throw error;
          failed.push(job.inputs[0]);
          progress.say(error.message);
        }
        progress.update(done + 1, {});
      }
      progress.done();
      const written = jobs.length - failed.length;
      process.stdout.write(`${written} label map${written === 1 ? '' : 's'} in ${options.out}\n`);
      if (failed.length > 0)
        fail({
          where: options.in,
          expected: `${jobs.length} volumes that can be segmented`,
          found: `${failed.length} that cannot, the first ${failed[0]}`,
          next: 'see their lines above; the others are written',
        });
    });
}
