/**
 * Randomness as a key: every random number is a pure function of (seed, purpose, step, …), never of what ran before.
 *
 * The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): counter and key in, 128 random bits out.
 */

/** A 64-bit key. Make one with {@link key}, narrow it with {@link fold}. */
export interface Key {
  readonly hi: number;
  readonly lo: number;
}

/** Where a block of four words is left: a million of them need no million arrays. */
const block = new Uint32Array(4);

/** Philox4x32 with 10 rounds: the 128-bit counter (c0, c1, c2, c3) under the 64-bit key (k0, k1), into `block`. */
function fillBlock(c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  for (let round = 0; round < 10; round++) {
    const high0 = mulHigh(0xd2511f53, c0);
    const high1 = mulHigh(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    const low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

/** Philox4x32 with 10 rounds: the 128-bit counter `c` under the 64-bit key (k0, k1). */
export function philox(c: readonly number[], k0: number, k1: number): [number, number, number, number] {
  fillBlock(c[0], c[1], c[2], c[3], k0, k1);
  return [block[0], block[1], block[2], block[3]];
}

/** The upper 32 bits of a 32 × 32 bit product, of numbers whose sign is ignored. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = Math.imul(a0, b0) >>> 16;
  const middle = (Math.imul(a1, b0) >>> 0) + low;
  const carry = (middle & 0xffff) + (Math.imul(a0, b1) >>> 0);
  return (Math.imul(a1, b1) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** The key of a seed and a purpose, as in `key(7, 'gumbel', step)`. */
export function key(seed: number, ...parts: (string | number)[]): Key {
  return fold({ hi: Math.floor(seed / 2 ** 32) >>> 0, lo: seed >>> 0 }, ...parts);
}

/** A key within a key: strings and whole numbers are folded in one after the other, so (a, b) differs from (b, a). */
export function fold(parent: Key, ...parts: (string | number)[]): Key {
  let { hi, lo } = parent;
  for (const part of parts) {
    const words =
      typeof part === 'number'
        ? [part >>> 0, Math.floor(part / 2 ** 32) >>> 0, 0x6e756d62]
        : [...Array.from(part, (letter) => letter.codePointAt(0) ?? 0), 0x74657874];
    for (const word of words)
      [hi, lo] = philox([word, 0, 0, 0x6b6579], hi, lo) as unknown as [number, number];
  }
  return { hi, lo };
}

/** `n` uniform numbers in the open interval (0, 1), 32 bits each: never 0 and never 1, so logarithms of them are finite. */
export function uniform({ hi, lo }: Key, n: number): Float64Array {
  const out = new Float64Array(n);
  for (let i = 0; i < n; i += 4) {
    fillBlock(i / 4, 0, 0, 0, hi, lo);
    for (let j = 0; j < 4 && i + j < n; j++) out[i + j] = (block[j] + 0.5) / 2 ** 32;
  }
  return out;
}

/** `n` whole numbers, each 0 ≤ k < `below`. */
export function integers(k: Key, n: number, below: number): number[] {
  return Array.from(uniform(k, n), (u) => Math.floor(u * below));
}

/** `n` standard normal numbers (Box–Muller). */
export function normal(k: Key, n: number): Float32Array {
  const u = uniform(k, 2 * Math.ceil(n / 2));
  const out = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(u[i]));
    out[i] = radius * Math.cos(2 * Math.PI * u[i + 1]);
    if (i + 1 < n) out[i + 1] = radius * Math.sin(2 * Math.PI * u[i + 1]);
  }
  return out;
}

/** `n` numbers of the standard Gumbel distribution, ε = −log(−log u): finite, since 0 < u < 1. */
export function gumbel(k: Key, n: number): Float64Array {
  return uniform(k, n).map((u) => -Math.log(-Math.log(u)));
}
