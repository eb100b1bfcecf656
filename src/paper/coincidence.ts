/**
 * How many operations Algorithm 1 computes on an edge, exactly: "the number of sampled operations on each edge is naturally reduced from two to one".
 *
 * Two draws with replacement from Z̄ coincide with probability Σ_o Z̄_o², so the mean over the Gumbel noise is wanted. With z̄_o = w_o / Σ w and
 * w_o = e^{(α_o + ε_o)/τ}, writing 1/(Σ w)² as an integral over t splits the expectation into one factor an operation; v = −τ ln t is on ε's scale.
 */

/** Between two places of a sum, on the scale of what is summed. */
const STEP = 0.2;

const density = (g: number) => Math.exp(-g - Math.exp(-g));
const cumulated = (g: number) => Math.exp(-Math.exp(-g));

/**
 * The chance that two draws with replacement from an edge's Z̄ are the same operation.
 *
 * $$\mathbb{E}_\varepsilon \sum_o \bar Z_o^2 = \frac{1}{\tau}\int \sum_o A(v - \alpha_o) \prod_{p \ne o} \varphi(v - \alpha_p)\, dv$$
 * $$\varphi(v) = \mathbb{E}\, e^{-e^{(\varepsilon - v)/\tau}}, \qquad A(v) = \mathbb{E}\, e^{2(\varepsilon - v)/\tau} e^{-e^{(\varepsilon - v)/\tau}}$$
 * @param alpha α, logits, [operations]
 * @param tau τ, temperature, > 0
 * Errors: none; the trapezoidal sums are right to about 1e-6 for 0.03 ≤ τ ≤ 30.
 * Source: Algorithm 1, Eq. (4); the integral is ours.
 */
export function coincidence(alpha: readonly number[], tau: number): number {
  const least = Math.min(...alpha);
  const most = Math.max(...alpha);
  const step = STEP * Math.max(1, tau);
  const places = range(least - 4 - 5 * tau, most + 25 + 18 * tau, step);
  // Equal strengths share their factors.
  const factors = new Map([...new Set(alpha)].map((a) => [a, places.map((v) => factorsAt(v - a, tau))]));
  const own = alpha.map((a) => factors.get(a) ?? []);
  const integrand = (i: number) =>
    own.reduce(
      (sum, mine, o) =>
        sum + mine[i].a * own.reduce((product, other, p) => (p === o ? product : product * other[i].phi), 1),
      0,
    );
  return (step / tau) * places.reduce((sum, _, i) => sum + integrand(i), 0);
}

/** φ and A at v; φ by parts, so that both are smooth sums over x = (ε − v)/τ for any τ. */
function factorsAt(v: number, tau: number): { phi: number; a: number } {
  const step = STEP * Math.min(1, 1 / tau);
  let [phi, a] = [0, 0];
  for (let x = -18; x < 4; x += step) {
    const decay = Math.exp(x - Math.exp(x));
    phi += cumulated(v + tau * x) * decay;
    a += density(v + tau * x) * decay * Math.exp(x);
  }
  return { phi: step * phi, a: tau * step * a };
}

/**
 * Distinct operations that a step computes on an edge, in the mean: 2 less the chance that both draws coincide.
 *
 * $2 - \mathbb{E}_\varepsilon \sum_o \bar Z_o^2$: 15/8 for eight equal operations as τ → ∞, 1 as τ → 0
 * @param alpha α, logits, [operations]
 * @param tau τ, temperature, > 0
 * Source: Algorithm 1 in the reading "with replacement"; in the others it is 2 at any τ.
 */
export function operationsPerEdge(alpha: readonly number[], tau: number): number {
  return 2 - coincidence(alpha, tau);
}

const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);
