/** The command line from outside: what it prints, and what it says to bad input. In this process, with its output caught. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readNifti, writeLabelMap } from '../../src/data/nifti';
import { writePhantom } from '../../src/data/phantom';
import { key } from '../../src/engine/keys';
import { totalCost } from '../../src/paper/cost';
import { type Genotype, randomGenotype } from '../../src/paper/genotype';
import { derivedNetwork } from '../../src/paper/network';
import { operations } from '../../src/paper/operations';
import { defaultReadings } from '../../src/paper/readings';
import { main } from '../../src/run/cli';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-cli-'));
const at = (...names: string[]) => path.join(folder, ...names);
const TASK = 'Task04_Hippocampus';
const small = [
  '--config',
  'smoke',
  '--set',
  'readings.nodes=two',
  '--set',
  'search.stem=2',
  '--set',
  'retrain.stem=2',
];

/** Runs a command; what it printed and its exit code. */
const scnas = async (...args: string[]) => {
  const caught = { out: '', err: '' };
  const into = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    caught[stream] += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(into('out'));
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(into('err'));
  try {
    return {
      code: await main(['node', 'scnas', ...args]),
      ...caught,
      get text() {
        return caught.out + caught.err;
      },
    };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
};

/** A copy of the small data set that a test may spoil. */
let copies = 0;
const spoiled = (spoil: (root: string) => void) => {
  const root = at(`spoiled-${copies++}`, TASK);
  fs.cpSync(at(TASK), root, { recursive: true });
  spoil(root);
  return root;
};
const jsonIn = (root: string) => JSON.parse(fs.readFileSync(path.join(root, 'dataset.json'), 'utf8'));
const setJson = (root: string, json: unknown) =>
  fs.writeFileSync(path.join(root, 'dataset.json'), JSON.stringify(json));

beforeAll(() => {
  writePhantom({ task: TASK, cases: 6, seed: 3, size: [20, 24, 20], out: folder });
});
afterEach(() => {
  process.exitCode = 0;
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('help', () => {
  const commands = [
    'start',
    'plan',
    'search',
    'derive',
    'retrain',
    'evaluate',
    'predict',
    'publish',
    'cost',
    'data',
    'augment',
    'phantom',
    'cache',
    'doctor',
  ];
  it.each(commands)('of %s has an example', async (command) => {
    const { code, out } = await scnas(command, '--help');
    expect(code).toBe(0);
    expect(out).toContain(`Usage: scnas ${command}`);
    expect(out).toMatch(new RegExp(`Examples?:\\n {2}scnas ${command}`));
  });

  it('of scnas names them all; an unknown command or option is an error', async () => {
    const { code, out } = await scnas('--help');
    expect(code).toBe(0);
    for (const command of commands) expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    const wrong = await scnas('serch');
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('Did you mean search?');
    expect((await scnas('search', '--foldd', '0')).code).toBe(1);
  });
});

describe('bad input to a search', () => {
  /** Runs a search that must fail and must leave nothing behind. */
  const fails = async (data: string, ...more: string[]) => {
    const run = at(`run-${copies++}`);
    const { code, err } = await scnas('search', '--data', data, ...small, '--run', run, ...more);
    expect(code).toBe(1);
    expect(fs.existsSync(run)).toBe(false);
    const lines = err.trim().split('\n');
    expect(lines[lines.length - 1]).toMatch(/^scnas: .*expected .*, found .*; .+/);
    return lines[lines.length - 1];
  };

  it('without data, or where there are none, says what to give', async () => {
    const before = process.env.SCNAS_DATA;
    delete process.env.SCNAS_DATA;
    const { code, err } = await scnas('search', ...small);
    if (before !== undefined) process.env.SCNAS_DATA = before;
    expect(code).toBe(1);
    expect(err).toContain('--data DIR, or SCNAS_DATA set');
    expect(await fails(at('nowhere'))).toContain('no such folder');
    expect(await fails(folder, '--task', 'Task09_Spleen')).toContain('Task09_Spleen');
  });

  it('names a missing file', async () => {
    const root = spoiled((dir) => fs.rmSync(path.join(dir, 'labelsTr', 'hippocampus_002.nii.gz')));
    expect(await fails(root)).toContain('hippocampus_002.nii.gz');
  });

  it('names a broken file', async () => {
    const file = (dir: string) => path.join(dir, 'imagesTr', 'hippocampus_003.nii.gz');
    const root = spoiled((dir) => fs.truncateSync(file(dir), 200));
    expect(await fails(root)).toContain(file(root));
  });

  it('names a label of another shape', async () => {
    const file = (dir: string) => path.join(dir, 'labelsTr', 'hippocampus_004.nii.gz');
    const root = spoiled((dir) => {
      const { geometry } = readNifti(file(dir));
      fs.rmSync(file(dir));
      writeLabelMap(file(dir), new Uint8Array(8 * 8 * 8), [8, 8, 8], geometry);
    });
    const line = await fails(root);
    expect(line).toContain(file(root));
    expect(line).toContain('8 × 8 × 8');
  });

  it('names an unknown class', async () => {
    const root = spoiled((dir) =>
      setJson(dir, { ...jsonIn(dir), labels: { 0: 'background', 1: 'Anterior' } }),
    );
    expect(await fails(root)).toContain('labels 0 to 1 (background, Anterior), found 2');
  });

  it('says that there are fewer cases than folds', async () => {
    const root = spoiled((dir) =>
      setJson(dir, { ...jsonIn(dir), training: jsonIn(dir).training.slice(0, 3) }),
    );
    expect(await fails(root, '--set', 'folds=5')).toContain('at least 5 cases for 5 folds');
  });

  it.each([
    ['patch=16,16,20', 'divisible by 8'],
    ['patch=8,16,16', 'at least 16'],
    ['search.stem=3', 'a multiple of 2'],
    ['serch.steps=1', 'did you mean search'],
  ])('refuses --set %s', async (setting, message) => {
    expect(await fails(at(TASK), '--set', setting)).toContain(message);
  });

  it('refuses a fold and a configuration that are not there', async () => {
    expect(await fails(at(TASK), '--fold', '2')).toContain('fold to be 0 … 1 or all');
    expect(await fails(at(TASK), '--config', 'smok')).toContain('did you mean smoke?');
  });

  it.each([
    ['a file that throws', 'throw new Error("no table today");', 'no table today'],
    ['no list', 'export const operations = 3;', 'found number'],
    [
      'a record without build',
      'export const operations = [{ name: "a" }, { name: "b" }];',
      'name, build and cost',
    ],
    [
      'a record that ignores the stride',
      'const o = (name) => ({ name, paperName: name, cost: () => ({ multiplyAdds: 0, kept: 0 }), build: () => ({ parameters: [], apply: (x) => x }) }); export const operations = [o("a"), o("b")];',
      'operation a: expected [1,4,4,4,4] from [1,8,8,8,4] at stride 2, found [1,8,8,8,4]',
    ],
  ])('refuses --operations with %s', async (_, text, message) => {
    const file = at(`operations-${copies++}.ts`);
    fs.writeFileSync(file, text);
    expect(await fails(at(TASK), '--operations', file)).toContain(message);
  });

  it('stops at a loss that is no number, names the step, and keeps the checkpoint', async () => {
    const run = at('nan');
    const file = at('nan.ts');
    // An operation that breaks in the step after the first checkpoint.
    fs.writeFileSync(
      file,
      `const fs = require('node:fs');
       const saved = ${JSON.stringify(path.join(run, 'checkpoint', 'search.safetensors'))};
       const pool = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-node-gpu'))}).avgPool3d;
       const cost = () => ({ multiplyAdds: 0, kept: 0 });
       const apply = (stride) => (x) => (stride === 1 ? x : pool(x, 2, 2, 'same')).mul(fs.existsSync(saved) ? Number.NaN : 1);
       const breaks = (name) => ({ name, paperName: name, cost, build: ({ stride }) => ({ parameters: [], apply: apply(stride) }) });
       export const operations = [breaks('one'), breaks('other')];`,
    );
    const { code, err } = await scnas(
      'search',
      '--data',
      at(TASK),
      ...small,
      '--run',
      run,
      '--operations',
      file,
      '--set',
      'checkpoint.steps=1',
      '--set',
      'search.steps=12',
    );
    expect(code).toBe(1);
    expect(err).toMatch(
      /loss, step 2: expected a number, found NaN; begin a new run with a lower search.theta.rate/,
    );
    expect(err).toContain(`(${run} keeps the checkpoint of step 1)`);
    expect(fs.existsSync(path.join(run, 'checkpoint', 'search.safetensors'))).toBe(true);
    expect((await scnas('publish', '--run', run, '--out', at('empty'))).err).toContain('scnas evaluate');
    expect(fs.existsSync(at('empty'))).toBe(false);
  });
});

describe('a run from the command line', () => {
  const run = at('run');
  const own = at('own.ts');

  it('searches over operations of one’s own, derives, retrains, evaluates and predicts', async () => {
    fs.writeFileSync(
      own,
      `const tf = require(${JSON.stringify(require.resolve('@tensorflow/tfjs-node-gpu'))});
       const scaled = (name, factor) => ({
         name, paperName: name, cost: () => ({ multiplyAdds: 0, kept: 0 }),
         build: ({ stride }) => ({ parameters: [], apply: (x) => (stride === 1 ? x : tf.avgPool3d(x, 2, 2, 'same')).mul(factor) }),
       });
       export const operations = [scaled('half', 0.5), scaled('double', 2), { ...scaled('none', 0), zero: true }];`,
    );
    const search = await scnas(
      'search',
      '--data',
      at(TASK),
      ...small,
      '--run',
      run,
      '--operations',
      own,
      '--set',
      'search.steps=3',
      '--set',
      'retrain.steps=3',
    );
    expect(search.text).toContain(`next: scnas derive --run ${run}`);
    const derived = await scnas('derive', '--run', run, '--json');
    const { genotype, margins } = JSON.parse(derived.out) as {
      genotype: Genotype;
      margins: Record<string, number[]>;
    };
    expect(genotype.operations).toEqual(['half', 'double', 'none']);
    expect(margins.enc).toHaveLength(5);
    expect((await scnas('retrain', '--run', run)).code).toBe(0);
    const evaluated = await scnas('evaluate', '--run', run, '--json', '--out', at('labels'));
    const { cases, dice } = JSON.parse(evaluated.out);
    expect(cases).toHaveLength(3);
    expect(Object.keys(dice)).toEqual(['Anterior', 'Posterior', 'mean']);
    const record = JSON.parse(fs.readFileSync(path.join(run, 'record.json'), 'utf8'));
    expect(record.dice).toEqual(dice);
    expect(Object.keys(cases[0].hd95)).toEqual(['Anterior', 'Posterior']);
    expect(record.facts.scores.dice.mean.n).toBe(3);
    const table = (await scnas('evaluate', '--run', run)).out;
    for (const head of ['Dice, %', 'HD95, mm', '95 % interval of the mean']) expect(table).toContain(head);
    const itself = JSON.parse((await scnas('compare', run, run, '--json')).out);
    expect(itself.rows[0]).toMatchObject({ metric: 'dice', name: 'Anterior', difference: 0, p: 1 });
    expect((await scnas('compare', run, run)).out).toMatch(/Anterior .* 0\.00 to 0\.00 .* 1\.0000/);
    expect(record.phases).toMatchObject({
      search: { steps: 3 },
      retrain: { steps: 3 },
      evaluate: { steps: 3 },
    });
    expect(record.facts.entropyAlpha.start).toBeCloseTo(Math.log(3), 2);

    const image = (id: string) => at(TASK, 'imagesTr', `${id}.nii.gz`);
    const [{ id }] = cases;
    // Scored before: label maps that are asked for now are made, those that are there are left, another run's are refused.
    const maps = at('later');
    fs.mkdirSync(maps);
    fs.copyFileSync(at('labels', `${id}.nii.gz`), path.join(maps, `${id}.nii.gz`));
    expect((await scnas('evaluate', '--run', run, '--out', maps)).out).toContain(
      `label maps in ${maps}: 2 written, 1 there before`,
    );
    for (const name of fs.readdirSync(at('labels')))
      expect(readNifti(path.join(maps, name)).data).toEqual(readNifti(at('labels', name)).data);
    const other = at('other');
    fs.cpSync(run, other, { recursive: true });
    fs.rmSync(path.join(other, 'cases.jsonl'));
    expect((await scnas('evaluate', '--run', other, '--out', maps)).err).toContain(
      'expected no label map of a case that is not scored yet',
    );
    expect(fs.existsSync(path.join(other, 'cases.jsonl'))).toBe(false);
    const predicted = await scnas('predict', '--model', run, '--in', image(id), '--out', at('one.nii.gz'));
    expect(predicted.code).toBe(0);
    const [one, same, input] = [at('one.nii.gz'), at('labels', `${id}.nii.gz`), image(id)].map((file) =>
      readNifti(file),
    );
    expect(one.data).toEqual(same.data);
    const place = ({ pixdim, srow, quaternion, offset, sformCode, qformCode }: typeof input.geometry) => ({
      pixdim,
      srow,
      quaternion,
      offset,
      sformCode,
      qformCode,
    });
    expect(place(one.geometry)).toEqual(place(input.geometry));
    expect(new Set(one.data).size).toBeGreaterThan(1);

    const many = at('many');
    fs.mkdirSync(many);
    fs.copyFileSync(image(id), path.join(many, 'good.nii.gz'));
    fs.writeFileSync(path.join(many, 'bad.nii.gz'), 'no volume');
    const mixed = await scnas('predict', '--model', run, '--in', many, '--out', at('mixed'));
    expect(mixed.code).toBe(1);
    expect(mixed.err).toContain('found 1 that cannot, the first');
    expect(fs.readdirSync(at('mixed'))).toEqual(['good.nii.gz']);
    expect(readNifti(at('mixed', 'good.nii.gz')).data).toEqual(one.data);
  });

  it('is published without paths', async () => {
    const out = at('published');
    const { code, text } = await scnas('publish', '--run', run, '--out', out);
    expect(code).toBe(0);
    const names = [
      'cases.jsonl',
      'config.json',
      'genotype.json',
      'metrics.jsonl',
      'plan.json',
      'record.json',
    ];
    expect(fs.readdirSync(out).sort()).toEqual(names);
    for (const name of names) {
      expect(text).toContain(name);
      expect(fs.readFileSync(path.join(out, name), 'utf8')).not.toContain(folder);
    }
    expect((await scnas('publish', '--run', run, '--out', out)).err).toContain('choose another --out');
  });

  it('is not begun twice, and not gone on with under another table of operations', async () => {
    const again = await scnas('search', '--data', at(TASK), ...small, '--run', run);
    expect(again.code).toBe(1);
    expect(again.err).toContain('add --resume');
    fs.appendFileSync(own, '\n// changed\n');
    const resumed = await scnas('search', '--run', run, '--resume');
    expect(resumed.code).toBe(1);
    expect(resumed.err).toMatch(/operationsHash: "[0-9a-f]+" in the run, "[0-9a-f]+" now/);
    expect(
      (await scnas('predict', '--model', run, '--in', at(TASK, 'imagesTr'), '--out', at('p'))).err,
    ).toContain('found a changed table');
  });

  it('refuses data that changed, by size or by a single voxel', async () => {
    const data = spoiled((dir) => {
      for (const name of fs.readdirSync(path.join(dir, 'labelsTr'))) {
        const file = path.join(dir, 'labelsTr', name);
        const { data: labels, shape, geometry } = readNifti(file);
        fs.rmSync(file);
        writeLabelMap(file.replace('.gz', ''), Uint8Array.from(labels), shape, geometry);
      }
      setJson(dir, JSON.parse(JSON.stringify(jsonIn(dir)).replace(/(labelsTr[^"]*)\.gz/g, '$1')));
    });
    const dir = at('plain');
    expect(
      (await scnas('search', '--data', data, ...small, '--run', dir, '--set', 'search.steps=2')).code,
    ).toBe(0);
    const checkpoint = path.join(dir, 'checkpoint', 'search.safetensors');
    const other = await scnas('search', '--run', dir, '--resume', '--data', at(TASK));
    expect(other.err).toContain('dataHash: ');
    expect(other.code).toBe(1);
    for (const name of fs.readdirSync(path.join(data, 'labelsTr'))) {
      const file = path.join(data, 'labelsTr', name);
      const bytes = fs.readFileSync(file);
      bytes[352 + bytes.subarray(352).indexOf(1)] = 2;
      fs.writeFileSync(file, bytes);
    }
    const before = fs.readFileSync(checkpoint);
    const relabelled = await scnas('search', '--run', dir, '--resume');
    expect(relabelled.code).toBe(1);
    expect(relabelled.err).toContain('same names and sizes with other voxels');
    expect(fs.readFileSync(checkpoint).equals(before)).toBe(true);
  });

  it('needs a derived genotype before retraining, a whole search before deriving, and weights before evaluation', async () => {
    const dir = at('plain');
    expect((await scnas('retrain', '--run', dir, '--resume')).err).toContain(
      'expected genotype.json, found none',
    );
    expect((await scnas('evaluate', '--run', dir)).err).toContain('found none');
    expect((await scnas('derive', '--run', at('nothing'))).err).toContain('give the folder of a run');
  });

  it.each([
    [
      'an unknown operation',
      (g: Genotype) => ({
        ...g,
        cells: { ...g.cells, enc: g.cells.enc.map((e, i) => (i === 3 ? { ...e, op: 'magic' } : e)) },
      }),
      'found "magic"',
    ],
    [
      'a cycle',
      (g: Genotype) => ({
        ...g,
        cells: {
          ...g.cells,
          red: g.cells.red.map((e, i) => (i === 2 ? { ...e, from: e.to, to: e.from } : e)),
        },
      }),
      'close a cycle',
    ],
    ['a missing cell', (g: Genotype) => ({ ...g, cells: { enc: g.cells.enc } }), 'cell red'],
  ])('refuses a genotype with %s', async (_, spoil, message) => {
    const file = at('genotype.json');
    fs.writeFileSync(file, JSON.stringify(spoil(randomGenotype(operations, key(1), 2))));
    const dir = at('from-genotype');
    const { code, err } = await scnas(
      'retrain',
      '--data',
      at(TASK),
      ...small,
      '--genotype',
      file,
      '--run',
      dir,
    );
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err).toContain(file);
    expect(fs.existsSync(dir)).toBe(false);
  });
});

describe('predict', () => {
  it('refuses what is not there, a model that is none, and to write over a file', async () => {
    const image = at(TASK, 'imagesTr', 'hippocampus_001.nii.gz');
    expect(
      (await scnas('predict', '--model', at(TASK), '--in', at('no.nii.gz'), '--out', at('x.nii.gz'))).err,
    ).toContain('no.nii.gz');
    expect(
      (await scnas('predict', '--model', at(TASK), '--in', image, '--out', at('x.nii.gz'))).err,
    ).toContain('a run folder, or a name under models/');
    expect((await scnas('predict', '--model', 'x', '--in', image, '--out', at('x'))).err).toContain(
      'since --in is one file',
    );
    const bytes = fs.readFileSync(image);
    const over = await scnas('predict', '--model', 'x', '--in', image, '--out', image);
    expect(over.code).toBe(1);
    expect(over.err).toContain('choose another --out');
    expect(fs.readFileSync(image).equals(bytes)).toBe(true);
  });
});

describe('cost', () => {
  it('is the sum over the records that build the network', async () => {
    const genotype = randomGenotype(operations, key(1));
    const file = at('paper.json');
    fs.writeFileSync(file, JSON.stringify(genotype));
    const { out } = await scnas(
      'cost',
      '--network',
      'scnas',
      '--genotype',
      file,
      '--stem',
      '68',
      '--inputs',
      '4',
      '--classes',
      '4',
      '--patch',
      '128,128,128',
      '--json',
    );
    const network = derivedNetwork(
      { inputs: 4, classes: 4, stem: 68, operations, readings: defaultReadings },
      genotype,
    );
    const total = totalCost(network.cost([128, 128, 128]));
    expect(JSON.parse(out)).toMatchObject({
      multiplyAdds: total.flops,
      parameters: total.parameters,
      patch: [128, 128, 128],
    });
  });

  const brain = ['--inputs', '4', '--classes', '4', '--patch', '128,128,128'];

  it.each([
    ['--every', 'conv3', 1246],
    ['--every', 'sep3', 132.3],
    ['--every', 'maxpool', 43.5],
  ])('of SCNAS at stem 68 with %s %s is %f G, beside the paper’s', async (option, operation, giga) => {
    const { out } = await scnas('cost', '--network', 'scnas', option, operation, ...brain, '--json');
    const { multiplyAdds, paper } = JSON.parse(out);
    expect(Math.abs(multiplyAdds / 1e9 / giga - 1)).toBeLessThan(0.002);
    expect(paper).toBe(424.76e9);
  });

  it('shows every layer and the total, and the paper’s number for U-ResNet', async () => {
    const { out } = await scnas('cost', '--network', 'uresnet', ...brain);
    expect(out).toMatch(/stem +7\.248 +3520 /);
    expect(out).toMatch(/total +418\.663 +5139951 /);
    expect(out).toContain('the paper has 419.59 G for its 3D U-ResNet');
  });

  it('tells which random genotypes, or which width, reach a number', async () => {
    const small = ['--inputs', '1', '--classes', '3', '--patch', '16,16,16', '--json'];
    const file = at('reach.json');
    const { out } = await scnas(
      ...['cost', '--network', 'scnas', '--stem', '12', '--reach', '0.02', '--draws', '20'],
      ...['--out', file, ...small],
    );
    const { least, most, share, nearest } = JSON.parse(out);
    expect([least <= nearest.multiplyAdds, nearest.multiplyAdds <= most]).toEqual([true, true]);
    expect(share).toBeGreaterThan(0);
    const costs = JSON.parse(
      (await scnas('cost', '--network', 'scnas', '--stem', '12', '--genotype', file, ...small)).out,
    );
    expect(costs.multiplyAdds).toBe(nearest.multiplyAdds);
    const peer = JSON.parse((await scnas('cost', '--network', 'nnunet', '--reach', '0.1', ...small)).out);
    expect(Math.abs(peer.multiplyAdds / 1e8 - 1)).toBeLessThan(0.1);
    const stem = async (...more: string[]) =>
      JSON.parse((await scnas('cost', '--network', 'scnas', '--genotype', file, ...more, ...small)).out);
    const { width, multiplyAdds } = await stem('--reach', String((costs.multiplyAdds * 3) / 1e9));
    const by = async (w: number) => (await stem('--stem', String(w))).multiplyAdds;
    expect(multiplyAdds).toBe(await by(width));
    const off = async (w: number) => Math.abs((await by(w)) - costs.multiplyAdds * 3);
    expect(await off(width)).toBeLessThan(Math.min(await off(width - 4), await off(width + 4)));
    expect(width % 4).toBe(0);
  });

  it('of a genotype under another reading is told with that reading, and with none but readings', async () => {
    const nodes = path.join(__dirname, '../../results/ablation-readings/nodes-two/seed0');
    const { facts } = JSON.parse(fs.readFileSync(path.join(nodes, 'record.json'), 'utf8'));
    const words = ['cost', '--network', 'scnas', '--genotype', path.join(nodes, 'genotype.json'), '--json'];
    const size = ['--stem', '16', '--inputs', '1', '--classes', '3', '--patch', '40,56,40'];
    const { out } = await scnas(...words, ...size, '--set', 'readings.nodes=two');
    expect(JSON.parse(out).multiplyAdds).toBe(facts.multiplyAdds);
    expect((await scnas(...words, ...size)).err).toContain('readings.nodes');
    expect((await scnas(...words, ...size, '--set', 'patch=1')).err).toContain('readings.NAME=VALUE');
  });

  it('counts what the kernels execute', async () => {
    const small = ['--inputs', '1', '--classes', '3', '--patch', '16,16,16', '--count', '--json'];
    const { out } = await scnas('cost', '--network', 'uresnet', '--stem', '4', ...small);
    const { multiplyAdds, count } = JSON.parse(out);
    expect(count.forward).toBe(multiplyAdds);
  });

  it('refuses an operation that there is not, and a number that is none', async () => {
    expect((await scnas('cost', '--network', 'scnas', '--every', 'conv', ...brain)).err).toContain(
      'did you mean conv3?',
    );
    expect((await scnas('cost', '--network', 'scnas', '--reach', 'x', ...brain)).err).toContain(
      'G multiply-adds above 0',
    );
  });

  it('of a network that there is not names those that there are', async () => {
    const { code, err } = await scnas(
      'cost',
      '--network',
      'unett',
      '--inputs',
      '1',
      '--classes',
      '3',
      '--patch',
      '16,16,16',
    );
    expect(code).toBe(1);
    expect(err).toContain('one of scnas, uresnet, nnunet, unet, found unett; did you mean unet?');
    expect(
      (await scnas('cost', '--network', 'unet', '--inputs', '1', '--classes', '3', '--patch', '16,16,12'))
        .err,
    ).toContain('divisible by 8');
  });
});

describe('plan and phantom', () => {
  it('print facts', async () => {
    const { out, code } = await scnas('plan', '--data', at(TASK), '--no-timing', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      plan: {
        schema: 'scnas-plan',
        version: 1,
        task: TASK,
        preprocess: { rule: 'native', spacing: 'native', intensities: [] },
        fingerprint: { cases: 6, medianShape: [20, 24, 20] },
        classes: ['background', 'Anterior', 'Posterior'],
      },
      warnings: [],
      cost: { search: { fits: true }, retrain: { fits: true }, inference: { windows: 1 } },
      config: { task: TASK, inputs: 1, patch: [40, 56, 40] },
    });
    const file = at('plan.json');
    const spacing = ['--spacing', '0.9,1,1.1', '--out', file];
    expect((await scnas('plan', '--data', at(TASK), '--no-timing', ...small, ...spacing)).out).toContain(
      'spacing 0.9 × 1 × 1.1 mm (given)',
    );
    expect(JSON.parse(fs.readFileSync(file, 'utf8')).preprocess.spacing).toEqual([0.9, 1, 1.1]);
    const over = await scnas('plan', '--data', at(TASK), '--no-timing', '--out', at(TASK, 'dataset.json'));
    expect(over.err).toContain('expected no such file yet, found one; choose another --out');
    const obeyed = await scnas('plan', '--data', at(TASK), '--no-timing', ...small, '--plan', file, '--json');
    expect(JSON.parse(obeyed.out).config.spacing).toEqual([0.9, 1, 1.1]);
    const timed = await scnas('plan', '--data', at(TASK), ...small);
    expect(timed.out).toMatch(/search: stem 2, batch 2 in parts of 1, 8 steps, about \d+ (s|min) here/);
    const root = spoiled((dir) => {
      for (const n of ['002', '005'])
        fs.truncateSync(path.join(dir, 'imagesTr', `hippocampus_${n}.nii.gz`), 100);
    });
    const broken = await scnas('plan', '--data', root);
    expect(broken.code).toBe(1);
    for (const text of ['2 problems:', 'hippocampus_002.nii.gz', 'hippocampus_005.nii.gz'])
      expect(broken.err).toContain(text);
    expect(
      JSON.parse(
        (await scnas('plan', '--data', at(TASK), '--config', at('none.json'), '--no-timing')).out || '{}',
      ),
    ).toEqual({});
  });

  it('write a task once', async () => {
    const args = [
      'phantom',
      '--task',
      'Task02_Heart',
      '--cases',
      '1',
      '--size',
      '16,16,16',
      '--out',
      at('phantoms'),
    ];
    expect((await scnas(...args)).code).toBe(0);
    expect(fs.existsSync(at('phantoms', 'Task02_Heart', 'dataset.json'))).toBe(true);
    expect((await scnas(...args)).err).toContain('choose another --out');
    expect((await scnas('phantom', '--task', 'Task99', '--out', at('phantoms'))).err).toContain(
      'Task06_Lung',
    );
  });
});

it('a reader that leaves early, as head does, is no error', async () => {
  const child = spawn(process.execPath, [path.join(__dirname, '../../src/run/bin.js'), '--help']);
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect({ code, said }).toEqual({ code: 0, said: '' });
});
