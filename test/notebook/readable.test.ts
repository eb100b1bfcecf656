import path from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { phantomTasks } from '../../src/data/phantom';
import { key } from '../../src/engine/keys';
import { tf } from '../../src/engine/tf';
import { type Figure, lineFigure } from '../../src/notebook/figure';
import { catchLastExpression, showingLog } from '../../src/notebook/printing';
import { installTensorText, readable, tensorText } from '../../src/notebook/readable';
import { publishedRuns } from '../../src/notebook/records';
import { retrainReports } from '../../src/notebook/runs';
import { toText } from '../../src/notebook/text';
import { operationCosts, totalCost } from '../../src/paper/cost';
import { derive } from '../../src/paper/derive';
import { cellTypes, randomGenotype } from '../../src/paper/genotype';
import { derivedNetwork, supernet } from '../../src/paper/network';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';
import { openRun, readRecord } from '../../src/run/folder';

const genotype = randomGenotype(operations, key(1, 'readable'));
const options = { inputs: 1, classes: 3, stem: 8, operations, readings: defaultReadings };
const network = derivedNetwork(options, genotype);
const layers = network.cost([24, 32, 24]);
const results = path.join(__dirname, '..', '..', 'results', 'task04-laptop', 'scnas');
const words = (value: unknown) => {
  const shown = readable(value);
  return shown === undefined ? undefined : typeof shown === 'string' ? shown : toText(shown);
};
const table = (value: unknown) => {
  const shown = readable(value);
  if (typeof shown !== 'object' || shown.kind !== 'table') throw new Error('no table');
  return shown;
};

describe('values that a cell ends with', () => {
  it('a genotype is a table of its edges, also as a copy and as JSON', () => {
    const { rows, columns } = table(genotype);
    expect(columns).toEqual(['edge', ...cellTypes]);
    expect(rows).toHaveLength(14);
    for (const [e, row] of rows.entries())
      expect(row.slice(1)).toEqual(cellTypes.map((type) => genotype.cells[type][e].op));
    expect(words({ ...genotype })).toBe(words(genotype));
    expect(words(JSON.parse(JSON.stringify(genotype)))).toBe(words(genotype));
  });

  it('what was derived has the margin behind each operation', () => {
    const row = [0.5, 0, 0, 0, 0, 0, 0, 0];
    const alpha = Object.fromEntries(cellTypes.map((t) => [t, genotype.cells[t].map(() => row)]));
    const derived = derive(alpha as never, operations, defaultReadings, {});
    // softmax of (½, 0 × 7): e^½ / (e^½ + 7) less 1 / (e^½ + 7)
    const margin = (Math.exp(0.5) - 1) / (Math.exp(0.5) + 7);
    expect(table(derived).rows[0][1]).toBe(`conv3 (${margin.toFixed(3)})`);
    expect(words(alpha)).toMatch(/4 cell types × 14 edges × 8 operations/);
  });

  it('a cost has a row for stem, twelve cells, out and all, which add up', () => {
    const { rows } = table(layers);
    expect(rows.map(([name]) => name)).toEqual([
      'stem',
      ...network.cost([24, 32, 24]).flatMap(({ name }, i, all) => {
        const part = name.split('/')[0];
        return /^\d/.test(part) && all[i - 1]?.name.split('/')[0] !== part ? [part] : [];
      }),
      'out',
      'all',
    ]);
    expect(rows).toHaveLength(15);
    const parameters = rows.map((row) => Number(String(row[3]).replace(/,/g, '')));
    expect(parameters[14]).toBe(totalCost(layers).parameters);
    expect(parameters.slice(0, 14).reduce((a, b) => a + b, 0)).toBe(parameters[14]);
    expect(words(totalCost(layers))).toContain(
      `${totalCost(layers).parameters.toLocaleString('en-GB')} parameters`,
    );
  });

  it.each<[string, unknown, RegExp]>([
    ['a network', network, /^Network scnas: 1 channel → 3 classes, [\d,]+ parameters/],
    ['the supernet', supernet(options), /12 cells, 8 operations an edge/],
    ['operations', operations, /8 operations[\s\S]*conv3 +3×3×3 convolution/],
    ['an operation', operations[0], /^conv3: 3×3×3 convolution$/],
    [
      'their costs',
      operationCosts({ width: 4, stride: 1, affine: true, poolNorm: false, identity: 'factorized reduce' }),
      /conv3 .* 432 +440/,
    ],
    [
      'a run',
      openRun(results),
      /Run: scnas on Task04_Hippocampus, configuration laptop[\s\S]*Dice, mean, % +87\.57/,
    ],
    ['a record', readRecord({ dir: results }), /search +800 steps, 928 s/],
    [
      'a record with its cases',
      publishedRuns('task04-laptop/scnas')[0],
      /^Record: results\/task04-laptop\/scnas\n/,
    ],
    [
      'records',
      publishedRuns('task04-laptop'),
      /^2 records\n[\s\S]*task04-laptop\/scnas +Task04_Hippocampus +scnas +0, 0 +3,000 steps +87\.57/,
    ],
    [
      'scores of cases',
      publishedRuns('task04-laptop/scnas')[0].cases,
      /hippocampus_034 +90\.63 +90\.12 +90\.38/,
    ],
    [
      'reports of a loop',
      retrainReports(openRun(results)),
      /^3,000 reports, steps 1 to 3000, loss [\d.]+ → 0\.127$/,
    ],
    ['a long array', new Float32Array(100).fill(2), /^Float32Array of 100: 2 to 2, mean 2$/],
    ['an array with NaN', Float32Array.from({ length: 100 }, (_, i) => (i ? 1 : Number.NaN)), /1 NaN$/],
  ])('%s says what it is', (_, value, expected) => {
    expect(words(value)).toMatch(expected);
  });

  it('what prints well as it is stays as it is', () => {
    for (const value of [
      1,
      'a',
      null,
      undefined,
      [1, 2],
      { a: 1 },
      new Float32Array(3),
      new Map(),
      phantomTasks[0],
    ])
      expect(readable(value)).toBeUndefined();
  });
});

describe('tensors', () => {
  it('few values are written out, many by their range', () => {
    expect(
      tensorText(
        tf.tensor([
          [1, 2.5],
          [3, -4],
        ]),
      ),
    ).toBe('Tensor float32 [2, 2] [[1, 2.5], [3, −4]]');
    expect(tensorText(tf.linspace(0, 1, 101))).toBe('Tensor float32 [101], 0 to 1, mean 0.5');
    expect(tensorText(tf.zeros([0, 3]))).toBe('Tensor float32 [0, 3], empty');
    const gone = tf.zeros([2]);
    gone.dispose();
    expect(tensorText(gone)).toBe('Tensor float32 [2], disposed');
  });

  it('Node prints them so, inside other values too', () => {
    installTensorText();
    expect(inspect({ x: tf.scalar(2) })).toBe('{ x: Tensor float32 [] 2 }');
  });
});

describe('in the kernel', () => {
  const drawn: Figure[] = [];
  const printed: unknown[][] = [];
  const log = showingLog(
    (...values) => printed.push([...values]),
    (figure) => drawn.push(figure),
  );
  const figure = lineFigure({ a: [1, 2] }, { title: 'Line' });

  it('console.log draws one figure, and words among others', () => {
    log(figure);
    expect(drawn.splice(0)).toEqual([figure]);
    log('see', figure, 3);
    log('plain');
    expect(printed.splice(0)).toEqual([['see', 'Line: a 1 → 2 (2 points)', 3], ['plain']]);
  });

  it('a last expression that is known is drawn and not printed; others are printed', () => {
    const target: Record<string, unknown> = { tsLastExpr: undefined, kept: 1 };
    catchLastExpression(target, (known) => drawn.push(known));
    // What the kernel does behind a cell.
    const taken = () => {
      const value = target.tsLastExpr;
      delete target.tsLastExpr;
      return value;
    };
    target.tsLastExpr = figure;
    expect([taken(), drawn.splice(0)]).toEqual([undefined, [figure]]);
    target.tsLastExpr = 5;
    expect(taken()).toBe(5);
    target.tsLastExpr = operations[0];
    expect([taken(), drawn.length]).toEqual(['conv3: 3×3×3 convolution', 0]);
    expect(Object.keys(target)).toEqual(['kept']);
  });
});
