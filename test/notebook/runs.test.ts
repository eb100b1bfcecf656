import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainGeometry, readNifti, writeLabelMap } from '../../src/data/nifti';
import { classVolumes, folderText, phantomData } from '../../src/notebook/data';
import {
  checkData,
  deriveRun,
  evaluateRun,
  genotypeOfRun,
  planReport,
  planRun,
  predictVolume,
  retrainReports,
  runIn,
  runningRetrain,
  runningSearch,
  scratchFolder,
  searchReports,
} from '../../src/notebook/runs';

const root = mkdtempSync(path.join(os.tmpdir(), 'runs-'));
const task = 'Task04_Hippocampus';
const dataset = phantomData(task, { cases: 4, seed: 3, size: [18, 20, 18], folder: root });
const settings = { config: 'smoke', set: ['search.steps=4', 'retrain.steps=4', 'patch=[16,16,16]'], seed: 2 };
beforeAll(() => {
  process.env.SCNAS_CACHE = path.join(root, 'cache');
});
afterAll(() => {
  delete process.env.SCNAS_CACHE;
  rmSync(root, { recursive: true });
});

async function all<T>(steps: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const step of steps) taken.push(step);
  return taken;
}

describe('a run from cells', () => {
  it('is left and taken up again without a change, derived, trained, scored and used', {
    timeout: 120_000,
  }, async () => {
    const planned = await planRun(dataset, settings);
    expect(planned.config).toMatchObject({ seed: 2, ahead: 0, search: { steps: 4 } });
    expect(planReport(planned)).toMatch(/^Task04_Hippocampus: 4 cases/);

    const straight = runIn(path.join(root, 'straight'), planned);
    const reports = await all(runningSearch(straight));
    expect(reports.map(({ step }) => step)).toEqual([1, 2, 3, 4]);

    const left = runIn(path.join(root, 'left'), planned);
    for await (const { step } of runningSearch(left)) if (step === 2) break;
    const before = searchReports(left).length;
    expect(before).toBeGreaterThanOrEqual(2);
    expect(before).toBeLessThan(4);
    const again = runIn(path.join(root, 'left'), planned);
    const rest = await all(runningSearch(again));
    expect(rest[0].step).toBe(before + 1);
    expect(searchReports(left)).toEqual(searchReports(straight));
    expect(await all(runningSearch(again))).toEqual([]);

    expect(() => genotypeOfRun(again)).toThrow(/finish the search/);
    const { genotype } = deriveRun(again);
    expect(genotypeOfRun(again).cells).toEqual(genotype.cells);
    await all(runningRetrain(again));
    expect(retrainReports(again)).toHaveLength(4);
    const { cases } = await evaluateRun(again);
    expect(cases).toHaveLength(2);

    const output = path.join(root, 'out', 'labels.nii.gz');
    const entry = dataset.cases[0];
    const labels = predictVolume(again, entry.image, output);
    expect(Array.from(readNifti(output).data)).toEqual(Array.from(labels));
    expect(readNifti(output).shape).toEqual(readNifti(entry.image).shape);
  });

  it('another plan in its folder is refused', async () => {
    const other = await planRun(dataset, { ...settings, seed: 3 });
    expect(() => runIn(path.join(root, 'straight'), other)).toThrow(/seed: 2 in the run, 3 now/);
  });
});

describe('data of one’s own', () => {
  it('problems are told with files as the folder names them', async () => {
    const broken = phantomData(task, { cases: 2, seed: 4, size: [18, 20, 18], folder: path.join(root, 'b') });
    expect(await checkData(broken.root)).toEqual({ problems: [], warnings: [] });
    const file = broken.cases[0].label ?? '';
    const { data, shape } = readNifti(file);
    writeLabelMap(file, Uint8Array.from(data), shape, plainGeometry([2, 2, 2], 'spoilt'));
    const { problems } = await checkData(broken.root);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^labelsTr\/hippocampus_001\.nii\.gz: expected voxels where imagesTr\//);
    expect(problems[0]).not.toContain(root);
  });

  it('a folder is listed without its place, long lists cut', () => {
    const lines = folderText(dataset.root, 2).split('\n');
    expect(lines[0]).toBe('Task04_Hippocampus/');
    expect(lines[1]).toMatch(/^ {2}dataset\.json {2}\d+ kB$/);
    expect(lines).toContain('    … 2 more');
  });

  it('volumes are in millilitres', () => {
    // 3 voxels of 2 × 2.5 × 10 mm = 50 mm³ each
    expect(classVolumes([0, 1, 1, 2, 1], [2, 2.5, 10], 4)).toEqual([0.15, 0.05, 0]);
  });

  it('a scratch folder is new each time', () => {
    const [a, b] = [scratchFolder(), scratchFolder()];
    expect(a).not.toBe(b);
    expect([a, b].every(existsSync)).toBe(true);
    rmSync(a, { recursive: true });
    rmSync(b, { recursive: true });
  });
});
