/** The best that any intensity window [a, b] can do: the bar that a phantom must keep low. */

/**
 * The best Dice of one window over one channel for one label, over all windows between `bins` quantiles of the channel.
 *
 * `image` [voxel, c]; `labels` one a voxel. Cases may be pooled by concatenating them.
 */
export function bestWindowDice(
  image: Float32Array,
  channels: number,
  channel: number,
  labels: Uint8Array,
  label: number,
  bins = 256,
): number {
  const values = Float32Array.from(labels, (_, i) => image[i * channels + channel]);
  const sorted = values.slice().sort();
  const edges = Array.from({ length: bins }, (_, b) => sorted[Math.floor((b * sorted.length) / bins)]);
  const hits = new Float64Array(bins + 1);
  const all = new Float64Array(bins + 1);
  for (let i = 0; i < values.length; i++) {
    let low = 0;
    let high = bins;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= values[i]) low = middle + 1;
      else high = middle;
    }
    all[low]++;
    if (labels[i] === label) hits[low]++;
  }
  for (let b = 1; b <= bins; b++) {
    all[b] += all[b - 1];
    hits[b] += hits[b - 1];
  }
  const truth = hits[bins];
  let best = 0;
  for (let a = 0; a <= bins; a++)
    for (let b = a; b <= bins; b++) {
      const inside = all[b] - (a > 0 ? all[a - 1] : 0);
      const both = hits[b] - (a > 0 ? hits[a - 1] : 0);
      best = Math.max(best, (2 * both) / (inside + truth));
    }
  return best;
}
