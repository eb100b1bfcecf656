/** Task04's phantom: a bent tube with a thick head and a thin tail that touch, among grey matter of the same brightness. */
import { fold } from '../engine/keys';
import { between, ellipsoid, length, tube, union, waves } from './phantom-paint';
import type { PhantomTask } from './phantom-task';

const WHITE = [1];
const GREY = [0.62];
const HEAD = [0.56];
const FLUID = [0.18];

export const hippocampus: PhantomTask = {
  name: 'Task04_Hippocampus',
  title: 'Hippocampus',
  modalities: ['MRI'],
  classes: ['background', 'Anterior', 'Posterior'],
  spacing: [1, 1, 1],
  size: [35, 50, 36],
  sizeJitter: 2,
  unit: 1000,
  scene(k, half) {
    const scale = Math.min(half[0] / 17.5, half[1] / 25, half[2] / 18);
    const side = between(k, 'side', 0, 1) < 0.5 ? -1 : 1;
    const centre = [0, 1, 2].map((axis) => scale * between(k, `centre ${axis}`, -2, 2));
    const reach = scale * between(k, 'reach', 16, 18.5);
    const head = scale * between(k, 'head', 5.6, 6.6);
    const tail = scale * between(k, 'tail', 3.8, 4.5);
    const neck = between(k, 'neck', 0.1, 0.3);
    const bend = scale * side * between(k, 'bend', 3, 6);
    const arch = scale * between(k, 'arch', 1, 4);
    const along = (y: number) => (y - centre[1]) / reach;
    const middle = (t: number) => {
      const u = Math.max(-1, Math.min(1, t));
      return { x: centre[0] + bend * (u * u - 0.4), z: centre[2] + arch * (0.4 - u * u) };
    };
    const radius = (t: number) => tail + (head - tail) / (1 + Math.exp(-(t - neck) * 14));
    const body = (x: number, y: number, z: number) => {
      const t = along(y);
      const { x: mx, z: mz } = middle(t);
      const r = radius(t);
      const past = Math.max(0, Math.abs(y - centre[1]) - reach + 0.6 * r);
      return length(x - mx, 1.15 * (z - mz), past) - r;
    };
    const horn = (x: number, y: number, z: number) => {
      const t = along(y);
      const { x: mx, z: mz } = middle(t);
      const offset = side * (radius(t) + 0.9 * scale);
      return length(x - mx - offset, 0.5 * (z - mz), Math.max(0, Math.abs(t) - 0.8) * reach) - 1.6 * scale;
    };
    const front = middle(1);
    const amygdala = ellipsoid(
      [front.x - side * 4 * scale, centre[1] + reach + 3.2 * scale, front.z + 5 * scale],
      [5.5 * scale, 4.5 * scale, 4.5 * scale],
    );
    const folds = waves(fold(k, 'cortex'), 14 * scale);
    const cortex = (x: number, y: number, z: number) =>
      Math.min(half[0] + side * x, half[2] + z) - scale * (5 + 2.2 * folds(x, y, z));
    const sulcus = (x: number, y: number, z: number) => cortex(x, y, z) + 3.4 * scale;
    const stem = ellipsoid([side * half[0], -half[1] * 0.3, half[2]], [7 * scale, 14 * scale, 9 * scale]);
    const vessels = union(
      ...[0, 1, 2].map((i) => {
        const at = (name: string, axis: number) =>
          half[axis] * between(k, `vessel ${i} ${name} ${axis}`, -1, 1);
        return tube([half[0] * -side, at('from', 1), at('from', 2)], [0, at('to', 1), half[2]], 1.3 * scale);
      }),
    );
    return {
      background: WHITE,
      layers: [
        { distance: vessels, brightness: GREY },
        { distance: cortex, brightness: GREY },
        { distance: sulcus, brightness: FLUID },
        { distance: stem, brightness: HEAD },
        { distance: amygdala, brightness: HEAD },
        { distance: horn, brightness: FLUID },
        { distance: (x, y, z) => body(x, y, z), brightness: GREY, label: 2 },
        {
          distance: (x, y, z) => Math.max(body(x, y, z), (neck - along(y)) * reach),
          brightness: HEAD,
          label: 1,
        },
      ],
      warp: 1.2 * scale,
      noise: 0.05,
      texture: 0.03,
      bias: 0.2,
    };
  },
};
