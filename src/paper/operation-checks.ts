/**
 * What must hold of a candidate operation before a search may draw it (§3): its shapes, its cost, its gradients, and that a network which draws
 * it on every edge learns by it.
 */
import { gradients } from '../engine/gradients';
import { key, normal } from '../engine/keys';
import { initialise, type Tensor5D, type Theta } from '../engine/model';
import { tf } from '../engine/tf';
import { thetaGradients, zHatGradients } from './first-order';
import { cellTypes, edgesOf } from './genotype';
import { type Sample, supernet } from './network';
import { type Built, type Operation, operations as paperOperations, type Site } from './operations';
import { defaultReadings } from './readings';

/** One thing that must hold, and what was found. */
export interface OperationCheck {
  readonly name: string;
  readonly expected: string;
  readonly found: string;
  readonly holds: boolean;
}

/** Sides of the patch that operations are tried on, voxels: even, and wide enough that taps of dilation 4 meet voxels. */
const SIDE = 8;
/** The small network's patch: at the lowest of its levels 4 × 2 × 2, where a 3³ window does not yet see everything. */
const NETWORK_PATCH = [32, 16, 16] as const;
/** Step of a central difference, and the share of ‖gradient‖ by which it may miss: float32 gives about 1e-3. */
const [STEP, SHARE] = [1e-4, 0.02];
const STRIDES = [1, 2] as const;

/**
 * Where operations are tried out.
 *
 * Rule: affine norms and norms after pooling, as far as an operation heeds them.
 * @param stride 1 or 2
 * @param width c, channels
 * Source: §3.
 */
export const trialSite = (stride: 1 | 2, width = 4): Site => ({
  width,
  stride,
  affine: true,
  poolNorm: true,
  identity: 'factorized reduce',
});

/**
 * The shape of what an operation makes of a patch of 8³ voxels, and what it should be.
 *
 * Rule: [1, s, s, s, c] → [1, s/stride, s/stride, s/stride, c].
 * @param operation the candidate
 * @param site stride, width c in channels
 * Source: §3, "all operations in the reduction cell are of stride two".
 */
export function outputShape(
  operation: Operation,
  site: Site,
): { readonly expected: readonly number[]; readonly found: readonly number[] } {
  const side = SIDE / site.stride;
  const found = tf.tidy(() => {
    const built = operation.build(site);
    return built.apply(patchOf(site.width), thetaOf(built)).shape;
  });
  return { expected: [1, side, side, side, site.width], found };
}

/** Numbers from −2 to 2, equally far apart, in a random order: no step of a difference reaches a kink at 0 or exchanges two of a maximum. */
function patchOf(width: number): Tensor5D {
  const n = SIDE ** 3 * width;
  const noise = normal(key(1, 'operation check', 'x'), n);
  const values = new Float32Array(n);
  [...noise.keys()]
    .sort((i, j) => noise[i] - noise[j])
    .forEach((i, rank) => {
      values[i] = (4 * (rank + 0.5)) / n - 2;
    });
  return tf.tensor5d(values, [1, SIDE, SIDE, SIDE, width]);
}

const thetaOf = (built: Built): Theta =>
  initialise(
    built.parameters.map((p) => ({ ...p, group: 'operation' })),
    key(1, 'operation check', 'theta'),
  );

/**
 * All checks of an operation, one a line; what an operation throws is found, not thrown on.
 *
 * Rule: shapes at both strides; a cost that is a number; gradients by x and by each parameter against central differences,
 * $\langle g, d \rangle \approx \big(f(x + hd) - f(x - hd)\big) / 2h$ for random directions d, f a random weighting of o(x);
 * and a network that draws it on every edge of every cell has a gradient by each of its parameters and each of its ẑ.
 * @param operation the candidate
 * @param width c, channels of a node
 * Source: §3, Eq. (1); finite differences.
 */
export function operationChecks(operation: Operation, width = 4): readonly OperationCheck[] {
  const lines = STRIDES.flatMap((stride) => {
    const site = trialSite(stride, width);
    return [
      line(`shape at stride ${stride}`, () => shapeLine(operation, site)),
      line(`cost at stride ${stride}`, () => costLine(operation, site)),
      line(`gradient at stride ${stride}`, () => gradientLine(operation, site)),
    ];
  });
  return operation.zero ? lines : [...lines, line('drawn on every edge', () => drawnLine(operation))];
}

type Line = Omit<OperationCheck, 'name'>;

function line(name: string, judge: () => Line): OperationCheck {
  try {
    return { name, ...tf.tidy(judge) };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { name, expected: 'a result', found, holds: false };
  }
}

function shapeLine(operation: Operation, site: Site): Line {
  const { expected, found } = outputShape(operation, site);
  return {
    expected: expected.join(' × '),
    found: found.join(' × '),
    holds: found.join() === expected.join(),
  };
}

function costLine(operation: Operation, site: Site): Line {
  const { multiplyAdds, kept } = operation.cost(site);
  return {
    expected: 'numbers, none negative',
    found: `${multiplyAdds} multiply-adds and ${kept} numbers kept a voxel`,
    holds: [multiplyAdds, kept].every((v) => Number.isFinite(v) && v >= 0),
  };
}

/** The largest miss of a central difference, over x and the parameters and three directions each, as a share of the gradient's norm. */
function gradientLine(operation: Operation, site: Site): Line {
  const built = operation.build(site);
  const theta = thetaOf(built);
  const names = Object.keys(theta);
  const at: readonly tf.Tensor[] = [patchOf(site.width), ...names.map((name) => theta[name])];
  const run = ([x, ...values]: readonly tf.Tensor[]) =>
    built.apply(x as Tensor5D, Object.fromEntries(names.map((name, i) => [name, values[i]])));
  const shape = run(at).shape;
  const weights = normal(key(1, 'operation check', 'weights'), tf.util.sizeFromShape(shape));
  const value = (tensors: readonly tf.Tensor[]) => dot(run(tensors).dataSync(), weights);
  const found = gradients(() => run(at).mul(tf.tensor(weights, shape)).sum(), at).gradients;
  const misses = at.map((tensor, i) => {
    const g = found[i]?.dataSync() ?? new Float32Array(tensor.size);
    const size = Math.max(Math.sqrt(dot(g, g)), 1e-6);
    return Math.max(
      ...[0, 1, 2].map((n) => {
        const d = normal(key(1, 'operation check', 'direction', i, n), tensor.size);
        const step = tf.tensor(d, tensor.shape).mul(STEP);
        const moved = (sign: 1 | -1) =>
          at.map((t, k) => (k !== i ? t : sign > 0 ? t.add(step) : t.sub(step)));
        const slope = (value(moved(1)) - value(moved(-1))) / (2 * STEP);
        return Math.abs(slope - dot(g, d)) / size;
      }),
    );
  });
  const worst = Math.max(...misses);
  const by = ['x', ...names][misses.indexOf(worst)];
  return {
    expected: `within ${100 * SHARE} % of differences`,
    found: `within ${Math.ceil(100 * worst)} %${worst <= SHARE ? '' : `, by ${by}`}`,
    holds: worst <= SHARE,
  };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** Draws the operation and a pooling, half each, on all edges of a small network, and counts the gradients that are there. */
function drawnLine(operation: Operation): Line {
  const partner = paperOperations.filter((o) => o.name.endsWith('pool') && o.name !== operation.name)[0];
  const net = supernet({
    inputs: 1,
    classes: 2,
    stem: 8,
    operations: [operation, partner],
    readings: defaultReadings,
  });
  const edges = edgesOf(4);
  const sample: Sample = cellTypes.map(() => edges.map(() => ({ operations: [0, 1], weights: [0.5, 0.5] })));
  const [x, y, z] = NETWORK_PATCH;
  const image = normal(key(1, 'operation check', 'image'), x * y * z);
  const classes = Int32Array.from(image, (v) => (v > 0 ? 1 : 0));
  const batch = {
    x: tf.tensor5d(image, [1, x, y, z, 1]),
    y: tf.tensor4d(classes, [1, x, y, z], 'int32'),
  };
  const theta = initialise(net.parameters, key(1, 'operation check', 'network'));
  const { loss, gradients: byTheta } = thetaGradients(net, theta, batch, sample, 1);
  const own = net.parameters.filter(({ group }) => group.endsWith(`/${operation.name}`));
  const moved = own.filter(({ name }) => byTheta[name]?.dataSync().some((v) => v !== 0)).length;
  const byZHat = zHatGradients(net, theta, batch, sample, 1).gradient;
  const heard = byZHat.filter((v, i) => i % 2 === 0 && v !== 0 && Number.isFinite(v)).length;
  const all = cellTypes.length * edges.length;
  return {
    expected: `gradients by ${own.length} parameters and ${all} ẑ`,
    found: `by ${moved} and ${heard}, loss ${loss.toFixed(3)}`,
    holds: moved === own.length && heard === all && Number.isFinite(loss),
  };
}
