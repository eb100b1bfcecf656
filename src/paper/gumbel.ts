/**
 * The Gumbel-softmax relaxation and Algorithm 1 (§2.2), for one edge at a time, in float64.
 *
 * α are logits over the operations, ε standard Gumbel noise, τ the temperature:
 * $$\bar Z = \mathrm{softmax}\big((\alpha + \varepsilon)/\tau\big) \qquad (4)$$
 * As τ → 0 the largest of α + ε takes all, and that operation is an exact draw from softmax(α). Algorithm 1 samples two operations from Z̄ and
 * rescales their weights to sum to one, so that only two operations an edge are ever computed.
 *
 * Departs from the paper: the text of Algorithm 1 is not available to us; how its two samples are drawn is the reading `samples`.
 */
import type { Readings } from './readings';

/** What was drawn for one edge: one or two operations with weights ẑ that sum to one. */
export interface Draw {
  /** Indices into the operation table, in the order drawn; a single one where both draws coincide. */
  readonly operations: readonly number[];
  /** ẑ of each. */
  readonly weights: readonly number[];
}

/**
 * Softmax, safe for large logits.
 *
 * $$\mathrm{softmax}(l)_o = e^{l_o} / \sum_p e^{l_p}$$
 * @param logits l, [operations]
 * Source: Eq. (4).
 */
export function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const powers = logits.map((l) => Math.exp(l - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

/**
 * The continuously relaxed one-hot vector of an edge.
 *
 * $$\bar Z(\alpha, \varepsilon; \tau) = \mathrm{softmax}\big((\alpha + \varepsilon)/\tau\big)$$
 * @param alpha α, logits, [operations]
 * @param epsilon ε, standard Gumbel noise, [operations]
 * @param tau τ, temperature, > 0
 * Source: Eq. (4).
 */
export function relax(alpha: readonly number[], epsilon: ArrayLike<number>, tau: number): number[] {
  return softmax(alpha.map((a, o) => (a + epsilon[o]) / tau));
}

/**
 * Shannon entropy of a distribution, in nats: ln 8 = 2.08 for eight equal operations, 0 for one.
 *
 * $$H(p) = -\sum_o p_o \ln p_o$$
 * @param p probabilities, [operations]
 * Source: §2.2 (how far Z̄ is from one-hot); plotted as in GDAS's reports.
 */
export function entropy(p: readonly number[]): number {
  return p.reduce((h, v) => (v > 0 ? h - v * Math.log(v) : h), 0);
}

/**
 * Algorithm 1 for one edge: sample two operations from Z̄ and rescale their two weights to sum to one.
 *
 * $$\hat z_a = \bar z_a / (\bar z_a + \bar z_b), \qquad \hat z_b = 1 - \hat z_a$$
 * @param alpha α, logits, [operations]
 * @param epsilon ε, standard Gumbel noise, [operations]
 * @param tau τ, temperature, > 0
 * @param u two uniform numbers in (0, 1) for the two draws, [2]
 * @param samples how the two are drawn; with replacement they coincide more and more as τ falls, "from two to one"
 * Source: Algorithm 1; reading: samples.
 */
export function sampleTwo(
  alpha: readonly number[],
  epsilon: ArrayLike<number>,
  tau: number,
  u: ArrayLike<number>,
  samples: Readings['samples'],
): Draw {
  const logits = alpha.map((a, o) => (a + epsilon[o]) / tau);
  const [a, b] = pair(softmax(logits), u, samples);
  if (a === b) return { operations: [a], weights: [1] };
  // ẑ from the difference of the logits, so that z̄ = 0 of a small τ gives no 0/0
  const zHat = 1 / (1 + Math.exp(logits[b] - logits[a]));
  return { operations: [a, b], weights: [zHat, 1 - zHat] };
}

function pair(zBar: readonly number[], u: ArrayLike<number>, samples: Readings['samples']): [number, number] {
  if (samples === 'top two') {
    const order = zBar.map((_, o) => o).sort((o, p) => zBar[p] - zBar[o] || o - p);
    return [order[0], order[1]];
  }
  const first = draw(zBar, u[0]);
  if (samples === 'with replacement') return [first, draw(zBar, u[1])];
  const rest = zBar.map((z, o) => (o === first ? 0 : z));
  const left = rest.reduce((sum, z) => sum + z, 0);
  // nothing left in float64: the second weight is 0 whichever is taken
  if (left === 0) return [first, first === 0 ? 1 : 0];
  return [
    first,
    draw(
      rest.map((z) => z / left),
      u[1],
    ),
  ];
}

/**
 * One draw from a distribution by inversion.
 *
 * Rule: the first o with p_0 + … + p_o > u; never one with p_o = 0.
 * @param p probabilities, [operations]
 * @param u uniform number in (0, 1)
 * Source: Algorithm 1.
 */
export function draw(p: readonly number[], u: number): number {
  let sum = 0;
  let last = 0;
  for (let o = 0; o < p.length; o++) {
    if (p[o] === 0) continue;
    sum += p[o];
    last = o;
    if (sum > u) return o;
  }
  return last;
}

/**
 * The gradient of the loss by an edge's α, from the gradient by its ẑ.
 *
 * $$\partial \hat z_a / \partial \alpha_a = \hat z_a \hat z_b / \tau = -\,\partial \hat z_a / \partial \alpha_b$$
 * Only the two sampled operations get a gradient, of equal size and opposite sign; where both draws coincide ẑ = 1 is constant and none does.
 * @param drawn what was sampled for the edge
 * @param byZHat ∂L/∂ẑ of each sampled operation, [1 or 2]
 * @param tau τ, temperature, > 0
 * @param count number of operations |O|
 * Source: Eq. (4), Algorithm 1.
 */
export function alphaGradient(drawn: Draw, byZHat: readonly number[], tau: number, count: number): number[] {
  const gradient = new Array<number>(count).fill(0);
  if (drawn.operations.length < 2) return gradient;
  const [a, b] = drawn.operations;
  const slope = ((drawn.weights[0] * drawn.weights[1]) / tau) * (byZHat[0] - byZHat[1]);
  gradient[a] = slope;
  gradient[b] = -slope;
  return gradient;
}
