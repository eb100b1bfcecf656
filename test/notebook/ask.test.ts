import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const root = path.join(__dirname, '..', '..');

type Ask = { readonly run: string } | { readonly complete: string } | { readonly hover: string };

const names =
  'cellTypes, defaultReadings, derive, derivedNetwork, key, newSearch, operations, publishedRuns, randomGenotype, runFrom, sliceFigure, tf, totalCost';
const asks: readonly Ask[] = [
  {
    run: `import { ${names} } from 'scnas';
const g = randomGenotype(operations, key(1, 'x'));
const net = derivedNetwork({ inputs: 1, classes: 3, stem: 8, operations: operations, readings: defaultReadings }, g);
g`,
  },
  { run: 'g' },
  { run: 'await Promise.resolve(net.cost([24, 32, 24]))' },
  { run: "runFrom('results/task04-laptop/scnas')" },
  { run: "publishedRuns('task04-laptop/scnas')" },
  { run: 'tf.tensor([[1, 2], [3, 4]])' },
  { run: "console.log('step', tf.zeros([100]), g.cells.enc.length)" },
  { run: '[1, 2]' },
  { run: 'g;\nundefined' },
  { complete: 'g.|' },
  { complete: 'g.cells.|' },
  { complete: 'newSearch({ |' },
  { complete: 'defaultReadings.|' },
  { complete: 'randomGen|' },
  { complete: 'sliceFigure({ data: [], shape: [1, 1, 1] }, { |' },
  { complete: 'publishedRuns()[0].|' },
  { hover: "rand|omGenotype(operations, key(1, 'x'))" },
  { hover: 'der|ive' },
  { hover: 'net.co|st' },
  { hover: 'n|et' },
];

describe('what the kernel shows of scnas', () => {
  let answers: readonly { readonly answer: string | readonly string[] }[];
  const to = (ask: string) => {
    const i = asks.findIndex((asked) => Object.values(asked)[0].startsWith(ask));
    return answers[i].answer;
  };
  beforeAll(() => {
    const python = path.join(root, '.venv', 'bin', 'python');
    const out = execFileSync(python, [path.join(__dirname, 'ask.py')], {
      cwd: root,
      input: JSON.stringify(asks),
      encoding: 'utf8',
    });
    answers = JSON.parse(out.trim().split('\n').slice(-1)[0]);
  }, 600_000);

  it('last expressions: a genotype, a cost, a run and a tensor as a reader wants them; others as they were', () => {
    expect(to('g')).toMatch(/^Genotype: 14 edges in each of four cells\nedge/);
    expect(to('await Promise')).toMatch(/^Cost of one sample\npart[\s\S]*\nstem[\s\S]*\nall +182/);
    expect(to('runFrom')).toMatch(/^Run: scnas on Task04_Hippocampus[\s\S]*Dice, mean, % +87\.57/);
    expect(to('publishedRuns')).toMatch(/^1 record\n[\s\S]*task04-laptop\/scnas +Task04_Hippocampus +scnas/);
    expect(to('tf.tensor')).toBe('Tensor float32 [2, 2] [[1, 2], [3, 4]]\n');
    expect(to('console.log')).toBe('step Tensor float32 [100], 0 to 0, mean 0 14\n');
    expect(to('[1, 2]')).toBe('[ 1, 2 ]\n');
    expect(to('g;\n')).toBe('');
  });

  it('completion knows members, the keys of a record that is asked for, and imported names', () => {
    expect(to('g.|')).toEqual(['cells', 'operations', 'schema', 'source']);
    expect(to('g.cells.|')).toEqual(['dec', 'enc', 'exp', 'red']);
    expect(to('newSearch({')).toEqual(['batch', 'net', 'options', 'seed', 'sets']);
    expect(to('defaultReadings')).toContain('derivation');
    expect(to('randomGen')).toContain('randomGenotype');
    expect(to('sliceFigure')).toEqual(expect.arrayContaining(['maps', 'overlays', 'range', 'title']));
    expect(to('publishedRuns()[0]')).toEqual(['cases', 'dir', 'genotype', 'record', 'where']);
  });

  it('hover gives types by name, and the doc comment with its formula', () => {
    expect(to('rand|')).toContain(
      'randomGenotype(operations: readonly Operation[], k: Key, n?: number): Genotype',
    );
    expect(to('rand|')).toContain('An architecture drawn uniformly');
    expect(to('der|ive')).toContain('\\mathrm{argmax}');
    expect(to('net.co|st')).toContain('Network.cost(patch: Shape3): readonly LayerCost[]');
    expect(to('n|et')).toBe('const net: Network');
  });
});
