/** One case: agreement first, PyTorch's better format, then rounds in which the sides take turns. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../src/engine/errors';
import type { Case } from './cases';
import { WORK } from './machine';
import type { OurReady, Ready, Step } from './ours';
import { program } from './python';
import { type Side, startSide } from './side';
import { type Spread, spread } from './statistics';

/** Largest relative distance of logits and of the loss at which both sides count as doing the same work. */
export const AGREEMENT = 1e-4;

/** PyTorch's memory formats. */
export const formats = ['channels_last_3d', 'contiguous_format'] as const;
export type Format = (typeof formats)[number];

/** How a run is done. */
export interface Plan {
  readonly threads: number;
  /** Turns of each side; undefined: 3 to 9, as many as fit into `seconds`. */
  readonly rounds?: number;
  /** What the rounds of a case may take by then. */
  readonly seconds: number;
  /** What torch.compile may take for one case; 0: it is not tried. */
  readonly compileSeconds: number;
  readonly python: string;
  readonly say: (line: string) => void;
}

/** What one side took and held. */
export interface SideResult extends Spread {
  readonly seconds: readonly number[];
  /** Medians of a search step's two halves. */
  readonly parts?: Readonly<Record<string, number>>;
  /** Bytes; null where the system does not tell. */
  readonly peak: number | null;
  /** Resident before the first step. */
  readonly before: number | null;
}

/** A row of the table. */
export interface CaseResult extends Case {
  readonly agreement: { readonly logits: number; readonly loss: number };
  readonly format: Format;
  /** Seconds of one step in each format, when one was chosen. */
  readonly formats: Readonly<Record<Format, number>>;
  readonly rounds: number;
  readonly forward: Pick<OurReady, 'multiplyAdds' | 'activationBytes' | 'parameterBytes'>;
  readonly versions: Readonly<Record<string, string>>;
  readonly kernels: string;
  readonly ours: SideResult;
  readonly torch: SideResult;
  /** Or why there is none. */
  readonly compiled: SideResult | string;
}

const RUN = { ask: 'run' };

/** Steps of each side before the first that counts: a training is of thousands, with its code compiled and its memory at hand. */
const WARM_UPS = 3;

/** Node with this project's TypeScript. */
export const nodeArgs = (file: string, ...args: string[]): string[] => [
  '--require',
  path.join(__dirname, '..', 'src', 'register.js'),
  path.join(__dirname, file),
  ...args,
];

/** Threads for TensorFlow, our kernels and PyTorch alike. */
export const threadsOf = (threads: number): Readonly<Record<string, string>> => ({
  SCNAS_THREADS: String(threads),
  TF_NUM_INTRAOP_THREADS: String(threads),
  OMP_NUM_THREADS: String(threads),
  MKL_NUM_THREADS: String(threads),
});

/** Runs a case. `compiles` is false once torch.compile has failed on a smaller graph. */
export async function runCase(c: Case, plan: Plan, compiles: string | true): Promise<CaseResult> {
  const folder = path.join(WORK, 'cases', c.name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const env = threadsOf(plan.threads);
  const torch = (format: Format, ...options: string[]): Side =>
    startSide({
      name: `PyTorch (${[format, ...options].join(', ')}), ${c.name}`,
      command: plan.python,
      args: [program('side'), folder, c.kind, format, String(plan.threads), ...options],
      env: { ...env, TORCHINDUCTOR_CACHE_DIR: path.join(WORK, 'inductor') },
    });
  try {
    await exported(c, folder, env);
    const { agreement, times } = await tried(c, torch);
    const format = formats.reduce((a, b) => (times[b] < times[a] ? b : a));
    const sides = [
      startSide({
        name: `ours, ${c.name}`,
        command: process.execPath,
        args: nodeArgs('ours.ts', c.kind, JSON.stringify(c.setting)),
        env,
      }),
      torch(format),
    ];
    try {
      const forward = await sides[0].ask<OurReady>({ ask: 'ready' });
      const theirs = await sides[1].ask<Ready>({ ask: 'ready' });
      const { multiplyAdds, activationBytes, parameterBytes, kernels } = forward;
      const before = sides.map((side) => side.memory()?.now ?? null);
      for (const side of sides) for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await side.ask<Step>(RUN);
      const compiled = compiles === true ? await compiledSide(c, torch(format, 'compile'), plan) : compiles;
      if (typeof compiled !== 'string') sides.push(compiled);
      const steps = await rounds(sides, plan);
      const results = sides.map((side, i) => summary(steps[i], side, before[i] ?? null));
      return {
        ...c,
        agreement,
        format,
        formats: times,
        rounds: steps[0].length,
        forward: { multiplyAdds, activationBytes, parameterBytes },
        versions: { ...forward.versions, ...theirs.versions },
        kernels,
        ours: results[0],
        torch: results[1],
        compiled: typeof compiled === 'string' ? compiled : results[2],
      };
    } finally {
      await Promise.all(sides.map((side) => side.close()));
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Weights, batch and our logits as files, by a process of its own. */
async function exported({ name, setting }: Case, folder: string, env: Readonly<Record<string, string>>) {
  const side = startSide({
    name: `export, ${name}`,
    command: process.execPath,
    args: nodeArgs('export-once.ts', folder, JSON.stringify(setting)),
    env,
  });
  await side.ask<boolean>({});
  await side.close();
}

/** Agreement and seconds of a step in each format; in processes of their own, since both would raise the peak memory. */
async function tried(c: Case, torch: (format: Format) => Side) {
  const times: Record<Format, number> = { channels_last_3d: Number.NaN, contiguous_format: Number.NaN };
  let worst = { logits: 0, loss: 0 };
  for (const format of formats) {
    const side = torch(format);
    try {
      const { logits, loss } = await side.ask<{ logits: number; loss: number }>({ ask: 'agree' });
      worst = { logits: Math.max(worst.logits, logits), loss: Math.max(worst.loss, loss) };
      if (!(logits <= AGREEMENT && loss <= AGREEMENT))
        fail({
          where: `${c.name}, ${format}`,
          expected: `logits and loss within ${AGREEMENT} of PyTorch's`,
          found: `${logits.toExponential(1)} and ${loss.toExponential(1)}`,
          next: 'run `npm run bench -- --check`; a case that disagrees is not timed',
        });
      await side.ask<Step>(RUN);
      times[format] = (await side.ask<Step>(RUN)).seconds;
    } finally {
      await side.close();
    }
  }
  return { agreement: worst, times };
}

/** The compiled side after its warm-up, or why there is none. */
async function compiledSide(c: Case, side: Side, { compileSeconds, say }: Plan): Promise<Side | string> {
  const end = Date.now() + compileSeconds * 1000;
  try {
    // the second step may compile again
    for (let warmUp = 0; warmUp < 2; warmUp++)
      await side.ask<Step>(RUN, Math.max(1, (end - Date.now()) / 1000));
    return side;
  } catch (error) {
    await side.close();
    const lines = (error instanceof Error ? error.message : String(error)).split('\n');
    const late = /no answer within/.test(lines[0]);
    const reason = late ? `still compiling after ${compileSeconds} s` : (lines[lines.length - 1] ?? lines[0]);
    say(`${c.name}: torch.compile: ${reason}`);
    return reason;
  }
}

/** A pause in which the threads of the side that has just computed go to sleep, milliseconds. */
const PAUSE = 300;

/** Turns, the first side changing; each side's steps. */
async function rounds(sides: readonly Side[], plan: Plan): Promise<Step[][]> {
  const steps: Step[][] = sides.map(() => []);
  const begin = Date.now();
  const more = (done: number) =>
    plan.rounds !== undefined
      ? done < plan.rounds
      : done < 3 || (done < 9 && ((Date.now() - begin) / 1000) * ((done + 1) / done) < plan.seconds);
  for (let done = 0; more(done); done++) {
    const order = sides.map((_, i) => (i + done) % sides.length);
    for (const i of order) {
      steps[i].push(await sides[i].ask<Step>(RUN));
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
  return steps;
}

function summary(steps: readonly Step[], side: Side, before: number | null): SideResult {
  const seconds = steps.map((s) => s.seconds);
  const names = Object.keys(steps[0].parts ?? {});
  const parts = names.map((name) => [name, spread(steps.map((s) => s.parts?.[name] ?? 0)).median]);
  return {
    ...spread(seconds),
    seconds,
    ...(names.length > 0 ? { parts: Object.fromEntries(parts) } : {}),
    peak: side.memory()?.peak ?? null,
    before,
  };
}
