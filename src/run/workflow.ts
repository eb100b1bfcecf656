/** Snakemake over a campaign: its virtual environment, campaign.json, one process, and what it says. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../data/room';
import { fail, ScnasError } from '../engine/errors';
import { type Campaign, type Job, rules } from './campaign';
import type { Needs } from './campaign-needs';
import { readJson, writeJson } from './files';
import { takeLock } from './lock';
import { memoryBytes } from './pool';
import { type Progress, progressLine } from './progress';
import { installedVenv, type Venv } from './venv';

const ROOT = path.join(__dirname, '..', '..');
const WORKFLOW = path.join(ROOT, 'workflow');

const venv: Venv = {
  folder: path.join(ROOT, '.workflow'),
  requirements: path.join(WORKFLOW, 'requirements.txt'),
  title: 'Snakemake',
  otherwise:
    'name a Python that has it with SCNAS_WORKFLOW_PYTHON (environment.md, "Campaign"; it needs Python 3.11)',
};

/** A Python with Snakemake: SCNAS_WORKFLOW_PYTHON, or .workflow/, which is made where it is not there. */
export function snakemakePython(say: (line: string) => void): string {
  return process.env.SCNAS_WORKFLOW_PYTHON || installedVenv(venv, say);
}

/** The folder of a profile: a name under workflow/profiles, or a folder. */
export function profileFolder(name: string): string {
  const folder = path.join(WORKFLOW, 'profiles');
  const own = [name, path.join(folder, name)].find((dir) => fs.existsSync(path.join(dir, 'config.yaml')));
  return own
    ? path.resolve(own)
    : fail({
        where: `--profile ${name}`,
        expected: 'a folder with config.yaml, or a name under workflow/profiles',
        found: 'neither',
        next: `there are ${fs.readdirSync(folder).join(', ')}`,
      });
}

/** Bytes as a whole number of megabytes, at least one. */
const megabytes = (bytes: number) => Math.max(1, Math.ceil(bytes / 1e6));

/**
 * Writes campaign.json, which workflow/Snakefile reads.
 *
 * Errors: a ScnasError where the folder holds a campaign with another configuration, other settings or other data; tasks, methods, folds and
 * seeds may be added.
 */
export function writeCampaign(
  dir: string,
  campaign: Campaign,
  jobs: readonly Job[],
  needs: ReadonlyMap<string, Needs>,
): void {
  const file = path.join(dir, 'campaign.json');
  const { config, set, data } = campaign;
  const same = { config, set, data };
  if (fs.existsSync(file)) {
    const { campaign: before } = readJson(file, 'remove it') as { readonly campaign: Campaign };
    for (const name of ['config', 'set', 'data'] as const)
      if (JSON.stringify(before[name]) !== JSON.stringify(same[name]))
        fail({
          where: dir,
          expected: `a campaign with ${name} ${JSON.stringify(same[name])}`,
          found: `one with ${JSON.stringify(before[name])}`,
          next: 'choose another --out',
        });
  }
  makeFolder(dir);
  writeJson(file, {
    schema: 'scnas-campaign-1',
    campaign,
    // Run folders are below it, wherever a job is.
    folder: dir,
    scnas: [process.execPath, path.join(ROOT, 'src', 'run', 'bin.js')],
    rules,
    jobs: Object.fromEntries(
      jobs.map(({ name, needs: before, args, threads }) => {
        const { memory = 0, disk = 0 } = needs.get(name) ?? {};
        return [name, { needs: before, args, threads, mem_mb: megabytes(memory), disk_mb: megabytes(disk) }];
      }),
    ),
  });
}

/** How Snakemake is called. */
export interface WorkflowOptions {
  readonly dir: string;
  readonly python: string;
  /** Processors, or jobs at a time on a cluster. */
  readonly cores: number;
  readonly profile: string;
  readonly dryRun?: boolean;
}

function snakemakeArguments({ dir, cores, profile, dryRun }: WorkflowOptions): string[] {
  const local = path.basename(profile) === 'local';
  return [
    ...['-m', 'snakemake', '--snakefile', path.join(WORKFLOW, 'Snakefile'), '--directory', dir],
    ...['--profile', profile, ...(local ? ['--cores', `${cores}`] : ['--jobs', `${cores}`])],
    // The default asks a solver, whose program is not there for every system.
    ...['--scheduler', 'greedy'],
    // No more memory at a time than there is; a cluster looks after its own.
    ...(local ? ['--resources', `mem_mb=${megabytes(memoryBytes())}`] : []),
    // A killed workflow leaves its lock and unfinished outputs behind; `takeLock` keeps two from running at once.
    ...['--nolock', '--rerun-incomplete', '--rerun-triggers', 'mtime', '--keep-going'],
    ...(dryRun ? ['--dry-run', '--quiet', 'rules'] : []),
  ];
}

/** Runs what is left of a campaign; the jobs' output is in logs/, Snakemake's in logs/snakemake.log. Errors: a ScnasError with the end of each failed job's log. */
export async function runWorkflow(options: WorkflowOptions, jobs: readonly Job[]): Promise<void> {
  const { dir, python } = options;
  fs.mkdirSync(path.join(dir, 'logs'), { recursive: true });
  const file = path.join(dir, 'logs', 'snakemake.log');
  const log = fs.openSync(file, 'a');
  const from = fs.fstatSync(log).size;
  const lock = takeLock(path.join(dir, 'lock'), 'this campaign');
  const done = () => jobs.filter(({ name }) => fs.existsSync(path.join(dir, 'done', name))).length;
  const bar = progressLine({ phase: 'jobs', total: jobs.length, from: done() });
  const timer = setInterval(() => bar.update(done(), {}), 1000);
  try {
    const child = spawn(python, snakemakeArguments(options), { stdio: ['ignore', log, log] });
    if (child.pid) lock.also(child.pid);
    const code = await untilEnd(child, bar);
    bar.update(done(), {});
    if (code !== 0)
      throw new ScnasError(failureOf(dir, fs.readFileSync(file).subarray(from).toString(), code));
  } finally {
    clearInterval(timer);
    bar.done();
    lock.release();
    fs.closeSync(log);
  }
}

/** Waits for Snakemake; Ctrl-C reaches it and its jobs from the terminal, a signal to this process alone is passed on. */
function untilEnd(child: ReturnType<typeof spawn>, bar: Progress): Promise<number> {
  const interrupt = () => bar.say('stopping: jobs at work write their checkpoints; the same command goes on');
  const end = () => {
    bar.say('stopping');
    child.kill('SIGTERM');
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', end);
  return new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  }).finally(() => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', end);
  });
}

/** Lines of a failed job's log that are shown. */
const SHOWN = 4;

function failureOf(dir: string, log: string, code: number): string {
  const failed = [...new Set([...log.matchAll(/^ {4}log: (logs\/\S+)/gm)].map(([, file]) => file))].filter(
    (file) =>
      log.includes(`Error in rule`) &&
      !fs.existsSync(path.join(dir, file.replace(/^logs/, 'done').replace(/\.log$/, ''))),
  );
  const parts = failed.flatMap((file) => {
    const text = fs.existsSync(path.join(dir, file)) ? fs.readFileSync(path.join(dir, file), 'utf8') : '';
    return [
      `${path.join(dir, file)}:`,
      ...text
        .trimEnd()
        .split('\n')
        .slice(-SHOWN)
        .map((line) => `  ${line}`),
    ];
  });
  const head = `the campaign stopped (Snakemake ended with ${code}); what is done is kept, and the same command goes on`;
  return [head, ...(parts.length > 0 ? parts : [`see ${path.join(dir, 'logs', 'snakemake.log')}`])].join(
    '\n',
  );
}

/** What Snakemake itself says of the jobs that are left, without running them. */
export async function dryWorkflow(options: WorkflowOptions): Promise<string> {
  const child = spawn(options.python, snakemakeArguments({ ...options, dryRun: true }), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += data));
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
  if (code !== 0)
    throw new ScnasError(`Snakemake refused the campaign:\n${text.trim().split('\n').slice(-8).join('\n')}`);
  return text;
}
