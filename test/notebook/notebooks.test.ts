/**
 * Every committed notebook, run as a reader runs it: a test each, `… -t 03-search` runs one alone (vitest reads a bare 00 as the number 0).
 *
 * Each exercise stands in the run twice, first as the student gets it and then solved, so that one run shows that solutions pass and that
 * an unsolved exercise does not.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { changes, unlike } from '../../src/notebook/compare';
import { apart, unsolvedProblems, withUnsolved } from '../../src/notebook/course';
import { execute, problems, readNotebook } from '../../src/notebook/execute';
import { formProblems } from '../../src/notebook/form';

const folder = path.join(__dirname, '..', '..', 'notebooks');
const names = fs
  .readdirSync(folder)
  .filter((file) => file.endsWith('.ipynb'))
  .map((file) => file.replace('.ipynb', ''));
/** Run a second time in a kernel of its own, which must give the same to the last letter. */
const twice = ['00-quickstart', '02-gumbel-relaxation'];

it('there are notebooks', () => expect(names.length).toBeGreaterThan(0));

describe.each(names)('%s', (name) => {
  const committed = readNotebook(path.join(folder, `${name}.ipynb`));

  it('is committed as it ran, in the form of all notebooks', () => {
    expect([...problems(committed), ...formProblems(committed, name)]).toEqual([]);
  });

  it('runs, and shows what the committed one shows; solutions pass, unsolved exercises fail', {
    timeout: 900_000,
  }, async () => {
    const { solved, unsolved } = apart(await execute(withUnsolved(committed)));
    expect([...problems(solved), ...formProblems(solved, name), ...unsolvedProblems(unsolved)]).toEqual([]);
    expect(changes(committed, solved)).toEqual([]);
    if (twice.includes(name)) expect(unlike(solved, await execute(committed))).toEqual([]);
  });
});
