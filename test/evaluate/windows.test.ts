/** Windows against today's nnunetv2; where it differs from nnU-Net v1, the difference is the one that the fixture's script names. */
import { describe, expect, it } from 'vitest';
import type { Shape3 } from '../../src/engine/model';
import { gaussianWeights, windowStarts } from '../../src/evaluate/window';
import today from '../fixtures/evaluate/windows-nnunetv2.json';

describe('window positions', () => {
  it('are nnunetv2’s, but for halves, which go down as in v1', () => {
    let other = 0;
    for (const { size, patch, v2, halves } of today.positions) {
      const ours = windowStarts(size, patch);
      expect(ours).toHaveLength(v2.length);
      for (const [i, start] of ours.entries()) {
        const exact = v2.length === 1 ? 0 : (i * (size - patch)) / (v2.length - 1);
        expect(start).toBe(halves.includes(i) ? Math.floor(exact) : v2[i]);
        other += Number(start !== v2[i]);
      }
      expect(ours[ours.length - 1]).toBe(Math.max(0, size - patch));
    }
    expect(other).toBeGreaterThan(0);
  });
});

describe('Gaussian weights', () => {
  it.each(today.maps)('of $patch: nnunetv2’s + 1e-8 where both have the same σ, within 1e-7', (row) => {
    const ours = gaussianWeights(row.patch as unknown as Shape3).filter((_, i) => i % row.every === 0);
    expect(ours).toHaveLength(row.v2.length);
    const worst = row.v2.reduce((most, v, i) => Math.max(most, Math.abs(ours[i] - 1e-8 - v)), 0);
    if (row.sameSigma) expect(worst).toBeLessThan(1e-7);
    else expect(worst).toBeGreaterThan(0.01);
  });
});
