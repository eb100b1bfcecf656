/**
 * An edge so small that the gradient of α can be enumerated (§2.2): three operations whose outputs are one number each, and a squared error.
 *
 * What Algorithm 1 estimates is the gradient of the expected loss of a **discrete** choice,
 * $$J(\alpha) = \sum_o p_o\, \mathcal{L}(e_o), \quad p = \mathrm{softmax}(\alpha), \qquad
 * \frac{\partial J}{\partial \alpha_o} = p_o \big(\mathcal{L}(e_o) - J\big).$$
 * Its mean and variance are sums over both samples and integrals over the noise: with three operations only two differences of ε count, whose
 * density is known, so a grid gives them without any chance.
 */
import { alphaGradient, relax, sampleTwo, softmax } from '../paper/gumbel';
import type { Readings } from '../paper/readings';

/** An edge of three operations; its value is ⟨z, outputs⟩, its loss ½(⟨z, outputs⟩ − target)². */
export interface ToyEdge {
  /** α, logits, [3]. */
  readonly alpha: readonly [number, number, number];
  /** o(x) of each operation, [3]. */
  readonly outputs: readonly [number, number, number];
  readonly target: number;
}

/** How the gradient is estimated: Algorithm 1 in one of its readings, or the relaxation of all operations (SNAS). */
export type Estimator = Readings['samples'] | 'all';

/** An estimator at a temperature. */
export interface GradientStatistics {
  readonly tau: number;
  /** E[g], [3]. */
  readonly mean: readonly number[];
  /** ‖E[g] − ∇J‖ / ‖∇J‖. */
  readonly bias: number;
  /** √E‖g − E[g]‖² / ‖∇J‖. */
  readonly deviation: number;
  /** ‖E[g]‖ / ‖∇J‖: Adam does not notice a factor. */
  readonly length: number;
  /** Cosine between E[g] and ∇J: 1 where the mean points the right way. */
  readonly direction: number;
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);
const norm = (a: readonly number[]) => Math.sqrt(dot(a, a));

/** ∂L/∂z of each operation: (⟨z, outputs⟩ − target) · outputs. */
function byZ({ outputs, target }: ToyEdge, z: readonly number[]): number[] {
  const residual = dot(z, outputs) - target;
  return outputs.map((o) => residual * o);
}

/** The true gradient ∇J of the expected loss by α, [3]. */
export function trueGradient({ alpha, outputs, target }: ToyEdge): number[] {
  const p = softmax(alpha);
  const losses = outputs.map((o) => (o - target) ** 2 / 2);
  return p.map((v, o) => v * (losses[o] - dot(p, losses)));
}

/** One possible outcome: how likely it is, given the noise, and its gradient by α. */
interface Outcome {
  readonly probability: number;
  readonly gradient: readonly number[];
}

/** Every outcome of an estimator for one noise. Algorithm 1 itself is asked, with uniform numbers in the middle of each interval. */
function outcomes(edge: ToyEdge, epsilon: readonly number[], tau: number, estimator: Estimator): Outcome[] {
  const zBar = relax(edge.alpha, epsilon, tau);
  if (estimator === 'all') {
    const g = byZ(edge, zBar);
    const middle = dot(zBar, g);
    return [{ probability: 1, gradient: zBar.map((z, o) => (z * (g[o] - middle)) / tau) }];
  }
  const asked = (u: readonly number[], probability: number): Outcome => {
    const drawn = sampleTwo(edge.alpha, epsilon, tau, u, estimator);
    const z = [0, 0, 0];
    drawn.operations.forEach((o, k) => {
      z[o] = drawn.weights[k];
    });
    const g = byZ(edge, z);
    const gradient = alphaGradient(
      drawn,
      drawn.operations.map((o) => g[o]),
      tau,
      3,
    );
    return { probability, gradient };
  };
  if (estimator === 'top two') return [asked([0.5, 0.5], 1)];
  return zBar.flatMap((first, a) => {
    const rest = estimator === 'with replacement' ? zBar : others(zBar, a);
    return rest.flatMap((second, b) =>
      first * second < 1e-12 ? [] : [asked([middleOf(zBar, a), middleOf(rest, b)], first * second)],
    );
  });
}

/** Z̄ without one operation, rescaled; all 0 where nothing is left in float64. */
function others(zBar: readonly number[], out: number): number[] {
  const left = zBar.map((z, o) => (o === out ? 0 : z));
  const sum = left.reduce((a, b) => a + b, 0);
  return sum === 0 ? left : left.map((z) => z / sum);
}

/** The middle of the interval in which a uniform number draws `o`. */
function middleOf(p: readonly number[], o: number): number {
  const below = p.slice(0, o).reduce((a, b) => a + b, 0);
  return below + p[o] / 2;
}

/** Differences of Gumbel noise are negligible beyond this. */
const REACH = 14;

/**
 * Mean, bias and variance of an estimator of the gradient by α, by enumeration.
 *
 * $$E[g] = \iint f(d_1, d_2) \sum_{a, b} P(a, b \mid \bar Z)\; g(a, b)\; dd_1\, dd_2, \qquad
 * f(d_1, d_2) = \frac{2\, e^{-d_1 - d_2}}{(1 + e^{-d_1} + e^{-d_2})^3}$$
 * with $d_i = \varepsilon_i - \varepsilon_0$, on a grid no wider than τ.
 * @param edge the toy edge
 * @param tau τ, temperature, > 0
 * @param estimator Algorithm 1 in a reading, or all operations
 */
export function gradientStatistics(edge: ToyEdge, tau: number, estimator: Estimator): GradientStatistics {
  const step = Math.min(0.5, tau);
  const n = Math.ceil(REACH / step);
  const mean = [0, 0, 0];
  let [square, whole] = [0, 0];
  for (let i = -n; i <= n; i++) {
    for (let j = -n; j <= n; j++) {
      const [d1, d2] = [i * step, j * step];
      const density = (2 * Math.exp(-d1 - d2)) / (1 + Math.exp(-d1) + Math.exp(-d2)) ** 3;
      if (density < 1e-10) continue;
      whole += density;
      for (const { probability, gradient } of outcomes(edge, [0, d1, d2], tau, estimator)) {
        const weight = density * probability;
        for (let o = 0; o < 3; o++) mean[o] += weight * gradient[o];
        square += weight * dot(gradient, gradient);
      }
    }
  }
  const average = mean.map((v) => v / whole);
  const truth = trueGradient(edge);
  const variance = square / whole - dot(average, average);
  return {
    tau,
    mean: average,
    bias: norm(average.map((v, o) => v - truth[o])) / norm(truth),
    deviation: Math.sqrt(Math.max(0, variance)) / norm(truth),
    length: norm(average) / norm(truth),
    direction: dot(average, truth) / (norm(average) * norm(truth)),
  };
}
