/** The volumes that notebooks work on: real ones if a folder is given, else a phantom that is drawn once and kept. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Dataset, loadCase, openDataset } from '../data/msd';
import { PHANTOM_VERSION, writePhantom } from '../data/phantom';
import { type PreparedCase, prepareCase } from '../data/preprocess';
import type { Network, Shape3, Theta } from '../engine/model';
import { mostProbable, predictProbabilities } from '../evaluate/predict';
import { cacheFolder } from '../run/files';

export const HIPPOCAMPUS = 'Task04_Hippocampus';

/** How a phantom is drawn. */
export interface PhantomData {
  readonly cases?: number;
  readonly seed?: number;
  /** Voxels along each axis; the task's own unless told otherwise. */
  readonly size?: Shape3;
  /** Where the task's folder is put; drawn once into the cache unless told otherwise. */
  readonly folder?: string;
}

/**
 * A phantom of a task: drawn from the seed, or opened where it lies already.
 *
 * @param task Task01_BrainTumour, Task02_Heart, Task04_Hippocampus or Task06_Lung
 */
export function phantomData(task: string, { cases = 10, seed = 1, size, folder }: PhantomData = {}): Dataset {
  const sides = size ? `-${size.join('x')}` : '';
  const name = `phantom-v${PHANTOM_VERSION}-${cases}-cases-seed-${seed}${sides}`;
  const out = folder ?? path.join(cacheFolder(), name);
  if (!existsSync(path.join(out, task, 'dataset.json'))) writePhantom({ task, cases, seed, size, out });
  return openDataset(out, task);
}

/**
 * The hippocampus task: MSD's Task04 in the folder `data`, or, without one, a phantom of it.
 *
 * @param data a folder in MSD layout, or one that holds the task; empty or undefined: the phantom
 * @param cases volumes of the phantom
 * @param seed of the phantom
 */
export function hippocampus(data: string | undefined, cases = 10, seed = 1): Dataset {
  return data ? openDataset(data, HIPPOCAMPUS) : phantomData(HIPPOCAMPUS, { cases, seed });
}

/**
 * What lies in a folder: files with their sizes, folder by folder, long lists cut short.
 *
 * @param most files shown of each folder
 */
export function folderText(folder: string, most = 3): string {
  const list = (dir: string, indent: string): string[] => {
    const entries = readdirSync(dir, { withFileTypes: true });
    const names = entries.filter((e) => e.isFile()).map((e) => e.name);
    const shown = names.sort().slice(0, most);
    return [
      ...shown.map((name) => `${indent}${name}  ${kilobytes(statSync(path.join(dir, name)).size)}`),
      ...(names.length > most ? [`${indent}… ${names.length - most} more`] : []),
      ...entries
        .filter((e) => e.isDirectory())
        .flatMap((e) => [`${indent}${e.name}/`, ...list(path.join(dir, e.name), `${indent}  `)]),
    ];
  };
  return [`${path.basename(folder)}/`, ...list(folder, '  ')].join('\n');
}

const kilobytes = (bytes: number) => `${Math.ceil(bytes / 1000).toLocaleString('en-GB')} kB`;

/**
 * The volume of each foreground class, ml.
 *
 * @param labels classes [x · y · z]
 * @param spacing of a voxel, mm
 * @param classes how many there are, the background included
 */
export function classVolumes(
  labels: ArrayLike<number>,
  spacing: readonly number[],
  classes: number,
): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts.slice(1).map((n) => (n * spacing[0] * spacing[1] * spacing[2]) / 1000);
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
