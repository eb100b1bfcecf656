/** Exercises that judge themselves: claims about the reader's answer, each in words. */

/** True, or false, or words that say what is wrong. */
type Claim = () => boolean | string | undefined;

/**
 * Says whether an exercise is solved: a line on stdout if every claim holds, else one on stderr for each that does not.
 *
 * Nothing is thrown: after an error the kernel would drop the next cells.
 *
 * @param exercise its number, as in its heading
 * @param claims by what must hold, in words; a claim that throws does not hold
 */
export function check(exercise: string, claims: Readonly<Record<string, Claim>>): void {
  const wrong = Object.entries(claims).flatMap(([words, claim]) => {
    const found = judged(claim);
    return found === true ? [] : [`✗ Exercise ${exercise}: ${words}${found ? `; ${found}` : ''}`];
  });
  for (const line of wrong) console.error(line);
  if (wrong.length === 0) console.log(`✓ Exercise ${exercise}`);
}

function judged(claim: Claim): boolean | string {
  try {
    const found = claim();
    return found === undefined ? 'no answer yet' : found;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Whether a number is what it should be; if not, what it is.
 *
 * @param value the answer; undefined while there is none
 * @param expected what it should be
 * @param tolerance |value − expected| ≤ tolerance
 */
export function near(value: number | undefined, expected: number, tolerance = 1e-4): boolean | string {
  if (typeof value !== 'number') return 'no answer yet';
  return Math.abs(value - expected) <= tolerance || `found ${value}`;
}
