/** Normalisation of a channel, as nnU-Net v1 does it: by its own mean and spread, or, for CT, by those of the training set's foreground. */

/** How a channel is normalised. */
export type Normalisation =
  | { readonly scheme: 'z' }
  | {
      readonly scheme: 'ct';
      /** The 0.5 and 99.5 percentile of the training set's foreground, in the volume's units. */
      readonly low: number;
      readonly high: number;
      /** Mean and standard deviation of the training set's foreground. */
      readonly mean: number;
      readonly sd: number;
    };

/**
 * Normalises one channel in place.
 *
 * Rule: z: (x − mean) / (sd + 1e-8) of the volume, or of the mask, outside of which x becomes 0;
 * CT: (clip(x, low, high) − mean) / sd of the training set, 0 outside a mask.
 * @param image [x, y, z, c] in C order, changed
 * @param channel which c
 * @param channels c
 * @param how the rule of this channel
 * @param mask nonzero inside, [x, y, z]; absent: everything is inside
 * Source: nnU-Net v1, `resample_and_normalize`.
 */
export function normaliseChannel(
  image: Float32Array,
  channel: number,
  channels: number,
  how: Normalisation,
  mask?: ArrayLike<number>,
): void {
  const n = image.length / channels;
  if (how.scheme === 'ct') {
    const { low, high, mean, sd } = how;
    const scale = Math.max(sd, 1e-8);
    for (let i = 0, at = channel; i < n; i++, at += channels)
      image[at] = !mask || mask[i] ? (Math.min(high, Math.max(low, image[at])) - mean) / scale : 0;
    return;
  }
  let count = 0;
  let sum = 0;
  for (let i = 0; i < n; i++)
    if (!mask || mask[i]) {
      sum += image[i * channels + channel];
      count++;
    }
  const mean = sum / Math.max(1, count);
  let squares = 0;
  for (let i = 0; i < n; i++) if (!mask || mask[i]) squares += (image[i * channels + channel] - mean) ** 2;
  const scale = Math.sqrt(squares / Math.max(1, count)) + 1e-8;
  for (let i = 0, at = channel; i < n; i++, at += channels)
    image[at] = !mask || mask[i] ? (image[at] - mean) / scale : 0;
}
