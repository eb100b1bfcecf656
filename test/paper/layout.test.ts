import { describe, expect, it } from 'vitest';
import { cellPlans } from '../../src/paper/layout';
import { defaultReadings } from '../../src/paper/readings';

const plans = cellPlans(48, 4, defaultReadings);

describe('the twelve cells', () => {
  it('alternate: R E R E R I, X D X D X D', () => {
    expect(plans.map((p) => p.type).join(' ')).toBe('red enc red enc red enc exp dec exp dec exp dec');
  });

  it('double the channels with each level, stem/4 · 2^level a node', () => {
    expect(plans.map((p) => p.level)).toEqual([1, 1, 2, 2, 3, 3, 2, 2, 1, 1, 0, 0]);
    expect(plans.map((p) => p.channels)).toEqual([96, 96, 192, 192, 384, 384, 192, 192, 96, 96, 48, 48]);
    expect(plans.map((p) => p.width)).toEqual(plans.map((p) => 12 * 2 ** p.level));
  });

  it('read the two last outputs; the first reads the stem twice', () => {
    expect(plans.map((p) => p.inputs.map((i) => i.from))).toEqual([
      [-1, -1],
      [-1, 0],
      ...Array.from({ length: 10 }, (_, i) => [i, i + 1]),
    ]);
  });

  it('sum the encoder map into the newer input of every decoder cell but the first (footnote 4)', () => {
    expect(plans.map((p) => p.inputs[1].skip)).toEqual([...Array(7).fill(undefined), 3, 3, 1, 1, -1]);
    expect(plans.every((p) => p.inputs[0].skip === undefined)).toBe(true);
    const unet = cellPlans(48, 4, { ...defaultReadings, decoderSum: 'expansion' });
    expect(unet.map((p) => p.inputs[1].skip)).toEqual([
      ...Array(7).fill(undefined),
      3,
      undefined,
      1,
      undefined,
      -1,
    ]);
  });

  it('bring inputs of another level to the cell', () => {
    const resize = plans.map((p) => p.inputs.map((i) => i.resize).join('/'));
    expect(resize).toEqual([
      'none/none',
      'reduce/none',
      'none/none',
      'reduce/none',
      'none/none',
      'reduce/none',
      'expand/expand',
      'expand/none',
      'expand/expand',
      'expand/none',
      'expand/expand',
      'expand/none',
    ]);
  });
});
