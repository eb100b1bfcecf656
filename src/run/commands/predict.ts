/** `scnas predict`: label maps of volumes, with the volumes' geometry. */
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { fail, ScnasError } from '../../engine/errors';
import { preprocessingOf } from '../config';
import { progressLine } from '../progress';
import type { PredictJob, PredictPaths } from '../volumes-in';

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
      const { readChannels } = await import('../../data/channels');
      const { writeLabelMap } = await import('../../data/nifti');
      const { prepareCase } = await import('../../data/preprocess');
      const { predictLabels } = await import('../../evaluate/predict');
      const { loadModel } = await import('../model');
      const { run, network, theta } = loadModel(options.model);
      const { classes, patch, flips, inputs: channels } = run.config;
      const jobs = predictJobs(options, channels);
      const how = preprocessingOf(run.config);
      // The volume as read is let go before the network runs.
      const prepared = ({ inputs }: PredictJob) => {
        const { data: image, ...volume } = readChannels(inputs);
        if (volume.channels !== channels)
          fail({
            where: inputs[0],
            expected: `${channels} channels, as ${options.model} was trained on`,
            found: String(volume.channels),
            next: 'give it the same modalities',
          });
        return prepareCase({ id: inputs[0], image, ...volume }, classes.length, how);
      };
      const progress = progressLine({ phase: 'predict', total: jobs.length });
      const failed: string[] = [];
      for (const [done, job] of jobs.entries()) {
        try {
          const volume = prepared(job);
          const labels = predictLabels(network, theta, volume, { patch, flips });
          fs.mkdirSync(path.dirname(path.resolve(job.output)), { recursive: true });
          writeLabelMap(job.output, labels, volume.crop.shape, volume.geometry);
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
