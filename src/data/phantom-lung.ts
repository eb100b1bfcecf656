/** Task06's phantom: a small lesion in air, as dense as the vessels around it and as the chest wall that it may touch. */
import { fold, type Key } from '../engine/keys';
import { between, bounded, type Distance, ellipsoid, grown, tube, union, waves } from './phantom-paint';
import type { PhantomTask } from './phantom-task';

/** Hounsfield units. */
const AIR = [-1000];
const LUNG = [-840];
const SOFT = [45];
const LESION = [35];
const FAT = [-90];
const BONE = [500];

export const lung: PhantomTask = {
  name: 'Task06_Lung',
  title: 'Lung',
  modalities: ['CT'],
  classes: ['background', 'cancer'],
  spacing: [0.78, 0.78, 1.24],
  size: [80, 80, 56],
  sizeJitter: 0,
  unit: 1,
  scene(k, half) {
    const scale = Math.min(...half) / 31;
    const mm = (name: string, low: number, high: number) => scale * between(k, name, low, high);
    const side = between(k, 'side', 0, 1) < 0.5 ? -1 : 1;
    const body = ellipsoid([0, 0, 0], [half[0] * 1.12, half[1] * 0.95, half[2] * 4]);
    const lobe = (s: number) =>
      ellipsoid([s * 15.5 * scale, 0, 0], [11.5 * scale, 20 * scale, half[2] * 1.6]);
    const lobes = union(lobe(-1), lobe(1));
    const radii = [0, 1, 2].map((axis) => mm(`lesion ${axis}`, 4, 6.5));
    const centre = [
      side * mm('lesion x', 11, 19),
      mm('lesion y', -11, 11),
      half[2] * between(k, 'lesion z', -0.55, 0.55),
    ];
    const spikes = waves(fold(k, 'spikes'), 7 * scale);
    const ball = ellipsoid(centre, radii);
    const spiky: Distance = (x, y, z) => ball(x, y, z) + 0.8 * scale * spikes(x, y, z);
    const lesion = bounded(spiky, centre, 9 * scale);
    const spine = ellipsoid([0, 20 * scale, 0], [5 * scale, 5 * scale, half[2] * 9]);
    const ribs = union(
      ...[-2, -1, 0, 1, 2].map((i): Distance => {
        const height = i * 13 * scale + mm(`rib ${i}`, -2, 2);
        return (x, y, z) =>
          Math.max(
            Math.abs(lobes(x, y, z) - 3 * scale) - 1.4 * scale,
            Math.abs(z - height - 0.3 * y) - 2.2 * scale,
          );
      }),
    );
    return {
      background: AIR,
      layers: [
        { distance: body, brightness: FAT },
        { distance: grown(body, -3 * scale), brightness: SOFT },
        { distance: ribs, brightness: BONE },
        { distance: spine, brightness: BONE },
        { distance: lobes, brightness: LUNG },
        { distance: vessels(fold(k, 'vessels'), scale, half[2]), brightness: SOFT },
        { distance: lesion, brightness: LESION, label: 1 },
      ],
      warp: 1.2 * scale,
      noise: 35,
      texture: 12,
      bias: 0,
    };
  },
};

/** Vessels that branch from the middle of the chest into both lobes. */
function vessels(k: Key, scale: number, depth: number): Distance {
  const branches = Array.from({ length: 12 }, (_, i) => {
    const s = i % 2 === 0 ? -1 : 1;
    const mm = (name: string, low: number, high: number) => scale * between(k, `${name} ${i}`, low, high);
    const root = [s * 3 * scale, mm('root y', -4, 4), depth * between(k, `root z ${i}`, -0.8, 0.8)];
    const fork = [s * mm('fork x', 10, 14), mm('fork y', -9, 9), root[2] + mm('fork z', -8, 8)];
    const ends = [0, 1].map((e) => [
      s * mm(`end x ${e}`, 18, 24),
      fork[1] + mm(`end y ${e}`, -9, 9),
      fork[2] + mm(`end z ${e}`, -9, 9),
    ]);
    const branch = union(tube(root, fork, 1.5 * scale), ...ends.map((end) => tube(fork, end, 0.9 * scale)));
    return bounded(branch, fork, 18 * scale);
  });
  return union(...branches);
}
