/** The campaign behind Table 1, from what the command line asks for to the table. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openDataset } from '../data/msd';
import { phantomData } from '../notebook/data';
import { type Campaign, campaignDefaults, campaignJobs, campaignOf, campaignPhantoms } from './campaign';
import { campaignNeeds, campaignRates, campaignTasks } from './campaign-needs';
import { campaignLines } from './campaign-report';
import { dataFolder } from './look';
import { progressLine } from './progress';
import { dryWorkflow, profileFolder, runWorkflow, snakemakePython, writeCampaign } from './workflow';

/** What the command line says; lists are separated by commas. */
export interface Table1Options {
  readonly config: string;
  readonly set: readonly string[];
  readonly data?: string;
  readonly tasks?: string;
  readonly methods?: string;
  readonly folds?: string;
  readonly seeds?: string;
  readonly threads?: string;
  readonly cores?: number;
  readonly profile: string;
  /** Folder of the campaign. */
  readonly out: string;
  readonly dryRun?: boolean;
  readonly timing: boolean;
  readonly say: (line: string) => void;
}

/** Jobs at a time on a cluster. */
const CLUSTER_JOBS = 100;

/** Runs the campaign, or with `dryRun` only says what it would be. */
export async function runTable1(options: Table1Options): Promise<void> {
  const { out, say, dryRun } = options;
  const profile = profileFolder(options.profile);
  const local = path.basename(profile) === 'local';
  const campaign = withData(campaignOf(options), options);
  const jobs = campaignJobs(campaign);
  const progress = (phase: string, total: number, from: number) => progressLine({ phase, total, from });
  const tasks = await campaignTasks(campaign, { progress });
  const rates = dryRun && options.timing ? campaignRates(campaign, tasks, { budget: TIMING }) : new Map();
  const needs = campaignNeeds(jobs, tasks, rates);
  const cores = options.cores ?? (local ? os.availableParallelism() : CLUSTER_JOBS);
  if (dryRun) {
    for (const line of campaignLines(campaign, jobs, tasks, needs)) say(line);
    if (local) return;
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-table1-'));
    try {
      writeCampaign(scratch, campaign, jobs, needs);
      say(await dryWorkflow({ dir: scratch, python: snakemakePython(say), cores, profile }));
    } finally {
      fs.rmSync(scratch, { recursive: true, force: true });
    }
    return;
  }
  for (const { name, there } of tasks) if (!there) openDataset(campaign.data, name);
  const python = snakemakePython(say);
  writeCampaign(out, campaign, jobs, needs);
  await runWorkflow({ dir: out, python, cores, profile }, jobs);
  say(
    `Table 1 in ${path.relative(process.cwd(), path.join(out, 'table')) || '.'}: table.html, table.md, table.json`,
  );
}

/** The campaign with its data: phantoms where the configuration has them and no folder is named, drawn once into the cache; else that folder. */
function withData(campaign: Campaign, { data: given, dryRun, out }: Table1Options): Campaign {
  if (!given && campaignDefaults(campaign.config).phantoms) {
    const [root] = campaign.tasks.map((task) => phantomData(task, campaignPhantoms).root);
    return { ...campaign, data: path.dirname(root) };
  }
  const data = given ?? process.env.SCNAS_DATA;
  // Tasks that are nowhere can be predicted all the same.
  return { ...campaign, data: dryRun && !data ? out : path.resolve(dataFolder(data)) };
}

/** Seconds that the timing of a phase may take, about. */
const TIMING = 8;
