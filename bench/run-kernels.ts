/** Single kernels: ours, PyTorch's in both formats, TensorFlow's own, one after the other. */
import { fail } from '../src/engine/errors';
import { type KernelSpec, kernelSpecs, multiplyAddsOf } from './kernel-list';
import type { KernelTime } from './kernels-ours';
import { program } from './python';
import { AGREEMENT, type Format, formats, nodeArgs, type Plan, threadsOf } from './run-case';
import { startSide } from './side';
import { distance } from './statistics';

/** A kernel's seconds on each side, medians. */
export interface KernelResult extends KernelSpec {
  /** Forward; each once. */
  readonly multiplyAdds: number;
  readonly ours: number;
  /** PyTorch in its better format. */
  readonly torch: number;
  readonly format: Format;
  /** Stock TensorFlow ops. */
  readonly tensorflow: number;
}

/** Seconds that one measurement may take: after its third repeat this, before it five times as much. All of them take about six minutes. */
const BUDGET = 0.05;

/** Times every kernel; `done` is told after each. */
export async function runKernels(
  plan: Plan,
  done: (count: number, total: number) => void,
  specs: readonly KernelSpec[] = kernelSpecs,
): Promise<KernelResult[]> {
  const env = threadsOf(plan.threads);
  const ours = startSide({
    name: 'our kernels',
    command: process.execPath,
    args: nodeArgs('kernels-ours.ts'),
    env,
  });
  const torch = startSide({
    name: "PyTorch's kernels",
    command: plan.python,
    args: [program('kernels'), String(plan.threads)],
    env,
  });
  try {
    const results: KernelResult[] = [];
    for (const spec of specs) {
      const request = { spec, budget: BUDGET };
      const native = await ours.ask<KernelTime>({ ...request, implementation: 'native' });
      const theirs = await torch.ask<Record<Format, KernelTime>>(request);
      const stock = await ours.ask<KernelTime>({ ...request, implementation: 'portable' });
      for (const [name, { sample }] of [...Object.entries(theirs), ['TensorFlow', stock] as const])
        agree(spec, name, native.sample, sample);
      const format = formats.reduce((a, b) => (theirs[b].seconds < theirs[a].seconds ? b : a));
      results.push({
        ...spec,
        multiplyAdds: multiplyAddsOf(spec),
        ours: native.seconds,
        torch: theirs[format].seconds,
        format,
        tensorflow: stock.seconds,
      });
      done(results.length, specs.length);
    }
    return results;
  } finally {
    await Promise.all([ours.close(), torch.close()]);
  }
}

function agree(
  { kernel, shape }: KernelSpec,
  name: string,
  a: readonly number[],
  b: readonly number[],
): void {
  const found = distance(a, b);
  if (found <= AGREEMENT) return;
  const where = `${kernel}, ${shape[4]} channels`;
  const expected = `a result within ${AGREEMENT} of ${name}'s`;
  fail({ where, expected, found: found.toExponential(1), next: 'a kernel that disagrees is not timed' });
}
