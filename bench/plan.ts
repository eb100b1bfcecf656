/**
 * What `scnas plan` predicts, held against runs: seconds a step and a volume, and the peak memory of a step.
 *
 *     SCNAS_DATA=DIR node setup/run.mjs bench/plan.ts TASK CONFIG seconds|memory [ROUNDS] [key=value ...]
 *
 * `seconds` calibrates and runs real steps (batches drawn by the worker as in a run) in turn, ROUNDS times, so that both see the same machine;
 * `memory` runs one phase a process. Prints JSON. TASK is under SCNAS_DATA, or `phantom:TASK` is made for it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { key, loadCase, openDataset, operations, predictLabels, prepareCase, tf } from '../src';
import { writePhantom } from '../src/data/phantom';
import { initialise } from '../src/engine/model';
import { calibrate, windowsOf } from '../src/run/calibrate';
import { disposeState } from '../src/run/checkpoint';
import { type Config, preprocessingOf } from '../src/run/config';
import { typicalGenotype } from '../src/run/expected';
import { createRun, writeGenotype } from '../src/run/folder';
import { networkOptions, type PhaseName, stepBytes } from '../src/run/memory';
import { networkOf } from '../src/run/model';
import { loadOperations } from '../src/run/operations';
import { type Phase, toTensors } from '../src/run/phase';
import { planFor } from '../src/run/plan';
import { batchStream } from '../src/run/prefetch';
import { retrainPhase } from '../src/run/retrain';
import { searchPhase } from '../src/run/search';

const [task, configName, what, roundsText = '3', ...set] = process.argv.slice(2);
const rounds = Number(roundsText);
const folder = mkdtempSync(path.join(os.tmpdir(), 'scnas-plan-'));
const only = process.env.SCNAS_BENCH_PART as PhaseName | undefined;

/** SCNAS_BENCH_CLOCK=cpu: processor seconds of this process, which other programs on the machine change less. */
const now = () => {
  if (process.env.SCNAS_BENCH_CLOCK !== 'cpu') return performance.now() / 1000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Steps as a run takes them; the seconds of each. */
async function steps<State extends { readonly step: number }, Report extends { readonly step: number }>(
  phase: Phase<State, Report>,
): Promise<{ take: (n: number) => Promise<number[]>; end: () => Promise<void> }> {
  let state = phase.initial();
  const stream = batchStream({
    sets: phase.sets,
    options: phase.batch,
    drawsOf: (step) => phase.draws(step),
    from: 0,
    to: phase.total,
    ahead: 2,
  });
  const one = async () => {
    const began = now();
    const batches = (await stream.next()).map(toTensors);
    state = phase.step(state, batches).state;
    for (const { x, y } of batches) tf.dispose([x, y]);
    await new Promise((resolve) => setImmediate(resolve));
    return now() - began;
  };
  return {
    take: async (n) => {
      const taken: number[] = [];
      for (let i = 0; i < n; i++) taken.push(await one());
      return taken;
    },
    end: async () => {
      await stream.close();
      disposeState(state);
    },
  };
}

async function begin() {
  const phantom = /^phantom:(.+)$/.exec(task)?.[1];
  const root = phantom
    ? writePhantom({ task: phantom, cases: 6, seed: 1, out: folder })
    : path.join(process.env.SCNAS_DATA ?? '', task);
  const dataset = openDataset(root);
  const { hash: operationsHash } = loadOperations(null);
  const given = { operations: operations.map((o) => o.name), operationsHash, fold: 'all' };
  const { config, plan } = await planFor(dataset, { file: configName, set, given }, undefined);
  const run = createRun(path.join(folder, 'run'), config, plan);
  writeGenotype(run, typicalGenotype(networkOptions(config, 'retrain'), config.seed));
  return { dataset, config, plan, run };
}
type Begun = Awaited<ReturnType<typeof begin>>;

const phaseOf = (name: PhaseName, { run, dataset }: Begun) =>
  name === 'search' ? searchPhase(run, dataset, operations) : retrainPhase(run, dataset, operations);

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

async function seconds(begun: Begun): Promise<unknown> {
  const { config } = begun;
  const rows: Record<string, { predicted: number[]; measured: number[] }> = {};
  const note = (name: string, predicted: number, measured: number) => {
    rows[name] ??= { predicted: [], measured: [] };
    rows[name].predicted.push(predicted);
    rows[name].measured.push(measured);
  };
  const search = await steps((await phaseOf('search', begun)) as Phase<{ step: number }, { step: number }>);
  const retrain = await steps((await phaseOf('retrain', begun)) as Phase<{ step: number }, { step: number }>);
  for (const { take } of [search, retrain]) await take(2);
  const enough = async (take: (n: number) => Promise<number[]>) => {
    const [first] = await take(1);
    return mean([first, ...(await take(Math.max(1, Math.min(24, Math.round(8 / first)))))]);
  };
  for (let i = 0; i < rounds; i++) {
    const predicted = calibrate(config, { clock: now });
    note('search', predicted.search, await enough(search.take));
    note('retrain', predicted.retrain, await enough(retrain.take));
    note('volume', ...volume(begun, predicted.window));
    process.stderr.write(`${JSON.stringify(rows)}\n`);
  }
  for (const { end } of [search, retrain]) await end();
  return Object.fromEntries(
    Object.entries(rows).map(([name, { predicted, measured }]) => [
      name,
      {
        predicted: median(predicted),
        measured: median(measured),
        ratios: predicted.map((p, i) => p / measured[i]),
      },
    ]),
  );
}

/** A real volume's seconds, predicted from its windows, and taken. */
function volume({ config, dataset, run }: Begun, window: number): [number, number] {
  const genotype = typicalGenotype(networkOptions(config, 'retrain'), config.seed);
  const network = networkOf(config, genotype, operations, run.dir);
  const theta = initialise(network.parameters, key(1, 'theta'));
  const prepared = prepareCase(
    loadCase(dataset, dataset.cases[0].id),
    config.classes.length,
    preprocessingOf(config),
  );
  const began = now();
  predictLabels(network, theta, prepared, { patch: config.patch, flips: config.flips });
  const taken = now() - began;
  tf.dispose(theta);
  return [window * windowsOf(prepared.shape, config.patch), taken];
}

/** Peak of this process after some steps of one phase. */
async function memory(begun: Begun, phase: PhaseName): Promise<unknown> {
  const { config } = begun;
  const { take, end } = await steps(
    (await phaseOf(phase, begun)) as Phase<{ step: number }, { step: number }>,
  );
  const before = process.memoryUsage.rss();
  await take(phase === 'search' ? Math.max(2, rounds) : 2);
  await end();
  const { maxRSS } = process.resourceUsage();
  const predicted = stepBytes(config, phase, config[phase].microBatch);
  return {
    [phase]: { before: before / 2 ** 30, predicted: predicted / 2 ** 30, measured: maxRSS / 2 ** 20 },
  };
}

async function main(): Promise<void> {
  if (what === 'memory' && !only) {
    for (const phase of ['search', 'retrain'])
      spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
        env: { ...process.env, SCNAS_BENCH_PART: phase },
        stdio: 'inherit',
      });
    return;
  }
  const begun = await begin();
  const { patch, search, retrain } = begun.config;
  const result = only ? await memory(begun, only) : await seconds(begun);
  const of = ({ stem, batch, microBatch, recompute }: Config['search'] | Config['retrain']) => ({
    stem,
    batch,
    microBatch,
    recompute,
  });
  const facts = {
    task,
    patch,
    ...(only ? { [only]: of(begun.config[only]) } : { search: of(search), retrain: of(retrain) }),
  };
  process.stdout.write(`${JSON.stringify({ ...facts, result })}\n`);
}

main().finally(() => rmSync(folder, { recursive: true, force: true }));
