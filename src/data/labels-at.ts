/** Labels at places between voxels. */
import type { Shape3 } from '../engine/model';

/**
 * The label at each place: each label's indicator is interpolated linearly; the largest label that reaches ½ wins, 0 where none does, −1 outside.
 *
 * `labels` [x, y, z, k] in C order, `places` [n, 3] in voxels; returns [n, k]. A sum counts as ½ from ½ − 1e-6, since places are float32.
 * Source: nnU-Net v1's `interpolate_img(is_seg=True, order=1)`, which assigned labels in rising order where the indicator was at least ½.
 */
export function sampleLabels(labels: Int8Array, shape: Shape3, k: number, places: Float32Array): Int8Array {
  const n = places.length / 3;
  const out = new Int8Array(n * k).fill(-1);
  const [X, Y, Z] = shape;
  const found = new Int8Array(8);
  const w = new Float64Array(8);
  for (let i = 0; i < n; i++) {
    const x = places[3 * i];
    const y = places[3 * i + 1];
    const z = places[3 * i + 2];
    if (!(x >= 0 && x <= X - 1 && y >= 0 && y <= Y - 1 && z >= 0 && z <= Z - 1)) continue;
    const fX = x | 0;
    const fY = y | 0;
    const fZ = z | 0;
    const dX = fX + 1 < X ? Y * Z * k : 0;
    const dY = fY + 1 < Y ? Z * k : 0;
    const dZ = fZ + 1 < Z ? k : 0;
    const corner = ((fX * Y + fY) * Z + fZ) * k;
    w[7] = -1;
    for (let s = 0; s < k; s++) {
      const at = corner + s;
      const first = labels[at];
      const b = labels[at + dZ];
      const c = labels[at + dY];
      const d = labels[at + dY + dZ];
      const e = labels[at + dX];
      const f = labels[at + dX + dZ];
      const g = labels[at + dX + dY];
      const h = labels[at + dX + dY + dZ];
      if (
        b === first &&
        c === first &&
        d === first &&
        e === first &&
        f === first &&
        g === first &&
        h === first
      ) {
        out[i * k + s] = first;
        continue;
      }
      found.set([first, b, c, d, e, f, g, h]);
      if (w[7] < 0) cornerWeights(w, x - fX, y - fY, z - fZ);
      out[i * k + s] = vote(found, w);
    }
  }
  return out;
}

/** The trilinear weights of the eight corners, z fastest. */
function cornerWeights(w: Float64Array, x: number, y: number, z: number): void {
  for (let j = 0; j < 8; j++) w[j] = (j & 4 ? x : 1 - x) * (j & 2 ? y : 1 - y) * (j & 1 ? z : 1 - z);
}

function vote(found: Int8Array, w: Float64Array): number {
  let best = -128;
  for (let j = 0; j < 8; j++) {
    if (found[j] <= best) continue;
    let sum = 0;
    for (let l = 0; l < 8; l++) if (found[l] === found[j]) sum += w[l];
    if (sum >= 0.5 - 1e-6) best = found[j];
  }
  return best === -128 ? 0 : best;
}
