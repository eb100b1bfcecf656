import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { boundingBox, fillHoles, nonzeroMask } from '../../src/data/crop';
import { loadCase, openDataset } from '../../src/data/msd';
import { plainGeometry } from '../../src/data/nifti';
import type { Normalisation } from '../../src/data/normalise';
import { native, type PreparedCase, prepareCase } from '../../src/data/preprocess';
import type { Spacing } from '../../src/data/resample';
import type { Shape3 } from '../../src/engine/model';
import oracle from '../fixtures/data/crop.json';
import steps from '../fixtures/data/preprocess.json';
import task04 from '../fixtures/data/preprocess-task04.json';
import { errorOf } from './folder';

const shape = oracle.shape as unknown as Shape3;
const image = Float32Array.from(oracle.image);
const geometry = plainGeometry([1, 1, 1]);
const raw = { id: 'a', shape, channels: 2, image, spacing: [1, 1, 1] as const, geometry };

describe('the crop', () => {
  it('mask, filled holes and box are scipy.ndimage’s', () => {
    expect(Array.from(fillHoles(Uint8Array.from(oracle.nonzero), shape))).toEqual(oracle.filled);
    const mask = nonzeroMask(image, shape, 2);
    expect(Array.from(mask)).toEqual(oracle.filled);
    expect(boundingBox(mask, shape)).toEqual({ origin: oracle.origin, shape: oracle.box });
  });

  it.each([0, 1, 2])('random mask %i with winding ways out is filled as scipy fills it', (i) => {
    expect(oracle.randomFilled[i]).not.toEqual(oracle.random[i]);
    expect(Array.from(fillHoles(Uint8Array.from(oracle.random[i]), shape))).toEqual(oracle.randomFilled[i]);
  });

  it('a volume of zeros is an error', () => {
    expect(errorOf(() => prepareCase({ ...raw, image: new Float32Array(image.length) }, 2))).toContain(
      'none',
    );
  });
});

describe('normalisation', () => {
  it.each([
    [false, oracle.whole],
    [true, oracle.masked],
  ])('with the mask %s: numpy’s numbers within 1e-5', (useMask, expected) => {
    const prepared = prepareCase(raw, 2, { ...native, maskStatistics: useMask });
    expect(prepared.shape).toEqual(oracle.box);
    expect(prepared.crop).toEqual({ origin: oracle.origin, shape, box: oracle.box });
    expect(prepared.image).toHaveLength(expected.length);
    const worst = prepared.image.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i])), 0);
    expect(worst).toBeLessThan(1e-5);
  });

  it('a constant channel becomes 0, and the case on disk is left as it was', () => {
    const constant = Float32Array.from(image, (v, i) => (i % 2 === 0 ? v : 3));
    const before = constant.slice();
    const prepared = prepareCase({ ...raw, image: constant }, 2);
    expect(prepared.image.filter((_, i) => i % 2 === 1).every((v) => v === 0)).toBe(true);
    expect(constant).toEqual(before);
  });
});

describe('labels', () => {
  const label = Uint8Array.from({ length: image.length / 2 }, (_, i) =>
    i % 7 === 0 ? 2 : i % 13 === 0 ? 1 : 0,
  );
  const prepared = prepareCase({ ...raw, label }, 4);
  const [x0, y0, z0] = prepared.crop.origin;
  const [X, Y, Z] = prepared.shape;

  it('0 outside the mask becomes −1, other labels stay', () => {
    const expected: number[] = [];
    for (let x = 0; x < X; x++)
      for (let y = 0; y < Y; y++)
        for (let z = 0; z < Z; z++) {
          const i = ((x0 + x) * shape[1] + y0 + y) * shape[2] + z0 + z;
          expected.push(label[i] === 0 && oracle.filled[i] === 0 ? -1 : label[i]);
        }
    expect(Array.from(prepared.label ?? [])).toEqual(expected);
    expect(expected).toContain(-1);
  });

  it('each foreground class lists its voxels, the background none', () => {
    expect(prepared.classVoxels.map((voxels) => voxels.length > 0)).toEqual([false, true, true, false]);
    for (const value of [1, 2]) {
      const all = Array.from(prepared.label ?? []).flatMap((v, i) => (v === value ? [i] : []));
      expect(Array.from(prepared.classVoxels[value])).toEqual(all);
    }
  });
});

const worst = (found: ArrayLike<number>, expected: readonly number[]) =>
  expected.reduce((most, v, i) => Math.max(most, Math.abs(v - found[i])), 0);

describe('crop, resampling and normalisation together are numpy’s, scipy’s and scikit-image’s', () => {
  it.each(steps)('$name: data within 2e-6, labels exactly', (step) => {
    const { spacing, target, useMask } = step;
    const prepared = prepareCase(
      {
        id: 'a',
        shape: step.raw as unknown as Shape3,
        channels: 2,
        image: Float32Array.from(step.image),
        label: Uint8Array.from(step.label),
        spacing: spacing as unknown as Spacing,
        geometry,
      },
      4,
      {
        spacing: target as unknown as Spacing,
        maskStatistics: useMask,
        channels: step.channels as Normalisation[],
      },
    );
    expect(prepared.shape).toEqual(step.shape);
    expect(prepared.crop).toMatchObject({ origin: step.origin, box: step.box, shape: step.raw });
    expect(prepared.image).toHaveLength(step.data.length);
    expect(worst(prepared.image, step.data)).toBeLessThan(2e-6);
    expect(Array.from(prepared.label ?? [])).toEqual(step.seg);
    expect(step.seg).toContain(-1);
  });

  it('rules for another number of channels are refused', () => {
    const channels = [{ scheme: 'z' } as const];
    expect(errorOf(() => prepareCase({ ...raw, file: 'of/one.nii.gz' }, 2, { ...native, channels }))).toBe(
      'of/one.nii.gz: expected 1 channels, as the plan has rules of intensity for, found 2; give the modalities that were planned, or plan this data set anew',
    );
  });
});

interface Summary {
  readonly shape: readonly number[];
  readonly origin: readonly number[];
  readonly box: readonly number[];
  readonly every: number;
  readonly values: readonly number[];
  readonly labels: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
}

/** Every 97th value within 1e-4 of a standard deviation of 1, every 97th label but one in 10,000, class sizes within 1e-4. */
function agrees(prepared: PreparedCase, oracle: Summary) {
  expect(prepared.shape).toEqual(oracle.shape);
  expect(prepared.crop).toMatchObject({ origin: oracle.origin, box: oracle.box });
  const every = <A extends Float32Array | Int8Array>(a: A) => a.filter((_, i) => i % oracle.every === 0);
  const values = every(prepared.image);
  expect(values).toHaveLength(oracle.values.length);
  expect(worst(values, oracle.values)).toBeLessThan(1e-4);
  const label = prepared.label ?? new Int8Array();
  const strange = every(label).filter((v, i) => v !== oracle.labels[i]).length;
  expect(strange).toBeLessThanOrEqual(oracle.labels.length / 10_000);
  for (const [value, count] of Object.entries(oracle.counts)) {
    const found = label.reduce((n, v) => n + Number(v === Number(value)), 0);
    expect(Math.abs(found - count)).toBeLessThanOrEqual(Math.ceil(count / 10_000));
  }
}

const data = process.env.SCNAS_DATA ?? '';
const python = process.env.SCNAS_ORACLE_PYTHON ?? '';

describe.skipIf(!data)('real volumes (SCNAS_DATA)', () => {
  it.each(Object.entries(task04.cases))('%s is what scikit-image makes of it', (id, given) => {
    const dataset = openDataset(data, 'Task04_Hippocampus');
    const how = {
      ...native,
      spacing: given.target as unknown as Spacing,
      maskStatistics: given.useMask,
    };
    agrees(prepareCase(loadCase(dataset, id), 3, how), given);
  });

  it.skipIf(!python || !existsSync(path.join(data, 'Task01_BrainTumour')))(
    'a brain case is what scikit-image makes of it now (SCNAS_ORACLE_PYTHON)',
    { timeout: 600_000 },
    () => {
      const dataset = openDataset(data, 'Task01_BrainTumour');
      const [entry] = dataset.cases;
      const script = path.join(__dirname, '../oracles/preprocess.py');
      const args = [script, entry.image, entry.label ?? '', '0.7,0.7,0.7', 'mask'];
      const text = execFileSync(python, args, {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      });
      const how = { ...native, spacing: [0.7, 0.7, 0.7] as const, maskStatistics: true };
      agrees(prepareCase(loadCase(dataset, entry.id), dataset.classes.length, how), JSON.parse(text));
    },
  );
});
