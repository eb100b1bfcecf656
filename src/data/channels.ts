/** A volume whose channels lie in one file each. */
import { fail } from '../engine/errors';
import { readNifti, type Volume } from './nifti';
import { gridDifference } from './same-grid';

/**
 * Reads one file of all channels, or one file a channel in their order: channels last, geometry of the first file.
 *
 * Errors: a ScnasError where one of several files has channels of its own, another shape or another place in space.
 */
export function readChannels(files: readonly string[]): Volume {
  const first = readNifti(files[0]);
  if (files.length === 1) return first;
  const channels = files.length;
  const data = new Float32Array(first.shape[0] * first.shape[1] * first.shape[2] * channels);
  for (const [c, file] of files.entries()) {
    const volume = c === 0 ? first : readNifti(file);
    if (volume.channels !== 1)
      fail({
        where: file,
        expected: 'one channel, since each has a file of its own',
        found: String(volume.channels),
        next: 'split it, or give one file with all channels',
      });
    const apart = volume.shape.some((n, axis) => n !== first.shape[axis])
      ? `${volume.shape.join(' × ')} voxels`
      : gridDifference(first, volume);
    if (apart)
      fail({
        where: file,
        expected: `the grid of ${files[0]}, ${first.shape.join(' × ')} voxels`,
        found: apart,
        next: 'bring the modalities onto one grid',
      });
    for (let i = 0; i < volume.data.length; i++) data[i * channels + c] = volume.data[i];
  }
  return { ...first, channels, data };
}
