/** Task01's phantom: a skull-stripped brain with nested tumour regions, which no single one of the four channels tells apart. */
import { fold, type Key } from '../engine/keys';
import { between, both, bounded, ellipsoid, grown, tube, union, waves } from './phantom-paint';
import type { PhantomTask } from './phantom-task';

/** Brightness in FLAIR, T1w, T1gd and T2w. */
const TISSUE = {
  white: [0.55, 0.8, 0.82, 0.42],
  grey: [0.74, 0.56, 0.62, 0.7],
  fluid: [0.2, 0.25, 0.27, 1],
  edema: [0.79, 0.64, 0.64, 0.75],
  core: [0.72, 0.4, 0.42, 0.8],
  enhancing: [0.78, 0.52, 1.1, 0.66],
  /** Old lesions: as bright as edema in FLAIR, as white matter elsewhere. */
  lesion: [0.8, 0.75, 0.78, 0.45],
  /** Lacunes: as bright as edema in T2w, dark in FLAIR. */
  lacune: [0.35, 0.5, 0.52, 0.8],
  /** Vessels and meninges: as bright as an enhancing rim in T1gd only. */
  vessel: [0.5, 0.6, 1.1, 0.45],
  /** Old scars: as dark as a tumour's core in T1 and T1gd, dark in FLAIR. */
  scar: [0.4, 0.42, 0.44, 0.6],
};

export const brain: PhantomTask = {
  name: 'Task01_BrainTumour',
  title: 'BrainTumour',
  modalities: ['FLAIR', 'T1w', 't1gd', 'T2w'],
  classes: ['background', 'edema', 'non-enhancing tumor', 'enhancing tumour'],
  spacing: [1, 1, 1],
  size: [72, 80, 64],
  sizeJitter: 0,
  unit: 1000,
  scene(k, half) {
    const scale = Math.min(...half) / 32;
    const skull = ellipsoid([0, 0, 0], [half[0] * 0.93, half[1] * 0.93, half[2] * 0.93]);
    const place = spot(fold(k, 'tumour'), half, 0.42);
    const size = scale * between(k, 'edema', 12, 14.5);
    const shape = [0, 1, 2].map((axis) => between(k, `shape ${axis}`, 0.85, 1.15));
    const rough = waves(fold(k, 'rough'), 14 * scale);
    const ball = (share: number, name: string) => {
      const shift = [0, 1, 2].map((axis) => place[axis] + size * between(k, `${name} ${axis}`, -0.12, 0.12));
      const smooth = ellipsoid(
        shift,
        shape.map((s) => s * size * share),
      );
      const wavy = (x: number, y: number, z: number) => smooth(x, y, z) + 1.2 * scale * rough(x, y, z);
      return bounded(wavy, shift, 1.3 * size);
    };
    const edema = ball(1, 'edema place');
    const tumour = ball(between(k, 'tumour share', 0.62, 0.7), 'core place');
    const rim = scale * between(k, 'rim', 2.6, 3.6);
    const gyri = waves(fold(k, 'gyri'), 15 * scale);
    const cortex = (x: number, y: number, z: number) =>
      Math.min(-skull(x, y, z) - scale * (4 + 2.5 * gyri(x, y, z)), 9 * scale);
    const depth = [0, 1, 2, 3, 4, 5, 6];
    const blobs = (name: string, low: number, high: number, count = 7) =>
      union(
        ...depth.slice(0, count).map((i) => {
          const r = scale * between(k, `${name} size ${i}`, low, high);
          return ellipsoid(spot(fold(k, name, i), half, 0.8), [r, r, r]);
        }),
      );
    const vessels = union(
      ...depth.map((i) =>
        tube(spot(fold(k, 'from', i), half, 0.9), spot(fold(k, 'to', i), half, 0.9), 1.7 * scale),
      ),
    );
    const meninges = (x: number, y: number, z: number) => -skull(x, y, z) - 2.2 * scale;
    const ventricle = (side: number) =>
      ellipsoid([side * 6 * scale, 0, 2 * scale], [3.5 * scale, 13 * scale, 5 * scale]);
    const inside = (layer: (x: number, y: number, z: number) => number) => both(layer, skull);
    return {
      background: TISSUE.white,
      layers: [
        { distance: cortex, brightness: TISSUE.grey },
        { distance: union(ventricle(-1), ventricle(1)), brightness: TISSUE.fluid },
        { distance: blobs('lesion', 6, 9), brightness: TISSUE.lesion },
        { distance: blobs('lacune', 4, 7), brightness: TISSUE.lacune },
        { distance: blobs('scar', 3, 6, 5), brightness: TISSUE.scar },
        { distance: inside(edema), brightness: TISSUE.edema, label: 1 },
        { distance: vessels, brightness: TISSUE.vessel },
        { distance: meninges, brightness: TISSUE.vessel },
        { distance: inside(tumour), brightness: TISSUE.enhancing, label: 3 },
        { distance: inside(grown(tumour, -rim)), brightness: TISSUE.core, label: 2 },
      ],
      warp: 1.5 * scale,
      noise: 0.11,
      texture: 0.03,
      bias: 0.3,
      blank: skull,
    };
  },
};

/** A place within `share` of the volume's half extent along each axis. */
function spot(k: Key, half: readonly number[], share: number): [number, number, number] {
  const at = (axis: number) => half[axis] * between(k, `at ${axis}`, -share, share);
  return [at(0), at(1), at(2)];
}
