import { describe, expect, it } from 'vitest';
import { key } from '../../src/engine/keys';
import { cellDot, cellSvg, countOperations, genotypeFigure } from '../../src/notebook/cells';
import { networkSvg } from '../../src/notebook/network-svg';
import { operationColor } from '../../src/notebook/palette';
import { cellTypes, edgesOf, type GenotypeEdge, randomGenotype } from '../../src/paper/genotype';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';

const names = operations.map((o) => o.name);
/** Every operation at least once; node 5 has only zero edges. */
const edges: GenotypeEdge[] = edgesOf(4).map((e, i) => ({ ...e, op: e.to === 5 ? 'zero' : names[i % 7] }));

describe('a cell', () => {
  it('has each edge once, with its name and colour, and no zero edge unless asked', () => {
    const dot = cellDot(edges);
    for (const { from, to, op } of edges) {
      const line = dot.split('\n').filter((l) => l.startsWith(`${from} -> ${to} `));
      expect(line).toHaveLength(op === 'zero' ? 0 : 1);
      if (op !== 'zero') expect(line[0]).toContain(`color="${operationColor(op)}"`);
    }
    expect(cellDot(edges, { zero: 'pale' }).match(/style=dotted/g)).toHaveLength(5);
  });

  it('shows a node that nothing reaches as dashed', () => {
    expect(cellDot(edges)).toMatch(/^5 \[.*dashed/m);
    expect(cellDot(edges)).not.toMatch(/^4 \[.*dashed/m);
  });

  it('is drawn with every operation’s label', async () => {
    const svg = await cellSvg('red', edges);
    for (const name of names.slice(0, 7)) expect(svg.split(`>${name}<`).length - 1).toBeGreaterThanOrEqual(2); // legend and edge
    expect(svg).toContain('Reduction cell (red)');
    expect(svg).not.toContain('<title>0&#45;&gt;2');
  });

  it('is counted, most frequent first', () => {
    expect(countOperations(edges)).toBe(
      '5 zero, 2 conv3, 2 sep2, 1 sep3, 1 sep4, 1 maxpool, 1 avgpool, 1 identity',
    );
  });
});

describe('a genotype', () => {
  it('is four cells in one picture, the same twice', async () => {
    const genotype = randomGenotype(operations, key(5, 'drawn'));
    const figure = await genotypeFigure(genotype);
    expect(figure.svg.match(/<svg /g)).toHaveLength(1 + cellTypes.length);
    expect((await genotypeFigure(genotype)).svg).toBe(figure.svg);
  });
});

describe('the network', () => {
  const svg = networkSvg({ stem: 48, patch: [128, 96, 64], inputs: 4, classes: 3 });

  it('has stem, twelve cells and out, with the channels and shapes of each level', () => {
    expect(svg.match(/rx="5"/g)).toHaveLength(14);
    // level 0: stem and the last two cells; levels 1 and 2: four cells each; level 3: two
    for (const [channels, shape, count] of [
      [48, '128×96×64', 3],
      [96, '64×48×32', 4],
      [192, '32×24×16', 4],
      [384, '16×12×8', 2],
    ] as const) {
      expect(svg.split(`>${channels} channels<`).length - 1).toBe(count);
      expect(svg).toContain(`>${shape}<`);
    }
    expect(svg).toContain('>3 channels<');
  });

  it('draws a sum for each decoder cell that has one, in either reading', () => {
    const sums = (text: string) => text.match(/r="5.5"/g)?.length;
    expect(sums(svg)).toBe(5);
    const readings = { ...defaultReadings, decoderSum: 'expansion' as const };
    expect(sums(networkSvg({ stem: 48, patch: [64, 64, 64], inputs: 1, classes: 2, readings }))).toBe(3);
  });
});
