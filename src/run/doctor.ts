/** `scnas doctor`: what this machine runs with, and what is wrong with it. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const GIB = 2 ** 30;
/** The least that set-up and the `laptop` configuration were seen to do with, in GiB. */
const LEAST = { memory: 6, disk: 4 };
const SET_UP = 'run `npm run setup`';

/** One thing that is wrong; a grave one stops work, the others slow it down. */
export interface Problem {
  readonly grave: boolean;
  readonly what: string;
  readonly next: string;
}

/** What TensorFlow says of itself; `error` alone where it does not load. */
export interface EngineFacts {
  readonly backend: string | null;
  readonly tensorflow: string | null;
  readonly kernels: 'native' | 'portable' | null;
  readonly usesGpu: boolean;
  readonly error: string | null;
}

/** All that `scnas doctor` finds out; null: not there. Memory and disk in GiB. */
export interface DoctorReport {
  readonly ok: boolean;
  readonly versions: Readonly<Record<string, string | null>>;
  readonly engine: EngineFacts & { readonly threads: number };
  readonly machine: {
    readonly system: string;
    readonly cpu: string;
    readonly cores: number;
    readonly memory: number;
    readonly freeMemory: number;
    readonly freeDisk: number;
    readonly gpus: readonly string[];
  };
  readonly data: { readonly SCNAS_DATA: string | null; readonly tasks: readonly string[] };
  readonly environment: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/** Looks at this machine. Nothing is changed, and nothing that is missing makes it fail. */
export async function doctor(): Promise<DoctorReport> {
  const engine = await engineFacts();
  const machine = machineFacts();
  const data = dataFacts(process.env.SCNAS_DATA || null);
  const environment = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] =>
      /^(SCNAS|TF_(CPP|ENABLE|NUM)|CUDA_VISIBLE|OMP_NUM)_/.test(entry[0]),
    ),
  );
  const facts = {
    versions: versions(),
    engine: { ...engine, threads: Number(process.env.SCNAS_THREADS) || os.availableParallelism() },
    machine,
    data,
    environment,
  };
  const problems = [
    ...setUpProblems(),
    ...engineProblems(facts),
    ...machineProblems(facts),
    ...dataProblems(data),
  ];
  return { ok: !problems.some(({ grave }) => grave), ...facts, problems };
}

/** The report as lines for a person. */
export function doctorText({
  ok,
  versions,
  engine,
  machine,
  data,
  environment,
  problems,
}: DoctorReport): string {
  const list = (facts: Readonly<Record<string, string | null>>) =>
    Object.entries(facts)
      .map(([name, value]) => `${name} ${value ?? 'none'}`)
      .join(', ');
  const kernels = `${engine.kernels ?? 'no'} kernels, ${engine.threads} threads${engine.usesGpu ? ', on the GPU' : ''}`;
  const rows = [
    ['versions', list(versions)],
    ['engine', engine.error ? 'does not load' : `${engine.backend} ${engine.tensorflow}, ${kernels}`],
    ['machine', `${machine.cpu}, ${machine.cores} cores, ${machine.system}`],
    ['memory', `${machine.memory} GiB, ${machine.freeMemory} GiB free; disk ${machine.freeDisk} GiB free`],
    ['GPU', machine.gpus.join(', ') || 'none'],
    [
      'data',
      data.SCNAS_DATA
        ? `${data.SCNAS_DATA}: ${data.tasks.join(', ') || 'no task'}`
        : 'SCNAS_DATA is not set: phantoms',
    ],
    ['settings', list(environment) || 'none'],
  ];
  const bad = problems.map(({ grave, what, next }) => `${grave ? '✗' : '!'} ${what}: ${next}`);
  const verdict = ok ? (bad.length > 0 ? 'It works, but:' : 'All is well.') : 'It does not work yet:';
  return [...rows.map(([name, text]) => `${name.padEnd(10)}${text}`), '', verdict, ...bad].join('\n');
}

async function engineFacts(): Promise<EngineFacts> {
  const none = { backend: null, tensorflow: null, kernels: null, usesGpu: false };
  try {
    const { tf } = await import('../engine/tf');
    await tf.ready();
    const backend = tf.backend() as unknown as {
      binding?: { TF_Version?: string };
      isUsingGpuDevice?: boolean;
    };
    const { kernels } = await import('../engine/kernels');
    return {
      backend: tf.getBackend(),
      tensorflow: backend.binding?.TF_Version ?? null,
      kernels: kernels().name,
      usesGpu: backend.isUsingGpuDevice ?? false,
      error: null,
    };
  } catch (error) {
    return { ...none, error: error instanceof Error ? error.message.trim().split('\n')[0] : String(error) };
  }
}

function versions(): DoctorReport['versions'] {
  const installed = (name: string) =>
    jsonField(path.join(ROOT, 'node_modules', name, 'package.json'), 'version');
  const venv = (name: string) => path.join(ROOT, '.venv', 'bin', name);
  return {
    scnas: jsonField(path.join(ROOT, 'package.json'), 'version'),
    node: process.versions.node,
    npm: output('npm', ['--version']),
    python: output(venv('python'), ['--version'])?.replace('Python ', '') ?? null,
    jupyterlab: output(venv('python'), [
      '-c',
      'from importlib.metadata import version as v; print(v("jupyterlab"))',
    ]),
    tfjs: installed('@tensorflow/tfjs-node-gpu'),
    tslab: installed('tslab'),
    typescript: installed('typescript'),
    compiler: output(process.env.CXX || 'c++', ['--version'])?.split('\n')[0] ?? null,
  };
}

function machineFacts(): DoctorReport['machine'] {
  const { bavail, bsize } = fs.statfsSync(ROOT);
  const gib = (bytes: number) => Math.round((bytes / GIB) * 10) / 10;
  const allowed = process.constrainedMemory?.() ?? 0;
  const memory = allowed > 0 ? Math.min(allowed, os.totalmem()) : os.totalmem();
  const gpus =
    output('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader'])?.split('\n') ?? [];
  return {
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: os.availableParallelism(),
    memory: gib(memory),
    freeMemory: gib(Math.min(os.freemem(), memory)),
    freeDisk: gib(bavail * bsize),
    gpus,
  };
}

/** A task folder has dataset.json; a root has such folders. */
function dataFacts(folder: string | null): DoctorReport['data'] {
  const isTask = (dir: string) => fs.existsSync(path.join(dir, 'dataset.json'));
  if (folder === null || !fs.existsSync(folder)) return { SCNAS_DATA: folder, tasks: [] };
  if (isTask(folder)) return { SCNAS_DATA: folder, tasks: [path.basename(path.resolve(folder))] };
  const tasks = fs.statSync(folder).isDirectory()
    ? fs.readdirSync(folder).filter((name) => isTask(path.join(folder, name)))
    : [];
  return { SCNAS_DATA: folder, tasks: tasks.sort() };
}

type Facts = Pick<DoctorReport, 'versions' | 'engine' | 'machine'>;

function setUpProblems(): Problem[] {
  const problems: Problem[] = [];
  const kernel = path.join(ROOT, '.venv', 'share', 'jupyter', 'kernels', 'tslab', 'kernel.json');
  const [node] = (jsonField(kernel, 'argv') as unknown as string[] | null) ?? [];
  if (!node) problems.push({ grave: false, what: 'notebooks have no TypeScript kernel', next: SET_UP });
  else if (!fs.existsSync(node)) {
    problems.push({ grave: false, what: `the notebook kernel starts ${node}, which is gone`, next: SET_UP });
  }
  return problems;
}

function engineProblems({ versions, engine, machine }: Facts): Problem[] {
  const problems: Problem[] = [];
  if (engine.error)
    problems.push({ grave: true, what: `TensorFlow does not load (${engine.error})`, next: SET_UP });
  if (!versions.compiler)
    problems.push({ grave: false, what: 'no C++ compiler', next: 'install g++ (environment.md)' });
  if (!versions.python) problems.push({ grave: true, what: '.venv has no Python that runs', next: SET_UP });
  if (engine.kernels === 'portable' && !engine.usesGpu && !process.env.SCNAS_KERNELS) {
    problems.push({
      grave: false,
      what: 'the native kernels are not built, so it runs several times slower',
      next: SET_UP,
    });
  }
  if (machine.gpus.length > 0 && !engine.usesGpu && !engine.error) {
    const next =
      'set SCNAS_GPU=1 and run `npm run setup`; if it stays, the driver is older than this TensorFlow asks for';
    problems.push({ grave: false, what: 'there is a GPU, but TensorFlow does not use it', next });
  }
  return problems;
}

function machineProblems({ machine, engine }: Facts): Problem[] {
  const problems: Problem[] = [];
  if (machine.memory < LEAST.memory) {
    const what = `${machine.memory} GiB of memory, where ${LEAST.memory} are enough for the laptop configuration`;
    problems.push({ grave: false, what, next: 'make patch or stem smaller (--set)' });
  }
  if (machine.freeDisk < LEAST.disk) {
    problems.push({
      grave: false,
      what: `${machine.freeDisk} GiB free on this disk`,
      next: `free ${LEAST.disk} GiB`,
    });
  }
  if (engine.threads > machine.cores) {
    problems.push({
      grave: false,
      what: `SCNAS_THREADS=${engine.threads} on ${machine.cores} cores`,
      next: 'unset it',
    });
  }
  return problems;
}

function dataProblems({ SCNAS_DATA: folder, tasks }: DoctorReport['data']): Problem[] {
  if (folder === null || tasks.length > 0) return [];
  const what = fs.existsSync(folder)
    ? `SCNAS_DATA=${folder} has no dataset.json, nor a folder that has one`
    : `SCNAS_DATA=${folder} does not exist`;
  return [
    {
      grave: true,
      what,
      next: 'point it at a task folder in MSD layout or a root of such folders, or unset it',
    },
  ];
}

function output(command: string, args: readonly string[]): string | null {
  try {
    const text = execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    });
    return text.trim() || null;
  } catch {
    return null;
  }
}

function jsonField(file: string, field: string): string | null {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))[field] ?? null;
  } catch {
    return null;
  }
}
