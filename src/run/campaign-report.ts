/** A campaign for a reader, before it runs: its jobs with what they need, and the sums. */
import type { Campaign, Job } from './campaign';
import { rules } from './campaign';
import { type CampaignTask, type Needs, preparedBytes } from './campaign-needs';

const gib = (bytes: number) =>
  bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const hours = (value: number | null) =>
  value === null
    ? '–'
    : value < 100
      ? `${value.toFixed(value < 1 ? 3 : 1)} h`
      : `${(value / 24).toFixed(0)} days`;

/** A line a job, then a line a kind of job, then what all of them come to. */
export function campaignLines(
  campaign: Campaign,
  jobs: readonly Job[],
  tasks: readonly CampaignTask[],
  needs: ReadonlyMap<string, Needs>,
): string[] {
  const rows = jobs.map((job) => {
    const { hours: time = null, memory = 0, disk = 0 } = needs.get(job.name) ?? {};
    return [
      job.name,
      `${job.threads}`,
      hours(time),
      gib(memory),
      gib(disk),
      job.needs.length > 2 ? `${job.needs.length} jobs` : job.needs.join(', '),
    ];
  });
  const all = (of: readonly Job[]) => of.flatMap(({ name }) => needs.get(name) ?? []);
  const total = (own: readonly Needs[]) => {
    const times = own.map(({ hours: time }) => time);
    const time = times.includes(null) ? null : times.reduce<number>((sum, t) => sum + (t ?? 0), 0);
    const disk = own.reduce((sum, { disk: bytes }) => sum + bytes, 0);
    const memory = Math.max(0, ...own.map(({ memory: bytes }) => bytes));
    return { time, disk, memory };
  };
  const kinds = rules.map((rule) => {
    const own = jobs.filter((job) => job.rule === rule);
    const { time, disk, memory } = total(all(own));
    return [`${own.length} × ${rule}`, '', hours(time), gib(memory), gib(disk), ''];
  });
  const { time, disk, memory } = total(all(jobs));
  const prepared = tasks.reduce((sum, task) => sum + preparedBytes(task), 0);
  return [
    `Table 1, configuration ${campaign.config}: ${campaign.tasks.length} tasks × ${campaign.folds.length} folds × ${campaign.methods.join(', ')} × ${campaign.seeds.length} seeds`,
    ...tasks.map(taskLine),
    '',
    ...aligned([['job', 'threads', 'time here', 'memory', 'disk', 'after'], ...rows]),
    '',
    ...aligned([['in all', '', 'time here', 'most memory', 'disk', ''], ...kinds]),
    '',
    `${jobs.length} jobs, ${time === null ? 'not timed' : `${hours(time)} one after the other on this machine`}, at most ${gib(memory)} of memory each, ${gib(disk)} of disk and ${gib(prepared)} for prepared cases, which jobs share (SCNAS_CACHE)`,
  ];
}

function taskLine(task: CampaignTask): string {
  const { name, cases, there, plans } = task;
  const plan = plans.get('scnas')?.plan;
  const shape = plan?.medianShape.join(' × ');
  const source = there ? '' : '; its data are not here, so these are the facts of the task as published';
  return `  ${name}: ${cases} cases, patch ${plan?.patch.join(' × ')}, median shape ${shape}, prepared ${gib(preparedBytes(task))}${source}`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  const cell = (text: string, j: number) =>
    j === 0 || j === widths.length - 1 ? text.padEnd(widths[j]) : text.padStart(widths[j]);
  return rows.map((row) => row.map(cell).join('  ').trimEnd());
}
