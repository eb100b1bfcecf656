import { describe, expect, it } from 'vitest';
import { integers, key } from '../../src/engine/keys';
import { cases, cotangent, inputsOf } from './cases';
import type { Value } from './naive';

/** Half the step of a central difference; float64 leaves about 1e-10 of error. */
const STEP = 1e-5;
/** Coordinates tried in each input. */
const TRIED = 40;

const dot = (a: Value, b: Value) => a.data.reduce((sum, v, i) => sum + v * b.data[i], 0);

describe('naive loops agree with central differences within 1e-6', () => {
  it.each([...cases(2, [4, 3, 5], 2, 3), ...cases(1, [5, 2, 4], 3, 2)])('$name', (row) => {
    const inputs = inputsOf(row);
    const { y, pull } = row.loop(inputs);
    const dy = cotangent(y);
    const gradients = pull(dy);
    expect(gradients.map(({ shape }) => shape)).toEqual(row.shapes);
    inputs.forEach((input, which) => {
      const places = integers(key(5, row.name, which), TRIED, input.data.length);
      const moved = (place: number, by: number) => {
        const data = input.data.slice();
        data[place] += by;
        const others = inputs.map((value, j) => (j === which ? { ...value, data } : value));
        return dot(row.loop(others).y, dy);
      };
      const differences = places.map((place) => (moved(place, STEP) - moved(place, -STEP)) / (2 * STEP));
      const gradient = gradients[which].data;
      // Relative to the whole gradient: those of a maximum are zero at most places.
      const error = Math.hypot(...places.map((place, i) => differences[i] - gradient[place]));
      expect(error / Math.hypot(...gradient), `input ${which}`).toBeLessThan(1e-6);
    });
  });
});
