/** `scnas predict`: label maps of volumes, with the volumes' geometry. */
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { fail } from '../../engine/errors';
import { preprocessingOf } from '../config';
import { progressLine } from '../progress';

interface PredictCommand {
  readonly model: string;
  readonly in: string;
  readonly out: string;
  readonly overwrite?: boolean;
}

export function addPredict(program: Command): void {
  program
    .command('predict')
    .description('segment NIfTI volumes with a trained model')
    .requiredOption('--model <name>', 'a run folder, or a name under models/')
    .requiredOption(
      '--in <path>',
      'a .nii or .nii.gz file with the channels that the model was trained on, or a folder of them',
    )
    .requiredOption('--out <path>', 'a file if --in is one, else a folder that gets the same names')
    .option('--overwrite', 'replace label maps that are there')
    .addHelpText(
      'after',
      '\nExample:\n  scnas predict --model runs/mine --in data/Task04_Hippocampus/imagesTs --out predictions',
    )
    .action(async (options: PredictCommand) => {
      const jobs = jobsOf(options);
      const { readNifti, writeLabelMap } = await import('../../data/nifti');
      const { prepareCase } = await import('../../data/preprocess');
      const { predictLabels } = await import('../../evaluate/predict');
      const { loadModel } = await import('../model');
      const { run, network, theta } = loadModel(options.model);
      const { classes, patch, flips, inputs } = run.config;
      const how = preprocessingOf(run.config);
      const progress = progressLine({ phase: 'predict', total: jobs.length });
      for (const [done, { input, output }] of jobs.entries()) {
        const { data: image, ...volume } = readNifti(input);
        if (volume.channels !== inputs)
          fail({
            where: input,
            expected: `${inputs} channels, as ${options.model} was trained on`,
            found: String(volume.channels),
            next: 'give it the same modalities',
          });
        const prepared = prepareCase({ id: input, image, ...volume }, classes.length, how);
        const labels = predictLabels(network, theta, prepared, { patch, flips });
        fs.mkdirSync(path.dirname(path.resolve(output)), { recursive: true });
        writeLabelMap(output, labels, volume.shape, volume.geometry);
        progress.update(done + 1, {});
      }
      progress.done();
      process.stdout.write(`${jobs.length} label map${jobs.length === 1 ? '' : 's'} in ${options.out}\n`);
    });
}

const isVolume = (name: string) => /\.nii(\.gz)?$/.test(name) && !name.startsWith('._');

/** Which file becomes which; all outputs are checked before any work. */
function jobsOf({ in: input, out, overwrite }: PredictCommand): { input: string; output: string }[] {
  if (!fs.existsSync(input))
    return fail({
      where: '--in',
      expected: 'a file or folder',
      found: `no ${input}`,
      next: 'correct the path',
    });
  const folder = fs.statSync(input).isDirectory();
  if (!folder && !isVolume(out))
    fail({
      where: '--out',
      expected: 'a .nii or .nii.gz file, since --in is one file',
      found: out,
      next: 'name the file to write',
    });
  const names = folder ? fs.readdirSync(input).filter(isVolume).sort() : [];
  if (folder && names.length === 0)
    fail({ where: input, expected: '.nii or .nii.gz files', found: 'none', next: 'give another folder' });
  const jobs = folder
    ? names.map((name) => ({ input: path.join(input, name), output: path.join(out, name) }))
    : [{ input, output: out }];
  const there = jobs.find(({ output }) => fs.existsSync(output));
  if (there && !overwrite)
    fail({
      where: there.output,
      expected: 'no such file yet',
      found: 'one',
      next: 'choose another --out, or add --overwrite',
    });
  const same = jobs.find((job) => path.resolve(job.input) === path.resolve(job.output));
  if (same)
    fail({
      where: same.output,
      expected: 'another file than --in',
      found: 'the input itself',
      next: 'choose another --out',
    });
  return jobs;
}
