/** The benchmark at a tiny size: both sides start, agree and take turns; tables and bounds follow from the numbers. Nothing is timed. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseOf, cases, chosen } from '../../bench/cases';
import { check } from '../../bench/check';
import { comparison } from '../../bench/export';
import { channelCounts, kernelNames, kernelSpecs, multiplyAddsOf } from '../../bench/kernel-list';
import { timeKernel, values } from '../../bench/kernels-ours';
import { ready, stepper } from '../../bench/ours';
import { pinnedTorch, presentPython } from '../../bench/python';
import { type CaseResult, type Plan, runCase, type SideResult } from '../../bench/run-case';
import { runKernels } from '../../bench/run-kernels';
import { bound, distance, median, spread, workOf } from '../../bench/statistics';
import {
  asText,
  BEGIN,
  type BenchRecord,
  caseTable,
  chartSvg,
  END,
  readmePart,
  report,
  targetsInWords,
  withPart,
} from '../../bench/tables';
import { portable } from '../../src/engine/portable';

/** PyTorch refuses to average over sides below three, and the lowest level has an eighth of the patch. */
const tiny = { stem: 4, batch: 1, patch: [24, 24, 24], inputs: 1, classes: 3 } as const;
const python = presentPython();
const plan: Plan = {
  threads: 1,
  rounds: 1,
  seconds: 1,
  compileSeconds: 0,
  python: python ?? '',
  say: () => {},
};

const side = (seconds: number[], peak: number): SideResult => ({
  ...spread(seconds),
  seconds,
  peak,
  before: 2 ** 28,
});
const result: CaseResult = {
  ...cases[0],
  agreement: { logits: 1e-6, loss: 1e-7 },
  format: 'channels_last_3d',
  formats: { channels_last_3d: 4, contiguous_format: 5 },
  rounds: 3,
  forward: { multiplyAdds: 1e9, activationBytes: 1e8, parameterBytes: 1e6 },
  versions: { torch: pinnedTorch() },
  kernels: 'native',
  ours: side([0.5, 0.4, 0.6], 2 ** 30),
  torch: side([4, 4.2, 3.9], 2.5 * 2 ** 30),
  compiled: 'still compiling after 150 s',
};
const record: BenchRecord = {
  schema: 1,
  date: '2026-01-01',
  machine: {
    cpu: 'a CPU',
    cores: 2,
    memoryGiB: 24,
    system: 'Linux x64',
    compiler: 'g++ 12',
    commit: 'abc',
    load: 0,
  },
  threads: 2,
  versions: result.versions,
  peak: { gflops: 200, copyGBs: 20 },
  cases: [result],
  kernels: kernelSpecs.map((spec) => ({
    ...spec,
    multiplyAdds: multiplyAddsOf(spec),
    ours: 1e-3,
    torch: 7e-3,
    format: 'contiguous_format',
    tensorflow: 12e-3,
  })),
};

describe('numbers', () => {
  it('median, spread, distance', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(spread([3, 1, 2])).toEqual({ median: 2, least: 1, greatest: 3 });
    expect(distance([1, 2], [1, 2])).toBe(0);
    expect(distance([3, 4], [0, 5])).toBeCloseTo(Math.sqrt(10) / 5, 12);
    expect(distance([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
  });

  it('work and bound: a search step is five forward passes of arithmetic', () => {
    const forward = { multiplyAdds: 1e9, activationBytes: 1e8, parameterBytes: 1e6 };
    expect(workOf('inference', forward)).toEqual({ flops: 2e9, bytes: 2.01e8 });
    expect(workOf('retrain', forward).flops).toBe(6e9);
    expect(workOf('search', forward).flops).toBe(10e9);
    expect(bound({ flops: 2e9, bytes: 1e6 }, { gflops: 200, copyGBs: 20 })).toEqual({
      seconds: 0.01,
      by: 'arithmetic',
    });
    expect(bound({ flops: 2e6, bytes: 2e9 }, { gflops: 200, copyGBs: 20 })).toEqual({
      seconds: 0.1,
      by: 'memory',
    });
  });

  it('multiply-adds of the kernels are the paper’s', () => {
    const at = (kernel: (typeof kernelNames)[number]) =>
      multiplyAddsOf({ kernel, shape: [2, 4, 5, 6, 12], backward: false });
    expect(at('conv3 unit')).toBe(2 * 120 * 27 * 144);
    expect(at('conv3 unit, stride 2')).toBe(2 * 18 * 27 * 144);
    expect(at('separable unit, dilation 3')).toBe(2 * 120 * (27 * 12 + 144));
    expect(at('factorized reduce unit')).toBe(2 * 18 * 144);
    expect(at('max pool')).toBe(0);
  });
});

describe('tables', () => {
  it('a row says medians, ratio, memory and the share of the peak', () => {
    const [row] = caseTable(record).rows;
    expect(row).toEqual([
      'search',
      'stem 16, 2 × 40×56×40, 1 channel, 3 classes',
      '0.50 (0.40–0.60)',
      '4.00 (3.90–4.20)',
      '8.0×',
      '–',
      '1.00',
      '2.50',
      '20.0',
      '10.0 %',
      '2.5',
      '0.051 (memory)',
      '9.9×',
    ]);
  });

  it('the report has every kernel at every channel count, and why there is no torch.compile', () => {
    const text = report(record);
    for (const name of kernelNames) expect(text).toContain(name);
    for (const count of channelCounts) expect(text).toMatch(new RegExp(` ${count}\\b`));
    expect(text).toContain('search16: still compiling after 150 s');
    expect(text).toContain('1.00 7.0× 12×');
    const lines = asText(caseTable(record)).split('\n');
    expect(lines).toHaveLength(3);
  });

  it('the README keeps what stands around the markers', () => {
    const text = `before\n${BEGIN}\nold\n${END}\nafter\n`;
    const changed = withPart(text, readmePart(record)) ?? '';
    expect(changed.startsWith(`before\n${BEGIN}\n`)).toBe(true);
    expect(changed.endsWith(`\n${END}\nafter\n`)).toBe(true);
    expect(changed).not.toContain('old');
    expect(changed).toContain('| search | stem 16');
    expect(changed).toContain(
      "Reached: search at stem 16 8.0× (aimed at: 8×), memory in search at stem 16 0.40 of PyTorch's (0.5).",
    );
    const [search] = record.cases;
    const slower = {
      ...search,
      ours: { ...search.ours, median: 0.51, peak: 1.3e9 },
      torch: { ...search.torch, peak: 2.5e9 },
    };
    expect(targetsInWords({ cases: [slower] })).toBe(
      "Missed: search at stem 16 7.8× (aimed at: 8×), memory in search at stem 16 0.52 of PyTorch's (0.5).",
    );
    expect(withPart('no markers', 'x')).toBeUndefined();
    expect(withPart(fs.readFileSync(path.join(__dirname, '../../README.md'), 'utf8'), 'x')).toContain('x');
    expect(chartSvg(record)).toContain('</svg>');
  });
});

describe('parts', () => {
  it('are chosen by name, in the order of the table', () => {
    expect(chosen().cases).toHaveLength(9);
    expect(chosen('kernels,retrain48,search16')).toEqual({ cases: [cases[0], cases[7]], kernels: true });
    expect(() => chosen('search17')).toThrow(/--only: expected some of search16.*found "search17"/);
  });
});

describe('our side', () => {
  it.each(['search', 'retrain', 'inference'] as const)('%s runs, and knows its cost', (kind) => {
    const { setting } = caseOf(kind, tiny);
    const made = comparison(setting);
    const { seconds, parts } = stepper(kind, setting, made)();
    expect(seconds).toBeGreaterThan(0);
    expect(Object.keys(parts ?? {})).toEqual(kind === 'search' ? ['theta', 'alpha'] : []);
    const { multiplyAdds, activationBytes, parameterBytes } = ready(setting, made);
    expect(multiplyAdds).toBe(made.cost.reduce((sum, layer) => sum + layer.multiplyAdds, 0));
    expect(activationBytes).toBeGreaterThan(4 * 4 * 24 ** 3);
    expect(parameterBytes).toBeGreaterThan(0);
  });

  it('two distinct operations stand on every edge of the search', () => {
    const { choices } = comparison(caseOf('search', tiny).setting);
    for (const pair of Object.values(choices).flat()) expect(new Set(pair).size).toBe(2);
    expect(Object.values(choices).flat()).toHaveLength(4 * 14);
  });

  it('every kernel runs forward and backward', { timeout: 60_000 }, () => {
    for (const kernel of kernelNames)
      for (const backward of [false, true]) {
        const { sample } = timeKernel({ kernel, shape: [1, 6, 4, 4, 5], backward }, portable, 0);
        expect(sample).toHaveLength(64);
        expect(sample.every(Number.isFinite)).toBe(true);
      }
  });

  // from values(4, 1) of bench/torch/kernels.py, numpy
  it('fills tensors with the numbers that the other side has', () => {
    const want = [0.5121185779571533, 0.823525607585907, 0.5817978382110596, 0.9308669567108154];
    expect([...values(4, 1)]).toEqual(want);
  });
});

describe.skipIf(python === undefined)(
  `beside PyTorch ${pinnedTorch()} (skipped where .bench/venv is not there)`,
  () => {
    it.each(['search', 'retrain', 'inference'] as const)(
      '%s agrees and takes turns',
      { timeout: 300_000 },
      async (kind) => {
        const { agreement, ours, torch, formats, compiled } = await runCase(
          caseOf(kind, tiny),
          plan,
          'not tried',
        );
        expect(agreement.logits).toBeLessThan(1e-4);
        expect(agreement.loss).toBeLessThan(1e-4);
        for (const { seconds, peak, before } of [ours, torch]) {
          expect(seconds).toHaveLength(1);
          if (process.platform === 'linux') expect(peak).toBeGreaterThanOrEqual(before ?? 0);
        }
        expect(Object.keys(formats)).toHaveLength(2);
        expect(compiled).toBe('not tried');
      },
    );

    it('every kernel gives what PyTorch and TensorFlow give', { timeout: 300_000 }, async () => {
      const specs = kernelNames.map(
        (kernel) => ({ kernel, shape: [1, 6, 4, 8, 5], backward: true }) as const,
      );
      const results = await runKernels(plan, () => {}, specs);
      expect(results.map((r) => r.kernel)).toEqual([...kernelNames]);
    });

    it('every gradient agrees with float64', { timeout: 300_000 }, () => {
      check(python ?? '', [{ ...tiny, phase: 'search' }]);
    });
  },
);
