/** An error that a user can act on: it says where, what was expected, what was found and what to do next. */
export class ScnasError extends Error {
  override readonly name = 'ScnasError';
}

/** Throws a {@link ScnasError} of one line: `where: expected …, found …; next step`. */
export function fail(what: { where: string; expected: string; found: string; next: string }): never {
  throw new ScnasError(`${what.where}: expected ${what.expected}, found ${what.found}; ${what.next}`);
}
