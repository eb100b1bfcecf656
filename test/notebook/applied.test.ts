import { describe, expect, it } from 'vitest';
import { phantomCase } from '../../src/data/phantom';
import { prepareCase } from '../../src/data/preprocess';
import { key } from '../../src/engine/keys';
import { appliedFigure, appliedTable, applyOperations, foregroundPatch } from '../../src/notebook/applied';
import { augmentedPatches } from '../../src/notebook/augmented';
import { cellFigure } from '../../src/notebook/cells';
import {
  alphaFigure,
  operationBars,
  operationCheckTable,
  operationCounts,
  searchFigure,
} from '../../src/notebook/charts';
import { operationColor } from '../../src/notebook/palette';
import { simplexFigure } from '../../src/notebook/simplex';
import type { SearchReport } from '../../src/paper/bilevel';
import { randomGenotype } from '../../src/paper/genotype';
import { operations } from '../../src/paper/operations';

const side = 11;
const middle = (side ** 3 - 1) / 2;
const one = { data: new Float32Array(side ** 3), shape: [side, side, side] as const };
one.data[middle] = 1;
const applied = applyOperations(operations, one, key(1));
const of = (name: string, stride = 1) => {
  const found = applied.find((a) => a.name === name && a.stride === stride);
  if (!found) throw new Error(name);
  return found;
};
/** Voxels that differ from the most frequent value, as offsets from the middle. */
const seen = (data: Float32Array) =>
  [...data.keys()]
    .filter((i) => Math.abs(data[i] - data[0]) > 1e-6)
    .map((i) => [Math.floor(i / side ** 2) - 5, (Math.floor(i / side) % side) - 5, (i % side) - 5]);

describe('operations on one bright voxel', () => {
  it.each([
    ['conv3', 1],
    ['sep2', 2],
    ['sep3', 3],
    ['sep4', 4],
  ])('%s has 27 taps, %i apart', (name, rate) => {
    const places = seen(of(name).data);
    expect(places).toHaveLength(27);
    expect(places.every((p) => p.every((v) => [-rate, 0, rate].includes(v)))).toBe(true);
  });

  it('pools make it a cube, of 1 and of 1/27; identity keeps it, zero removes it', () => {
    const values = (name: string) => [...new Set([...of(name).data].map((v) => v.toFixed(5)))].sort();
    expect(seen(of('maxpool').data)).toHaveLength(27);
    expect(values('maxpool')).toEqual(['0.00000', '1.00000']);
    expect(values('avgpool')).toEqual(['0.00000', (1 / 27).toFixed(5)]);
    expect(of('identity').data).toEqual(one.data);
    expect(values('zero')).toEqual(['0.00000']);
  });

  it('at stride two every shape is half', () => {
    for (const { name } of operations) expect(of(name, 2).shape).toEqual([6, 6, 6]);
  });

  it('weights depend on the name alone', () => {
    const alone = applyOperations([operations[2]], one, key(1));
    expect(alone[0].data).toEqual(of('sep3').data);
    expect(applyOperations([operations[2]], one, key(2))[0].data).not.toEqual(alone[0].data);
  });
});

describe('pictures', () => {
  it('every operation under its name and colour, two pictures each, and the patch', () => {
    const { svg } = appliedFigure(one, applied, { title: 'A <patch>' });
    expect(svg.match(/<image /g)).toHaveLength(17);
    for (const { name } of operations) {
      expect(svg).toContain(`>${name}</text>`);
      expect(svg).toContain(operationColor(name));
    }
    expect(svg).toContain('A &lt;patch&gt;');
    expect(svg).not.toMatch(/NaN|undefined/);
    const { rows } = appliedTable(applied);
    expect(rows).toHaveLength(16);
    expect(rows[8]).toEqual(['maxpool', 1, '11 × 11 × 11', '0.02', '0.14', '0.00', '1.00']);
  });

  it('a case’s patch is the first channel about its foreground', () => {
    const prepared = prepareCase({ ...phantomCase('Task04_Hippocampus', key(1, 'case', 0)), id: 'a' }, 3);
    const { data, shape } = foregroundPatch(prepared, [24, 32, 24]);
    expect(shape).toEqual([24, 32, 24]);
    expect(data).toEqual(augmentedPatches(prepared, [24, 32, 24], key(2))[0].image);
  });

  it('a triangle has corners where a weight is 1, and each point the colour of its heaviest', () => {
    const points = [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ];
    const { svg } = simplexFigure(['conv3', 'maxpool', 'zero'], [{ title: 'τ = 1', points }], { title: 'Z̄' });
    const corners = /polygon points="([^"]*)"/
      .exec(svg)?.[1]
      .split(' ')
      .map((c) => c.replace(',', ' '));
    const dots = [...svg.matchAll(/<path d="M([\d.]+ [\d.]+)h0" stroke="(#\w+)"/g)];
    expect(dots.map((d) => d[1])).toEqual(corners);
    expect(dots.map((d) => d[2])).toEqual(['conv3', 'maxpool', 'zero'].map(operationColor));
  });

  it('bars have the colours of their operations; a cell is a figure with its count', async () => {
    const bars = operationBars(operations, [1, 2, 3, 4, 5, 6, 7, 8], { title: 'a', yTitle: 'b' });
    expect(bars.series[0].colors).toEqual(operations.map((o) => operationColor(o.name)));
    expect(operationCounts(['sep2', 'sep2', 'zero'], operations).series[0].values).toEqual([
      0, 2, 0, 0, 0, 0, 0, 1,
    ]);
    const cell = await cellFigure('red', randomGenotype(operations, key(3)).cells.red);
    expect(cell.title).toBe('Reduction cell (red)');
    expect(cell.caption).toMatch(/^\d+ \w+, /);
  });

  it('captions count the operations that compete', () => {
    const nine = [...operations, { ...operations[0], name: 'mine' }];
    const rows = [[0, 0, 0, 0, 0, 0, 0, 0, 0]];
    expect(alphaFigure({ enc: rows, red: rows, dec: rows, exp: rows }, nine).caption).toContain(
      '1/9 = 0.111',
    );
    const report = { step: 1, tau: 1, entropyAlpha: 2, lossTheta: 1, lossAlpha: 1 } as SearchReport;
    expect(searchFigure([report], 9).caption).toContain('2.000 of ln 9 = 2.197');
  });

  it('checks of an operation are a table that says whether they hold', () => {
    const right = operationCheckTable(operations[6]);
    expect(right.title).toBe('identity: all checks hold');
    expect(right.rows.map((row) => row[0])).toEqual(new Array(7).fill('✓'));
    const wrong = operationCheckTable({ ...operations[6], cost: () => ({ multiplyAdds: -1, kept: 0 }) });
    expect(wrong.title).toBe('identity: 2 of 7 checks do not hold');
  });
});
