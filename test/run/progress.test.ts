import { describe, expect, it } from 'vitest';
import { duration, progressLine, progressText } from '../../src/run/progress';

/** A stream that remembers, and a clock that is moved by hand. */
const setUp = (isTTY: boolean, from = 0) => {
  const clock = { ms: 0 };
  const written: string[] = [];
  const stream = { isTTY, columns: 100, write: (text: string) => written.push(text) };
  const bar = progressLine({ phase: 'search', total: 100, from, stream, now: () => clock.ms });
  return { clock, written, bar };
};

describe('the progress line', () => {
  it('says phase, step, time left and facts', () => {
    const text = progressText({
      phase: 'search',
      step: 30,
      total: 100,
      from: 10,
      seconds: 40,
      facts: { loss: 0.51234, τ: 9.9, rate: 3e-7 },
      width: 120,
      bar: true,
    });
    expect(text).toBe(
      'search ██████░░░░░░░░░░░░░░ 30/100 in 40 s, 2 min 20 s left  loss 0.512  τ 9.90  rate 3.0e-7',
    );
  });

  it('fits the terminal', () => {
    const text = progressText({
      phase: 'search',
      step: 1,
      total: 9,
      from: 0,
      seconds: 1,
      facts: { loss: 1 },
      width: 20,
      bar: true,
    });
    expect(text.length).toBe(19);
  });

  it('is rewritten in place on a terminal, at most ten times a second', () => {
    const { clock, written, bar } = setUp(true);
    for (let step = 1; step <= 100; step++) {
      clock.ms += 10;
      bar.update(step, {});
    }
    expect(written.length).toBeLessThanOrEqual(11);
    expect(written.join('')).not.toContain('\n');
    bar.done();
    expect(written.join('')).toMatch(/100\/100 in 1 s\n$/);
  });

  it('is a plain line every ten seconds elsewhere, and at the end', () => {
    const { clock, written, bar } = setUp(false);
    for (let step = 1; step <= 100; step++) {
      clock.ms += 250;
      bar.update(step, { loss: 0.5 });
    }
    bar.done();
    expect(written).toHaveLength(4);
    expect(written.every((line) => line.endsWith('\n') && !line.includes('\r') && !line.includes('█'))).toBe(
      true,
    );
    expect(written[3]).toContain('100/100');
  });

  it('does not count steps of an earlier part for the time left', () => {
    const { clock, written, bar } = setUp(false, 50);
    clock.ms = 10_000;
    bar.update(60, {});
    expect(written[0]).toContain('60/100 in 10 s, 40 s left');
  });

  it.each([
    [8.4, '8 s'],
    [200, '3 min 20 s'],
    [7500, '2 h 5 min'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
