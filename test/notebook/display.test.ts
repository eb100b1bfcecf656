import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { inNotebook, live, show } from '../../src/notebook/display';
import { lineFigure } from '../../src/notebook/figure';
import { breathe, interruptSignal } from '../../src/notebook/interrupt';

const cache = createRequire(__filename).cache;
const KERNEL = '/anywhere/node_modules/tslab/dist/jupyter.js';
const figure = lineFigure({ a: [2, 1] }, { title: 'A line' });

/** Puts a kernel where the adapter looks for one, and keeps what it is sent. */
function kernel() {
  const sent: {
    message: { data: Record<string, unknown>; transient: { display_id?: string } };
    update: boolean;
  }[] = [];
  const lastWriteDisplayData = (message: (typeof sent)[0]['message'], update: boolean) =>
    sent.push({ message, update });
  cache[KERNEL] = { exports: { lastWriteDisplayData } } as unknown as NodeJS.Module;
  return sent;
}

afterEach(() => {
  delete cache[KERNEL];
  vi.restoreAllMocks();
});

describe('display', () => {
  it('sends every form of a figure in one message', () => {
    const sent = kernel();
    show(figure);
    expect(inNotebook()).toBe(true);
    expect(sent).toHaveLength(1);
    expect(Object.keys(sent[0].message.data)).toHaveLength(3);
    expect(sent[0].update).toBe(false);
  });

  it('prints the text where there is no notebook', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    show(figure);
    expect(inNotebook()).toBe(false);
    expect(log.mock.calls).toEqual([['A line: a 2 → 1 (2 points)']]);
  });

  it('a live display is one place: shown once, then updated, seldom, the last state always', () => {
    const sent = kernel();
    let now = 0;
    const place = live(() => now);
    const made: number[] = [];
    for (const [time, value] of [
      [0, 1],
      [100, 2],
      [200, 3],
      [800, 4],
      [900, 5],
    ]) {
      now = time;
      place.update(() => {
        made.push(value);
        return `step ${value}`;
      });
    }
    place.done();
    place.done();
    expect(sent.map((s) => [s.message.data['text/plain'], s.update])).toEqual([
      ['step 1', false],
      ['step 4', true],
      ['step 5', true],
    ]);
    expect(made).toEqual([1, 4, 5]);
    expect(new Set(sent.map((s) => s.message.transient.display_id)).size).toBe(1);
  });

  it('a live plot is a static picture until it is done', () => {
    const sent = kernel();
    let now = 0;
    const place = live(() => now);
    for (now of [0, 1000, 2000]) place.update(figure);
    place.done();
    place.done();
    const still = ['image/svg+xml', 'text/plain'];
    expect(sent.map((s) => Object.keys(s.message.data).sort())).toEqual([
      still,
      still,
      still,
      ['application/vnd.plotly.v1+json', ...still],
    ]);
    expect(sent.map((s) => s.update)).toEqual([false, true, true, true]);
  });

  it('after done it is a new place: a cell that is run again has no old one', () => {
    const sent = kernel();
    const place = live(() => 0);
    for (const words of ['before', 'again']) {
      place.update(words);
      place.done();
    }
    expect(sent.map((s) => s.update)).toEqual([false, false]);
    expect(new Set(sent.map((s) => s.message.transient.display_id)).size).toBe(2);
  });
});

describe('interrupt', () => {
  it('trips the loops that run, once, and the next loop begins afresh', async () => {
    const first = interruptSignal();
    expect(interruptSignal()).toBe(first);
    expect(await breathe(first)).toBe(true);
    process.emit('SIGINT');
    expect(first.aborted).toBe(true);
    expect(await breathe(first)).toBe(false);
    const second = interruptSignal();
    expect(second.aborted).toBe(false);
    await breathe(second);
    process.emit('SIGINT');
    expect(second.aborted).toBe(true);
  });
});
