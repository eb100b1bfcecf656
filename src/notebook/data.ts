/** The volumes that notebooks work on: real ones if a folder is given, else a phantom that is drawn once and kept. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Dataset, loadCase, openDataset } from '../data/msd';
import { PHANTOM_VERSION, writePhantom } from '../data/phantom';
import { type PreparedCase, prepareCase } from '../data/preprocess';
import type { Network, Shape3, Theta } from '../engine/model';
import { mostProbable, predictProbabilities } from '../evaluate/predict';
import { cacheFolder } from '../run/files';

export const HIPPOCAMPUS = 'Task04_Hippocampus';

/**
 * The hippocampus task: MSD's Task04 in the folder `data`, or, without one, a phantom of it.
 *
 * @param data a folder in MSD layout, or one that holds the task; empty or undefined: the phantom
 * @param cases volumes of the phantom
 * @param seed of the phantom
 */
export function hippocampus(data: string | undefined, cases = 10, seed = 1): Dataset {
  if (data) return openDataset(data, HIPPOCAMPUS);
  const folder = path.join(cacheFolder(), `phantom-v${PHANTOM_VERSION}-${cases}-cases-seed-${seed}`);
  if (!existsSync(path.join(folder, HIPPOCAMPUS, 'dataset.json'))) {
    writePhantom({ task: HIPPOCAMPUS, cases, seed, out: folder });
  }
  return openDataset(folder, HIPPOCAMPUS);
}

/** The first `count` cases of a task, from case `from` on: cropped, normalised, in memory. */
export function prepareCases(dataset: Dataset, count: number, from = 0): PreparedCase[] {
  return dataset.cases
    .slice(from, from + count)
    .map(({ id }) => prepareCase(loadCase(dataset, id), dataset.classes.length));
}

/** Labels of a prepared case on its own (cropped) grid, [x · y · z]: windows over the volume, then the most probable class. */
export function segment(
  network: Network,
  theta: Theta,
  prepared: PreparedCase,
  patch: Shape3,
  flips = false,
): Uint8Array {
  const { image, shape, channels } = prepared;
  return mostProbable(
    predictProbabilities(network, theta, image, shape, channels, { patch, flips }),
    network.classes,
  );
}

/** The labels of a prepared case, with what lies outside its mask as background. */
export function labelsOf({ label }: PreparedCase): Uint8Array {
  return Uint8Array.from(label ?? [], (v) => Math.max(0, v));
}
