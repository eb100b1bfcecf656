/** The Mersenne Twister as numpy's RandomState seeds and uses it: only for folds that equal scikit-learn's. */

/** Draws of 32 bits from MT19937 after init_genrand(seed). */
export function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let next = 624;
  return () => {
    if (next === 624) {
      refill(state);
      next = 0;
    }
    let y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function refill(state: Uint32Array): void {
  for (let i = 0; i < 624; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
    state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}

/** 0 … n−1 in the order of numpy's RandomState(seed).shuffle. */
export function numpyShuffle(n: number, seed: number): number[] {
  const draw = mersenneTwister(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const mask = 2 ** (32 - Math.clz32(i)) - 1;
    let j = i + 1;
    while (j > i) j = (draw() & mask) >>> 0;
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
