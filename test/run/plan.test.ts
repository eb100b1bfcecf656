/** The plan: every problem of a data set listed, spacing, patch and micro-batch from rules, a file that is checked, and runs that obey it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fingerprint } from '../../src/data/fingerprint';
import { type Dataset, openDataset } from '../../src/data/msd';
import { writePhantom } from '../../src/data/phantom';
import { windowsOf } from '../../src/run/calibrate';
import { configChanges, type Layers } from '../../src/run/config';
import { createRun, openRun } from '../../src/run/folder';
import { factsOf, lookAtFolder } from '../../src/run/look';
import { expectedCost, microBatchFor, sampleBytes, stepBytes } from '../../src/run/memory';
import { loadOperations } from '../../src/run/operations';
import { patchFor, planFor, planned, spacingOf } from '../../src/run/plan';
import { planFileOf, readPlan } from '../../src/run/plan-file';
import { costOf } from '../../src/run/plan-report';
import { errorOf } from '../data/folder';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-plan-'));
const before = process.env.SCNAS_CACHE;
let dataset: Dataset;
let facts: Fingerprint;
let copies = 0;

beforeAll(async () => {
  process.env.SCNAS_CACHE = path.join(folder, 'cache');
  const root = writePhantom({ task: 'Task06_Lung', cases: 4, seed: 2, size: [32, 32, 24], out: folder });
  dataset = openDataset(root);
  facts = await factsOf(dataset);
});
afterAll(() => {
  if (before === undefined) delete process.env.SCNAS_CACHE;
  else process.env.SCNAS_CACHE = before;
  fs.rmSync(folder, { recursive: true, force: true });
});

const { operations, hash: operationsHash } = loadOperations(null);
const layers = (...set: string[]): Layers => ({
  file: 'smoke',
  set,
  given: { operations: operations.map((o) => o.name), operationsHash },
});
/** A copy of the data set that a test may spoil. */
const copy = () => {
  const root = path.join(folder, `copy-${copies++}`, dataset.name);
  fs.cpSync(dataset.root, root, { recursive: true });
  return root;
};

describe('a look at a data set', () => {
  it('lists every problem, each with its file, and what is odd', async () => {
    const root = copy();
    const at = (name: string) => path.join(root, name);
    const [one, two, three, four] = dataset.cases.map(({ id }) => id);
    fs.rmSync(at(`labelsTr/${one}.nii.gz`));
    fs.truncateSync(at(`imagesTr/${two}.nii.gz`), 300);
    fs.writeFileSync(at(`labelsTr/${two}.nii.gz`), 'nothing');
    fs.copyFileSync(at(`imagesTr/${four}.nii.gz`), at(`labelsTr/${three}.nii.gz`));
    fs.copyFileSync(at(`imagesTr/${four}.nii.gz`), at('imagesTr/more.nii.gz'));
    const { problems, warnings, facts: rest } = await lookAtFolder(root);
    const about = (name: string) => problems.filter((line) => line.startsWith(`${at(name)}: expected`));
    for (const name of [
      `labelsTr/${one}.nii.gz`,
      `imagesTr/${two}.nii.gz`,
      `labelsTr/${two}.nii.gz`,
      `labelsTr/${three}.nii.gz`,
    ])
      expect(about(name), name).toHaveLength(1);
    expect(problems).toHaveLength(4);
    expect(warnings).toEqual([expect.stringContaining('1 volumes are not listed: imagesTr/more.nii.gz')]);
    expect(rest?.cases).toBe(1);
    const broken = openDataset(copy());
    fs.truncateSync(broken.cases[0].image, 300);
    fs.truncateSync(broken.cases[3].image, 300);
    await expect(factsOf(broken)).rejects.toThrow(/\(and 1 more: scnas plan lists them\)$/);
  });

  it('is kept for the same bytes, and taken anew for others', async () => {
    const root = copy();
    const looks = path.join(folder, 'cache', 'looks', dataset.name);
    expect((await lookAtFolder(root)).facts).toEqual(facts);
    expect(fs.readdirSync(looks)).toHaveLength(4);
    const [{ image, id }] = openDataset(root).cases;
    fs.copyFileSync(openDataset(root).cases[1].image, image);
    fs.copyFileSync(
      path.join(root, 'labelsTr', `${dataset.cases[1].id}.nii.gz`),
      path.join(root, 'labelsTr', `${id}.nii.gz`),
    );
    expect((await lookAtFolder(root)).facts).not.toEqual(facts);
    expect(fs.readdirSync(looks)).toHaveLength(5);
  });
});

describe('what a plan decides', () => {
  it.each([
    [
      [35, 50, 36],
      [40, 56, 40],
    ],
    [
      [3, 17, 200],
      [16, 24, 128],
    ],
    [
      [128, 64, 8],
      [128, 64, 16],
    ],
  ] as const)('the patch of a median shape %j is %j', (shape, patch) => {
    expect(patchFor(shape)).toEqual(patch);
  });

  it.each([
    ['native', 'native'],
    ['iso07', [0.7, 0.7, 0.7]],
    ['median', [0.78, 0.78, 1.24]],
  ] as const)('spacing %s is %j', (rule, expected) => {
    const found = spacingOf(rule, facts);
    if (typeof expected === 'string' || typeof found === 'string') expect(found).toBe(expected);
    else for (const [axis, mm] of found.entries()) expect(mm).toBeCloseTo(expected[axis], 5);
  });

  it('is laid under the configuration: what the configuration names stays', () => {
    const plain = { ...layers('spacing=iso07'), file: undefined };
    const { config, plan } = planned(dataset, facts, plain);
    expect(config).toMatchObject({ spacing: [0.7, 0.7, 0.7], task: 'Task06_Lung', plan: 'plan.json' });
    expect(plan.preprocess).toMatchObject({ rule: 'iso07', spacing: [0.7, 0.7, 0.7] });
    expect(plan.medianShape).toEqual(
      facts.medianShape.map((n, a) => Math.round((n * [0.78, 0.78, 1.24][a]) / 0.7)),
    );
    expect(config.patch).toEqual(patchFor(plan.medianShape));
    expect(config.intensities).toMatchObject([{ scheme: 'ct' }]);
    const named = planned(dataset, facts, layers('patch=16,24,16', 'spacing=1,1,2', 'search.microBatch=2'));
    expect(named.config).toMatchObject({
      patch: [16, 24, 16],
      spacing: [1, 1, 2],
      search: { microBatch: 2 },
    });
    expect(named.plan).toMatchObject({
      patch: [16, 24, 16],
      preprocess: { rule: 'given', spacing: [1, 1, 2] },
    });
  });

  it('micro-batch: the largest divisor of the batch whose step fits the memory', () => {
    const { config } = planned(dataset, facts, {
      ...layers('search.batch=12', 'search.stem=8'),
      file: undefined,
    });
    const sizes = [1, 2, 3, 4, 6, 12];
    for (const micro of sizes)
      expect(microBatchFor(config, 'search', stepBytes(config, 'search', micro) / 0.8 + 1)).toBe(micro);
    expect(microBatchFor(config, 'search', 1)).toBe(1);
    const { config: little } = planned(dataset, facts, { ...layers(), file: undefined }, 2 ** 29);
    const { config: much } = planned(dataset, facts, { ...layers(), file: undefined }, 2 ** 45);
    expect([little.retrain.microBatch, much.retrain.microBatch]).toEqual([1, 8]);
  });

  it('recomputation holds less; cost grows with the voxels exactly and is that of the network', () => {
    const of = (...set: string[]) => planned(dataset, facts, layers('search.stem=16', ...set)).config;
    const [kept, anew] = [of('search.recompute=false'), of('search.recompute=true')];
    expect(sampleBytes(anew, 'search')).toBeLessThan(0.9 * sampleBytes(kept, 'search'));
    for (const phase of ['search', 'retrain'] as const) {
      const [small, large] = (
        [
          [16, 16, 16],
          [32, 32, 32],
        ] as const
      ).map((p) => expectedCost(kept, phase, p).flops);
      expect(large / small).toBeCloseTo(8, 9);
    }
    const plan = planned(dataset, facts, layers('flips=true'));
    const { inference, retrain } = costOf(plan.config, { ...plan.plan, medianShape: [40, 16, 17] });
    // ⌈24/8⌉ + 1, one, ⌈1/8⌉ + 1
    expect(inference.windows).toBe(4 * 1 * 2);
    expect(windowsOf([40, 16, 17], [16, 16, 16])).toBe(8);
    expect(inference.multiplyAdds).toBe(8 * 8 * retrain.multiplyAdds);
  });
});

describe('plan.json', () => {
  const file = () => path.join(folder, `plan-${copies++}.json`);
  const written = (change: (plan: Record<string, Record<string, unknown>>) => void = () => {}) => {
    const plan = structuredClone(planned(dataset, facts, layers('spacing=median')).plan);
    change(plan as unknown as Record<string, Record<string, unknown>>);
    const name = file();
    fs.writeFileSync(name, JSON.stringify(plan));
    return name;
  };

  it('comes back as it was', () => {
    expect(readPlan(written())).toEqual(planned(dataset, facts, layers('spacing=median')).plan);
  });

  it.each<[string, (plan: Record<string, Record<string, unknown>>) => void, string]>([
    ['another schema', (p) => Object.assign(p, { schema: 'x' }), 'schema to be one of scnas-plan, found "x"'],
    ['a later version', (p) => Object.assign(p, { version: 2 }), 'made by another version of scnas'],
    ['no patch', (p) => delete p.patch, 'patch to be there, found nothing'],
    ['a patch of 20', (p) => Object.assign(p, { patch: [16, 16, 20] }), 'divisible by 8'],
    ['a spacing of 0', (p) => Object.assign(p.preprocess, { spacing: [0, 1, 1] }), 'three spacings in mm'],
    [
      'a strange rule of intensity',
      (p) => Object.assign(p.preprocess, { intensities: [{ scheme: 'ct' }] }),
      'scheme: "z"',
    ],
    [
      '__proto__ only',
      (p) => Object.assign(p, { preprocess: JSON.parse('{"__proto__": {"rule": "median"}}') }),
      'preprocess.rule to be there',
    ],
    ['no fingerprint', (p) => delete p.fingerprint, 'fingerprint.task to be there'],
  ])('with %s is refused', (_, change, message) => {
    const name = written(change);
    expect(errorOf(() => readPlan(name))).toContain(message);
    expect(errorOf(() => readPlan(name))).toContain(`${name}: expected`);
  });

  it('is obeyed: the configuration is the one it was made with, and no data are looked at', async () => {
    const made = planned(dataset, facts, layers('spacing=median'));
    const name = written();
    const { config } = await planFor({ ...dataset, cases: [] }, layers(), name);
    expect(config).toEqual(made.config);
    const named = await planFor({ ...dataset, cases: [] }, layers(`plan=${name}`), undefined);
    expect(configChanges(made.config, named.config)).toEqual([]);
    await expect(planFor({ ...dataset, hash: 'f'.repeat(64) }, layers(), name)).rejects.toThrow(
      'plan this data set anew',
    );
    await expect(planFor(dataset, layers('spacing=iso07'), name)).rejects.toThrow(
      'leave the spacing to the plan',
    );
  });

  it('lies in the run folder, and a run refuses one that was changed', () => {
    const { config, plan } = planned(dataset, facts, layers('spacing=iso07'));
    const dir = path.join(folder, 'run');
    createRun(dir, config, plan);
    expect(readPlan(planFileOf(dir))).toEqual(plan);
    expect(openRun(dir).config).toEqual(config);
    const changed = { ...plan, preprocess: { ...plan.preprocess, spacing: [1, 1, 1] } };
    fs.writeFileSync(planFileOf(dir), JSON.stringify(changed));
    expect(errorOf(() => openRun(dir))).toContain(
      'spacing [0.7,0.7,0.7], as config.json of the run has it, found [1,1,1]',
    );
  });
});
