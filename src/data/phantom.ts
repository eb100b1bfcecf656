/** The phantom decathlon: MSD folders for machines without data, drawn from a seed. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import { fold, type Key, key, uniform } from '../engine/keys';
import type { Shape3 } from '../engine/model';
import type { RawCase } from './msd';
import { plainGeometry, writeLabelMap, writeVolume } from './nifti';
import { brain } from './phantom-brain';
import { heart } from './phantom-heart';
import { hippocampus } from './phantom-hippocampus';
import { lung } from './phantom-lung';
import { paint } from './phantom-paint';
import type { PhantomTask } from './phantom-task';
import { makeFolder } from './room';

/** Every phantom task: a new one is a new record here. */
export const phantomTasks: readonly PhantomTask[] = [brain, heart, hippocampus, lung];

/** Raised whenever the same seed gives other voxels than before. */
export const PHANTOM_VERSION = 1;

export interface PhantomOptions {
  /** The name of a task in {@link phantomTasks}. */
  readonly task: string;
  readonly cases: number;
  readonly seed: number;
  /** The folder that gets the task's folder, or the task's folder itself if it has the task's name. */
  readonly out: string;
  /** Voxels along each axis; the anatomy grows with them. Default: the task's own. */
  readonly size?: Shape3;
  /** Called after each case with the number done and the number of all. */
  readonly onCase?: (done: number, all: number) => void;
}

/** The record of a phantom task; an unknown name is a ScnasError that lists the known ones. */
export function phantomTask(name: string): PhantomTask {
  return (
    phantomTasks.find((task) => task.name === name) ??
    fail({
      where: 'phantom',
      expected: `one of ${phantomTasks.map((task) => task.name).join(', ')}`,
      found: name || 'no name',
      next: 'give one with --task',
    })
  );
}

/**
 * One case in memory, a pure function of (task, key, size): voxels as they would be read from its file.
 *
 * `image` [x, y, z, c] and `label` [x, y, z] in C order; brightness is whole numbers (Hounsfield units for CT).
 */
export function phantomCase(task: string, k: Key, size?: Shape3): RawCase & { readonly label: Uint8Array } {
  const { spacing, scene, sizeJitter, modalities, unit, ...record } = phantomTask(task);
  const jitter = uniform(fold(k, 'size'), 3);
  const side = (axis: 0 | 1 | 2) =>
    size?.[axis] ?? record.size[axis] + Math.floor(jitter[axis] * (2 * sizeJitter + 1)) - sizeJitter;
  const shape: Shape3 = [side(0), side(1), side(2)];
  const half = (axis: 0 | 1 | 2) => (shape[axis] * spacing[axis]) / 2;
  const anatomy = scene(fold(k, 'anatomy'), [half(0), half(1), half(2)]);
  const { image, label } = paint(anatomy, shape, spacing, k);
  const low = unit === 1 ? -1024 : 0;
  for (let i = 0; i < image.length; i++)
    image[i] = Math.max(low, Math.min(32767, Math.round(image[i] * unit)));
  return {
    id: record.title.toLowerCase(),
    shape,
    channels: modalities.length,
    image,
    label,
    spacing,
    geometry: plainGeometry(spacing, 'scnas phantom'),
  };
}

/**
 * Writes a phantom task in MSD layout and returns its folder; case i depends on (task, seed, i) alone.
 *
 * Errors: a ScnasError for an unknown task, no cases, or a folder that is there already: nothing is overwritten.
 */
export function writePhantom({ task, cases, seed, out, size, onCase }: PhantomOptions): string {
  const record = phantomTask(task);
  checkOptions(cases, seed, size);
  const root = path.basename(path.resolve(out)) === task ? path.resolve(out) : path.resolve(out, task);
  if (existsSync(root) && readdirSync(root).length > 0) {
    fail({
      where: root,
      expected: 'a new or empty folder',
      found: 'files in it',
      next: 'choose another --out or remove it',
    });
  }
  makeFolder(path.dirname(root));
  const beside = `${root}.partial-${process.pid}`;
  const training = Array.from({ length: cases }, (_, i) => {
    const name = `${record.title.toLowerCase()}_${String(i + 1).padStart(3, '0')}.nii.gz`;
    const { image, label, shape, channels, geometry } = phantomCase(
      task,
      key(seed, 'phantom', task, i),
      size,
    );
    writeVolume(path.join(beside, 'imagesTr', name), Int16Array.from(image), shape, channels, geometry);
    writeLabelMap(path.join(beside, 'labelsTr', name), label, shape, geometry);
    onCase?.(i + 1, cases);
    return { image: `./imagesTr/${name}`, label: `./labelsTr/${name}` };
  });
  writeFileSync(
    path.join(beside, 'dataset.json'),
    `${JSON.stringify(description(record, training, seed), null, 1)}\n`,
  );
  renameSync(beside, root);
  return root;
}

function checkOptions(cases: number, seed: number, size: Shape3 | undefined): void {
  if (!Number.isInteger(cases) || cases < 1 || cases > 9999 || !Number.isSafeInteger(seed) || seed < 0) {
    fail({
      where: 'phantom',
      expected: '1 to 9999 cases and a seed that is a whole number from 0',
      found: `${cases} cases, seed ${seed}`,
      next: 'correct --cases or --seed',
    });
  }
  if (size?.some((n) => !Number.isInteger(n) || n < 16 || n > 512)) {
    fail({
      where: 'phantom',
      expected: 'sides of 16 to 512 voxels',
      found: size.join(', '),
      next: 'correct --size',
    });
  }
}

function description(task: PhantomTask, training: readonly { image: string; label: string }[], seed: number) {
  const numbered = (names: readonly string[]) =>
    Object.fromEntries(names.map((name, i) => [String(i), name]));
  return {
    name: task.title,
    description: `Phantom of ${task.name}: drawn from a seed, no patient's data`,
    licence: 'MIT',
    phantom: { version: PHANTOM_VERSION, seed },
    tensorImageSize: task.modalities.length > 1 ? '4D' : '3D',
    modality: numbered(task.modalities),
    labels: numbered(task.classes),
    numTraining: training.length,
    numTest: 0,
    training,
    test: [],
  };
}
