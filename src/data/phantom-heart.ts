/** Task02's phantom: a thin-walled atrium with its veins, beside chambers and vessels that hold blood of the same brightness. */
import { fold } from '../engine/keys';
import { between, ellipsoid, grown, tube, union, waves } from './phantom-paint';
import type { PhantomTask } from './phantom-task';

const BLOOD = [0.9];
const MUSCLE = [0.42];
const FAT = [0.7];
const LUNG = [0.1];

export const heart: PhantomTask = {
  name: 'Task02_Heart',
  title: 'Heart',
  modalities: ['MRI'],
  classes: ['background', 'left atrium'],
  spacing: [1.25, 1.25, 1.37],
  size: [72, 72, 64],
  sizeJitter: 0,
  unit: 1000,
  scene(k, half) {
    const scale = Math.min(...half) / 44;
    const mm = (name: string, low: number, high: number) => scale * between(k, name, low, high);
    const at = (name: string, x: number, y: number, z: number) => [
      x * scale + mm(`${name} x`, -2.5, 2.5),
      y * scale + mm(`${name} y`, -2.5, 2.5),
      z * scale + mm(`${name} z`, -2.5, 2.5),
    ];
    const atriumPlace = at('atrium', 2, 14, 8);
    const chamber = ellipsoid(atriumPlace, [
      mm('atrium rx', 13, 16),
      mm('atrium ry', 9.5, 12),
      mm('atrium rz', 11, 14),
    ]);
    const veins = [
      [-1, -0.45],
      [-1, 0.5],
      [1, -0.45],
      [1, 0.5],
    ].map(([side, height], i) => {
      const root = [
        atriumPlace[0] + side * 10 * scale,
        atriumPlace[1] + 4 * scale,
        atriumPlace[2] + height * 12 * scale,
      ];
      const reach = mm(`vein ${i} reach`, 7, 11);
      return tube(
        root,
        [root[0] + side * reach, root[1] + 0.5 * reach, root[2] + height * 6 * scale],
        mm(`vein ${i}`, 2.8, 3.8),
      );
    });
    const atrium = union(chamber, ...veins);
    const leftPlace = at('left', 12, -14, -14);
    const left = ellipsoid(leftPlace, [mm('left rx', 9, 11), mm('left ry', 15, 18), mm('left rz', 9, 11)]);
    const right = ellipsoid(at('right', -15, -14, -12), [
      mm('right rx', 10, 13),
      mm('right ry', 14, 17),
      mm('right rz', 11, 14),
    ]);
    const rightAtrium = ellipsoid(at('right atrium', -26, 8, 4), [
      mm('ra rx', 8, 10),
      mm('ra ry', 9, 11),
      mm('ra rz', 11, 13),
    ]);
    const aorta = tube(at('root', -2, -8, 4), at('arch', -8, -10, 44), mm('aorta', 6, 7.5));
    const descending = tube(
      at('descending', 18, 36, -48),
      at('descending', 18, 36, 48),
      mm('descending', 5, 6.5),
    );
    const artery = tube(at('artery', 8, -18, 6), at('artery end', 12, 0, 30), mm('artery', 5.5, 7));
    const rough = waves(fold(k, 'rough'), 9 * scale);
    const rougher = (x: number, y: number, z: number) => left(x, y, z) + 1.2 * scale * rough(x, y, z);
    const pericardium = ellipsoid([-3 * scale, -2 * scale, -2 * scale], [36 * scale, 34 * scale, 34 * scale]);
    const wall = scale * 2.2;
    return {
      background: FAT,
      layers: [
        {
          distance: ellipsoid([-44 * scale, 22 * scale, 6 * scale], [20 * scale, 26 * scale, 46 * scale]),
          brightness: LUNG,
        },
        {
          distance: ellipsoid([46 * scale, 14 * scale, 6 * scale], [17 * scale, 30 * scale, 46 * scale]),
          brightness: LUNG,
        },
        { distance: pericardium, brightness: FAT },
        { distance: grown(descending, wall), brightness: MUSCLE },
        { distance: descending, brightness: BLOOD },
        { distance: grown(left, 7 * scale), brightness: MUSCLE },
        { distance: rougher, brightness: BLOOD },
        { distance: grown(union(right, rightAtrium), wall), brightness: MUSCLE },
        { distance: union(right, rightAtrium), brightness: BLOOD },
        { distance: grown(union(aorta, artery), wall), brightness: MUSCLE },
        { distance: union(aorta, artery), brightness: BLOOD },
        { distance: grown(atrium, wall), brightness: MUSCLE },
        { distance: atrium, brightness: BLOOD, label: 1 },
      ],
      warp: 2 * scale,
      noise: 0.08,
      texture: 0.04,
      bias: 0.25,
    };
  },
};
