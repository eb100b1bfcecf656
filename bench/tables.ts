/** The results as text, as Markdown for the README, and as a bar chart. */
import { type BarsFigure, barFigure } from '../src/notebook/figure';
import { toSvg } from '../src/notebook/svg';
import { inWords, type Kind } from './cases';
import { channelCounts, kernelNames, volumesInWords } from './kernel-list';
import type { MachineFacts } from './machine';
import type { CaseResult, SideResult } from './run-case';
import type { KernelResult } from './run-kernels';
import { bound, type Peak, workOf } from './statistics';

/** results/bench.json. */
export interface BenchRecord {
  readonly schema: 1;
  readonly date: string;
  readonly machine: MachineFacts;
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  readonly peak: Peak;
  readonly cases: readonly CaseResult[];
  readonly kernels: readonly KernelResult[];
}

/** Rows of words under names of columns. */
interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 1 ? 3 : 2));
const seconds = ({ median, least, greatest }: SideResult) =>
  `${number(median)} (${number(least)}–${number(greatest)})`;
const times = (ratio: number) => `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)}×`;
const gib = (bytes: number | null) => (bytes === null ? '?' : (bytes / 2 ** 30).toFixed(2));

/** PyTorch's median over ours: how many times faster ours is. */
export const ratioOf = ({ ours, torch }: Pick<CaseResult, 'ours' | 'torch'>): number =>
  torch.median / ours.median;

/** The networks. */
export function caseTable({ cases, peak }: BenchRecord): Table {
  const columns = ['step', 'network', 'ours, s', 'PyTorch, s', 'ratio', 'torch.compile, s'].concat([
    'peak GiB, ours',
    'PyTorch',
    'GFLOPS, ours',
    'of peak',
    'PyTorch',
    'bound, s',
    'ours over bound',
  ]);
  const rows = cases.map((c) => {
    const work = workOf(c.kind, c.forward);
    const { seconds: least, by } = bound(work, peak);
    const gflops = (side: SideResult) => work.flops / side.median / 1e9;
    return [
      c.kind,
      inWords(c.setting),
      seconds(c.ours),
      seconds(c.torch),
      times(ratioOf(c)),
      typeof c.compiled === 'string' ? '–' : seconds(c.compiled),
      gib(c.ours.peak),
      gib(c.torch.peak),
      gflops(c.ours).toFixed(1),
      `${((100 * gflops(c.ours)) / peak.gflops).toFixed(1)} %`,
      gflops(c.torch).toFixed(1),
      `${number(least)} (${by})`,
      times(c.ours.median / least),
    ];
  });
  return { columns, rows };
}

/** One direction of the kernels: rows are kernels, columns channel counts. */
export function kernelTable(
  results: readonly KernelResult[],
  backward: boolean,
  cell: (r: KernelResult) => string,
): Table {
  const of = results.filter((r) => r.backward === backward);
  const counts = channelCounts.filter((c) => of.some((r) => r.shape[4] === c));
  const names = kernelNames.filter((name) => of.some((r) => r.kernel === name));
  const found = (name: string, c: number) => of.find((r) => r.kernel === name && r.shape[4] === c);
  const rows = names.map((name) => [
    name,
    ...counts.map((c) => {
      const result = found(name, c);
      return result ? cell(result) : '';
    }),
  ]);
  return { columns: ['kernel', ...counts.map(String)], rows };
}

const ratios = (r: KernelResult) => `${times(r.torch / r.ours)} ${times(r.tensorflow / r.ours)}`;
const full = (r: KernelResult) => `${number(r.ours * 1000)} ${ratios(r)}`;

/** Multiply-adds of our kernels as a share of the machine's peak; a gradient pass counts as two more. */
const share = (peak: Peak) => (r: KernelResult) =>
  r.multiplyAdds === 0
    ? '–'
    : `${((100 * 2 * r.multiplyAdds * (r.backward ? 3 : 1)) / r.ours / (peak.gflops * 1e9)).toFixed(1)} %`;

/** Columns in line. */
export function asText({ columns, rows }: Table): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, j) => Math.max(...all.map((row) => [...row[j]].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, j) => cell.padEnd(widths[j]))
      .join('  ')
      .trimEnd();
  return [line(columns), widths.map((w) => '─'.repeat(w)).join('  '), ...rows.map(line)].join('\n');
}

/** A table of the README. */
export function asMarkdown({ columns, rows }: Table): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The machine and the versions in two sentences. */
export function conditions({ machine, threads, versions, peak, cases }: BenchRecord): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const counts = cases.map((c) => c.rounds);
  const turns = counts.length > 0 ? `, ${Math.min(...counts)} to ${Math.max(...counts)} rounds` : '';
  return (
    `${machine.cpu}, ${threads} of ${machine.cores} cores, ${machine.memoryGiB} GiB; ${list.join(', ')}; ${machine.compiler}; ` +
    `commit ${machine.commit}${turns}, load before ${machine.load.toFixed(1)}. Measured peak ${peak.gflops.toFixed(0)} GFLOPS in float32, copies ${peak.copyGBs.toFixed(1)} GB/s.`
  );
}

const kernelNote = `Volumes by channels: ${volumesInWords}.`;

/** Everything, for the terminal. */
export function report(record: BenchRecord): string {
  const { kernels, peak } = record;
  const reasons = record.cases.flatMap((c) =>
    typeof c.compiled === 'string' ? [`${c.name}: ${c.compiled}`] : [],
  );
  const parts = [conditions(record)];
  if (record.cases.length > 0) parts.push(asText(caseTable(record)));
  if (reasons.length > 0) parts.push(`Without torch.compile: ${reasons.join('; ')}`);
  for (const backward of kernels.length > 0 ? [false, true] : []) {
    const title = backward ? 'Forward and backward' : 'Forward';
    parts.push(
      `${title}, by channels: ours in ms, PyTorch over ours, TensorFlow over ours\n${asText(kernelTable(kernels, backward, full))}`,
      `${title}: share of the machine's peak, ours\n${asText(
        kernelTable(
          kernels.filter((r) => r.multiplyAdds > 0),
          backward,
          share(peak),
        ),
      )}`,
    );
  }
  if (kernels.length > 0) parts.push(kernelNote);
  return parts.join('\n\n');
}

/** What was aimed at: how many times faster than PyTorch at least, and which share of its memory at most. */
const targets: readonly { readonly kind: Kind; readonly stem: number; readonly ratio: number }[] = [
  { kind: 'search', stem: 16, ratio: 8 },
  { kind: 'retrain', stem: 16, ratio: 5 },
  { kind: 'inference', stem: 16, ratio: 5 },
  ...(['search', 'retrain', 'inference'] as const).map((kind) => ({ kind, stem: 48, ratio: 3 })),
];
const MEMORY = 0.5;

/** Which targets a record meets, in words. */
export function targetsInWords({ cases }: Pick<BenchRecord, 'cases'>): string {
  const speed = targets.flatMap(({ kind, stem, ratio }) =>
    cases
      .filter((c) => c.kind === kind && c.setting.stem === stem)
      .map((c) => ({
        met: ratioOf(c) >= ratio,
        words: `${kind} at stem ${stem} ${times(ratioOf(c))} (aimed at: ${ratio}×)`,
      })),
  );
  const memory = cases.flatMap(({ kind, setting, ours, torch }) => {
    if (kind !== 'search' || !ours.peak || !torch.peak) return [];
    const share = ours.peak / torch.peak;
    return [
      {
        met: share <= MEMORY,
        words: `memory in search at stem ${setting.stem} ${share.toFixed(2)} of PyTorch's (${MEMORY})`,
      },
    ];
  });
  const list = (met: boolean) => [...speed, ...memory].filter((t) => t.met === met).map((t) => t.words);
  const part = (name: string, words: readonly string[]) =>
    words.length > 0 ? [`${name}: ${words.join(', ')}.`] : [];
  return [...part('Reached', list(true)), ...part('Missed', list(false))].join(' ');
}

/** What stands in the README between the markers. */
export function readmePart(record: BenchRecord): string {
  const { columns, rows } = caseTable(record);
  const kept = ['step', 'network', 'ours, s', 'PyTorch, s', 'ratio', 'torch.compile, s'];
  const places = [...kept.map((name) => columns.indexOf(name)), 6, 7, 9, 11];
  const short = {
    columns: [...kept, 'peak GiB, ours', 'peak GiB, PyTorch', 'of peak GFLOPS', 'bound, s'],
    rows: rows.map((row) => places.map((place) => row[place])),
  };
  const parts = [conditions(record), asMarkdown(short), targetsInWords(record)];
  if (record.kernels.length > 0)
    parts.push(
      'Single kernels, forward and backward, by channels: how many times PyTorch (better format) and TensorFlow (stock ops) take as long as ours.',
      asMarkdown(kernelTable(record.kernels, true, ratios)),
      kernelNote,
    );
  return parts.join('\n\n');
}

/** How many times faster than PyTorch, as bars. */
export function chart({ cases }: BenchRecord): BarsFigure {
  return barFigure(
    { 'PyTorch over ours': cases.map(ratioOf) },
    {
      title: 'How many times faster than PyTorch',
      caption:
        'Median seconds of PyTorch in its better memory format over ours; same network, weights, threads.',
      categories: cases.map((c) => c.name),
      yTitle: 'ratio',
    },
  );
}

export const chartSvg = (record: BenchRecord): string => toSvg(chart(record));

/** The markers in README.md. */
export const BEGIN = '<!-- bench: written by `npm run bench -- --readme` -->';
export const END = '<!-- bench: end -->';

/** A text with the part between the markers replaced. */
export function withPart(text: string, part: string): string | undefined {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) return undefined;
  return `${text.slice(0, begin + BEGIN.length)}\n${part}\n${text.slice(end)}`;
}
