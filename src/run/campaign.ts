/** The campaign behind Table 1: tasks × folds × methods × seeds as jobs of the command line, each with what must be done before it. Pure. */
import { fail } from '../engine/errors';
import { methodOf } from '../networks/methods';
import { table1Columns, table1Rows } from '../paper/table1';
import { wholeNumber } from './commands/common';
import { type Config, resolveConfig } from './config';
import { type Method, methods } from './config-rules';

/** Cells that are transferred come from the search on this task's first fold, whichever folds are run. Source: §3. */
export const TRANSFER_FROM = 'Task01_BrainTumour';

/** What a campaign runs. */
export interface Campaign {
  /** A name under configs/, or a file. */
  readonly config: string;
  readonly set: readonly string[];
  /** Folder with the tasks. */
  readonly data: string;
  readonly tasks: readonly string[];
  readonly methods: readonly Method[];
  readonly folds: readonly number[];
  readonly seeds: readonly number[];
  /** Threads of a job. */
  readonly threads: number;
}

/** How the phantom tasks of a campaign without data are drawn. */
export const campaignPhantoms = { cases: 6, seed: 1, size: [40, 48, 40] } as const;

/** What a configuration's campaign is where the command line does not say; `folds` all: those of the configuration. */
interface CampaignDefaults {
  readonly folds: 'all' | readonly number[];
  readonly threads: number;
  readonly set?: readonly string[];
  /** Draws its tasks itself where no data are given. */
  readonly phantoms?: boolean;
}

const campaigns: Readonly<Record<string, CampaignDefaults>> = {
  paper: { folds: 'all', threads: 8 },
  laptop: { folds: [0], threads: 1 },
  smoke: {
    folds: [0],
    threads: 1,
    phantoms: true,
    // Enough for a phantom's Dice to leave 0 in seconds.
    set: ['patch=[24,24,24]', 'foreground=1', 'retrain.stem=8', 'retrain.steps=80', 'retrain.adam.rate=0.02'],
  },
};

export function campaignDefaults(config: string): CampaignDefaults {
  return Object.hasOwn(campaigns, config) ? campaigns[config] : { folds: [0], threads: 1 };
}

/** What the command line may say; lists are separated by commas. */
export interface CampaignOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly tasks?: string;
  readonly methods?: string;
  readonly folds?: string;
  readonly seeds?: string;
  readonly threads?: string;
}

/** The campaign that the command line asks for, its data not yet known. Errors: a ScnasError for an unknown method or fold, or a transfer without its source. */
export function campaignOf(options: CampaignOptions): Campaign {
  const { config } = options;
  const base = campaignDefaults(config);
  const set = [...(base.set ?? []), ...options.set];
  const { folds: count } = resolveConfig({ file: config, set });
  const list = (text: string | undefined) => text?.split(',').map((word) => word.trim());
  const numbers = (text: string | undefined, where: string) =>
    list(text)?.map((word) => wholeNumber(word, where, 0));
  const all = Array.from({ length: count }, (_, fold) => fold);
  const folds = numbers(options.folds, '--folds') ?? (base.folds === 'all' ? all : base.folds);
  const strange = folds.find((fold) => fold >= count);
  if (strange !== undefined)
    fail({
      where: '--folds',
      expected: `folds 0 to ${count - 1}, as configuration ${config} has them`,
      found: String(strange),
      next: 'correct it',
    });
  const wanted = list(options.methods) ?? table1Rows.map(({ method }) => method);
  const unknown = wanted.find((name) => !methods.includes(name as Method));
  if (unknown !== undefined)
    fail({
      where: '--methods',
      expected: `some of ${methods.join(', ')}`,
      found: unknown,
      next: 'correct it',
    });
  const tasks = list(options.tasks) ?? [...new Set(table1Columns.map(({ task }) => task))];
  if (wanted.includes('transfer') && !tasks.includes(TRANSFER_FROM))
    fail({
      where: '--tasks',
      expected: `${TRANSFER_FROM}, whose cells are transferred`,
      found: tasks.join(', '),
      next: 'add it, or leave transfer out with --methods',
    });
  return {
    config,
    set,
    data: '',
    tasks,
    methods: wanted as Method[],
    folds,
    seeds: numbers(options.seeds, '--seeds') ?? [0],
    threads: options.threads === undefined ? base.threads : wholeNumber(options.threads, '--threads'),
  };
}

/** The kinds of jobs, in the order in which a run passes them. */
export const rules = ['search', 'derive', 'retrain', 'evaluate', 'table'] as const;
export type Rule = (typeof rules)[number];

/** A call of the command line. */
export interface Job {
  /** RULE/RUN; unique. */
  readonly name: string;
  readonly rule: Rule;
  /** Names of the jobs before it. */
  readonly needs: readonly string[];
  /** Arguments of scnas, in the campaign's folder. */
  readonly args: readonly string[];
  readonly threads: number;
  /** Of which run; absent for the table. */
  readonly run?: Run;
}

/** A run of the campaign. */
export interface Run {
  readonly task: string;
  readonly method: Method;
  readonly fold: number;
  readonly seed: number;
}

const runName = ({ task, method, fold, seed }: Run) => `${task}/${method}-fold${fold}-seed${seed}`;

/** The run whose cells a transfer takes: of the same seed. */
const sourceOf = ({ seed }: Run): Run => ({
  task: TRANSFER_FROM,
  method: 'scnas',
  fold: 0,
  seed,
});

/**
 * Every job of a campaign, each after those that it needs. A transfer to the task that its cells come from is left out, as in the paper.
 */
export function campaignJobs(campaign: Campaign): readonly Job[] {
  const { tasks, methods: wanted, folds, seeds } = campaign;
  const runs = seeds.flatMap((seed) =>
    tasks.flatMap((task) =>
      folds.flatMap((fold) => wanted.map((method): Run => ({ task, method, fold, seed }))),
    ),
  );
  const kept = runs.filter(({ method, task }) => method !== 'transfer' || task !== TRANSFER_FROM);
  const searched = unique([
    ...kept.filter(({ method }) => method === 'scnas'),
    ...kept.filter(({ method }) => method === 'transfer').map(sourceOf),
  ]);
  const jobs = [
    ...searched.flatMap((run) => [searchJob(campaign, run), deriveJob(run)]),
    ...kept.map((run) => retrainJob(campaign, run)),
    ...kept.map((run) => evaluateJob(campaign, run)),
  ];
  const needs = jobs.filter(({ rule }) => rule === 'evaluate').map(({ name }) => name);
  const args = ['table', '--runs', 'runs', '--out', 'table'];
  return [...jobs, { name: 'table/all', rule: 'table', needs, args, threads: 1 }];
}

const unique = (runs: readonly Run[]) => [...new Map(runs.map((run) => [runName(run), run])).values()];

const folderOf = (run: Run) => `runs/${runName(run)}`;
const nameOf = (rule: Rule, run: Run) => `${rule}/${runName(run)}`;

/** What a new run is told; one that is there goes on. */
function begin(campaign: Campaign, run: Run): string[] {
  const { data, config } = campaign;
  const settings = settingsOf(campaign, run.method).flatMap((setting) => ['--set', setting]);
  return [
    ...['--run', folderOf(run), '--resume', 'auto', '--data', data, '--task', run.task],
    ...['--config', config, ...settings, '--fold', String(run.fold), '--seed', String(run.seed)],
  ];
}

/**
 * Settings of a method: those of the campaign, and for a network designed by hand its width, which keeps the paper's proportion to SCNAS's stem
 * (32 and 30 to 68), even.
 */
export function settingsOf({ config, set }: Campaign, method: Method): readonly string[] {
  const { genotype, width } = methodOf(method);
  if (genotype) return set;
  const { stem } = resolveConfig({ file: config, set }).retrain;
  const own = Math.max(2, 2 * Math.round((width * stem) / methodOf('scnas').width / 2));
  return [...set, `retrain.stem=${own}`];
}

/** The configuration's layers for a method, as the command line would have them. */
export const layersOf = (campaign: Campaign, { method, fold, seed }: Run) => ({
  file: campaign.config,
  set: settingsOf(campaign, method),
  given: { method, fold, seed } satisfies Partial<Config>,
});

function searchJob(campaign: Campaign, run: Run): Job {
  const args = ['search', ...begin(campaign, run)];
  return { name: nameOf('search', run), rule: 'search', needs: [], args, threads: campaign.threads, run };
}

function deriveJob(run: Run): Job {
  const args = ['derive', '--run', folderOf(run)];
  return {
    name: nameOf('derive', run),
    rule: 'derive',
    needs: [nameOf('search', run)],
    args,
    threads: 1,
    run,
  };
}

function retrainJob(campaign: Campaign, run: Run): Job {
  const { method } = run;
  const job = { name: nameOf('retrain', run), rule: 'retrain', threads: campaign.threads, run } as const;
  if (method === 'scnas') {
    const args = ['retrain', '--run', folderOf(run), '--resume'];
    return { ...job, needs: [nameOf('derive', run)], args };
  }
  const args = ['retrain', '--method', method, ...begin(campaign, run)];
  if (method !== 'transfer') return { ...job, needs: [], args };
  const source = sourceOf(run);
  const genotype = ['--genotype', `${folderOf(source)}/genotype.json`];
  return { ...job, needs: [nameOf('derive', source)], args: [...args, ...genotype] };
}

function evaluateJob({ threads }: Campaign, run: Run): Job {
  const args = ['evaluate', '--run', folderOf(run)];
  return {
    name: nameOf('evaluate', run),
    rule: 'evaluate',
    needs: [nameOf('retrain', run)],
    args,
    threads,
    run,
  };
}
