/** One volume through a trained model: its files in, a label map with its geometry out. */
import { readChannels } from '../data/channels';
import { writeLabelMap } from '../data/nifti';
import { prepareCase } from '../data/preprocess';
import { fail } from '../engine/errors';
import { predictLabels } from '../evaluate/predict';
import { preprocessingOf } from './config';
import type { Model } from './model';

/**
 * Segments a volume and writes its label map.
 *
 * @param model network, weights Θ and the configuration that they were trained with
 * @param inputs a NIfTI file with every channel, or one file a channel in order
 * @param output .nii or .nii.gz, on the volume's own grid
 * @returns the labels, [x · y · z] in C order
 * @throws ScnasError where a file cannot be read, or holds another number of channels than the model was trained on
 */
export function predictFile(model: Model, inputs: readonly string[], output: string): Uint8Array {
  const { classes, patch, flips, inputs: channels } = model.run.config;
  const prepared = () => {
    const { data: image, ...volume } = readChannels(inputs);
    if (volume.channels !== channels)
      fail({
        where: inputs[0],
        expected: `${channels} channels, as the model was trained on`,
        found: String(volume.channels),
        next: 'give it the same modalities',
      });
    return prepareCase(
      { id: inputs[0], image, ...volume },
      classes.length,
      preprocessingOf(model.run.config),
    );
  };
  // In a function of its own, so that the volume as read is let go before the network runs.
  const volume = prepared();
  const labels = predictLabels(model.network, model.theta, volume, { patch, flips });
  writeLabelMap(output, labels, volume.crop.shape, volume.geometry);
  return labels;
}
