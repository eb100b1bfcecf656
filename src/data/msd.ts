/** Folders in the layout of the Medical Segmentation Decathlon: `dataset.json`, `imagesTr/`, `labelsTr/`. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';
import { readDescription } from './msd-json';
import { type Geometry, readNifti, type VolumeFacts } from './nifti';
import { gridDifference } from './same-grid';

export interface DatasetCase {
  readonly id: string;
  readonly image: string;
  readonly label?: string;
}

/** A task: its modalities, its classes by label (background first) and its training cases, sorted by id. */
export interface Dataset {
  readonly root: string;
  /** The folder's name, as in `Task04_Hippocampus`. */
  readonly name: string;
  readonly modalities: readonly string[];
  readonly classes: readonly string[];
  readonly cases: readonly DatasetCase[];
  /** True where the volumes are drawn by rules (scnas phantom). */
  readonly phantom?: boolean;
  /** SHA-256 of dataset.json and of the names and sizes of the files it lists. */
  readonly hash: string;
}

/** A case as it is on disk. `image` [x, y, z, c], `label` [x, y, z], both in C order. */
export interface RawCase {
  readonly id: string;
  /** The image's file, which errors name. */
  readonly file?: string;
  readonly shape: Shape3;
  readonly channels: number;
  readonly image: Float32Array;
  readonly label?: Uint8Array;
  readonly spacing: readonly [number, number, number];
  readonly geometry: Geometry;
}

/**
 * Opens a task folder (it has dataset.json), or the task of that name in a root folder; a root with a single task needs no name.
 *
 * Errors: a ScnasError that lists the tasks that are there, or says what in dataset.json is wrong, or which file is missing.
 */
export function openDataset(dir: string, task?: string): Dataset {
  const root = taskFolder(path.resolve(dir), task);
  const { modalities, classes, cases, phantom, bytes } = readDescription(root);
  const hash = createHash('sha256').update(bytes);
  const files = cases.flatMap(({ image, label }) => (label === undefined ? [image] : [image, label]));
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0) {
    fail({
      where: path.join(root, 'dataset.json'),
      expected: `the ${files.length} files that it lists`,
      found: `${missing.length} missing, the first ${path.relative(root, missing[0])}`,
      next: 'fetch the missing files or take their cases out of "training"',
    });
  }
  for (const file of files) hash.update(`\n${path.relative(root, file)} ${statSync(file).size}`);
  return {
    root,
    name: path.basename(root),
    modalities,
    classes,
    cases,
    ...(phantom ? { phantom } : {}),
    hash: hash.digest('hex'),
  };
}

/** The folder of a task: `dir` itself if it has dataset.json, else the one in it that is meant. Errors as {@link openDataset}'s. */
export function taskFolder(dir: string, task: string | undefined): string {
  const holds = (folder: string) => existsSync(path.join(folder, 'dataset.json'));
  if (holds(dir) && (task === undefined || path.basename(dir) === task)) return dir;
  const names = existsSync(dir) && statSync(dir).isDirectory() ? readdirSync(dir).sort() : undefined;
  const tasks = (names ?? []).filter((name) => holds(path.join(dir, name)));
  if (task === undefined && tasks.length === 1) return path.join(dir, tasks[0]);
  if (task !== undefined && tasks.includes(task)) return path.join(dir, task);
  return fail({
    where: dir,
    expected:
      task === undefined ? 'a folder with dataset.json, or one that holds a task' : `the task ${task}`,
    found:
      names === undefined
        ? existsSync(dir)
          ? 'a file'
          : 'no such folder'
        : holds(dir)
          ? `the task ${path.basename(dir)}`
          : tasks.length > 0
            ? `the tasks ${tasks.join(', ')}`
            : `no dataset.json there or one folder below (there: ${names.slice(0, 8).join(', ') || 'nothing'})`,
    next:
      tasks.length > 0
        ? 'name one with --task'
        : 'point --data or SCNAS_DATA at a task folder, or make one with scnas phantom',
  });
}

/**
 * Reads the image and label of one case and checks them against each other and against dataset.json.
 *
 * Errors: a ScnasError names the file where the case is unknown, channels ≠ modalities, shapes or grids differ,
 * or a label is not a whole number that dataset.json lists.
 */
export function loadCase(dataset: Dataset, id: string): RawCase {
  const entry = dataset.cases.find((candidate) => candidate.id === id);
  if (!entry) {
    return fail({
      where: dataset.root,
      expected: `a case ${id}`,
      found: `${dataset.cases.length} cases, from ${dataset.cases[0].id} to ${dataset.cases[dataset.cases.length - 1].id}`,
      next: 'use an id that dataset.json lists',
    });
  }
  const volume = readNifti(entry.image);
  const { shape, channels, data: image, spacing, geometry } = volume;
  if (channels !== dataset.modalities.length) {
    fail({
      where: entry.image,
      expected: `${dataset.modalities.length} channels (${dataset.modalities.join(', ')})`,
      found: String(channels),
      next: 'correct "modality" in dataset.json or the volume',
    });
  }
  const label =
    entry.label === undefined ? undefined : loadLabel(entry.label, volume, dataset.classes, entry.image);
  return { id, file: entry.image, shape, channels, image, label, spacing, geometry };
}

/** The labels of a file, checked: one channel, the image's shape and grid, whole numbers that are classes. */
export function loadLabel(
  file: string,
  image: VolumeFacts,
  classes: readonly string[],
  imageFile: string,
): Uint8Array {
  const volume = readNifti(file);
  const { shape, spacing } = image;
  if (volume.channels !== 1 || volume.shape.some((n, axis) => n !== shape[axis])) {
    fail({
      where: file,
      expected: `${shape.join(' × ')} voxels, as ${imageFile} has`,
      found: `${volume.shape.join(' × ')}${volume.channels > 1 ? ` × ${volume.channels}` : ''}`,
      next: 'pair the image with its own label',
    });
  }
  const difference = gridDifference(image, volume);
  if (difference !== undefined) {
    fail({
      where: file,
      expected: `voxels where ${imageFile} has them (spacing ${spacing.join(' × ')} mm)`,
      found: difference,
      next: "pair the image with its own label, or copy the image's header onto it if it is",
    });
  }
  const strange = volume.data.find(
    (value) => !Number.isInteger(value) || value < 0 || value >= classes.length,
  );
  if (strange !== undefined) {
    const count = volume.data.reduce((n, value) => n + Number(value === strange), 0);
    fail({
      where: file,
      expected: `labels 0 to ${classes.length - 1} (${classes.join(', ')})`,
      found: `${strange} in ${count} voxel${count === 1 ? '' : 's'}`,
      next: 'add the class to dataset.json or correct the label map',
    });
  }
  return Uint8Array.from(volume.data);
}
