/** What a table says in words: each cell, the runs behind it, and the table as Markdown and JSON. */
import { table1Caveat } from '../paper/table1';
import type { BudgetTable, TableCell, TableRun } from './table';

/** Tables, and the runs that they rest on. */
export interface TableReport {
  readonly tables: readonly BudgetTable[];
  readonly runs: readonly TableRun[];
  /** What is no result, a line each. */
  readonly left: readonly string[];
}

/** A cell in words; empty where there is nothing to say. */
export interface CellWords {
  /** Mean Dice, %, or "not run". */
  readonly ours: string;
  /** "phantom" where the volumes are drawn. */
  readonly mark: string;
  readonly spread: string;
  readonly paper: string;
  readonly difference: string;
  readonly behind: string;
  readonly test: string;
}

const points = (value: number) => value.toFixed(2).replace(/^-(?=0\.00$)/, '');
/** A difference with its sign, a true minus. */
export const signed = (value: number): string => {
  const text = points(value);
  return text.startsWith('-') ? text.replace('-', '−') : `+${text}`;
};
const count = (n: number, thing: string) => `${n} ${thing}${n === 1 ? '' : 's'}`;

export function cellWords(cell: TableCell): CellWords {
  const { paper, ours, difference, phantom, runs, folds, seeds, cases, sdRuns, sdCases, test } = cell;
  const grid = folds.length * seeds.length === runs.length;
  const several = runs.length > 1 ? sdRuns : null;
  return {
    ours: ours === null ? 'not run' : points(ours),
    mark: ours !== null && phantom ? 'phantom' : '',
    spread:
      ours === null
        ? ''
        : several !== null
          ? `± ${points(several)} over runs`
          : sdCases !== null
            ? `± ${points(sdCases)} over cases`
            : '',
    paper: paper === null ? '' : points(paper),
    difference: difference === null ? '' : signed(difference),
    behind:
      runs.length === 0
        ? ''
        : `${count(folds.length, 'fold')} × ${count(seeds.length, 'seed')}${grid ? '' : ` (${count(runs.length, 'run')})`}, ${count(cases, 'case')}`,
    test: test === null ? '' : `${signed(test.difference)} to U-ResNet, p = ${probability(test.p)}`,
  };
}

const probability = (p: number) => (p < 0.001 ? '<0.001' : p.toFixed(3));

/** Names of what a cell's number leads to: the runs of a row in a column. */
export const anchorOf = (table: number, row: number, task: string, plan: string): string =>
  `t${table + 1}-r${row + 1}-${task.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${plan.slice(0, 6)}`;

/** The runs of a row, by the anchor that its cells lead to. */
export interface RunGroup {
  readonly anchor: string;
  readonly title: string;
  readonly runs: readonly TableRun[];
}

/** The runs behind each cell of a table, row by row; columns of one task and plan share theirs. */
export function runGroups({ tables, runs }: TableReport, t: number): readonly RunGroup[] {
  const { columns, rows } = tables[t];
  return rows.flatMap(({ title, cells }, r) => {
    const found = new Map<string, RunGroup>();
    for (const [c, { task, plan }] of columns.entries()) {
      const own = runs.filter(({ name }) => cells[c].runs.includes(name));
      const anchor = anchorOf(t, r, task, plan);
      if (own.length > 0) found.set(anchor, { anchor, title: `${title}, ${task}`, runs: own });
    }
    return [...found.values()];
  });
}

/** Mean Dice over a run's cases and classes as its own file has it, %. */
function runDice({ lines, classes }: TableRun): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const perClass = classes.map((name) => mean(lines.flatMap(({ dice }) => dice[name] ?? [])));
  return 100 * mean(perClass.filter(Number.isFinite));
}

/** What the list of runs says of one. */
export function runWords(run: TableRun) {
  const link = (file: string) => (run.files.includes(file) ? `${run.href}/${file}` : null);
  return {
    fold: String(run.fold),
    seed: String(run.seed),
    dice: `${points(runDice(run))}${run.phantom ? ' phantom' : ''}`,
    multiplyAdds: run.multiplyAdds === null ? '–' : `${Number((run.multiplyAdds / 1e9).toPrecision(4))} G`,
    minutes: `${(run.seconds / 60).toFixed(1)}${run.withoutSearch ? ', without the search' : ''}`,
    commit: run.commit,
    links: [
      ['configuration', link('config.json')],
      ['genotype', link('genotype.json')],
      ['cases', link('cases.jsonl')],
      ['record', link('record.json')],
    ] as readonly (readonly [string, string | null])[],
  };
}

/** Lines that stand under every table. */
export function footnotes({ notes, title }: BudgetTable, phantom: boolean): readonly string[] {
  return [
    'Dice in %: mean over cases of each class, then over the classes; a case’s seeds are averaged first. ± is the standard deviation. p: Wilcoxon’s signed-rank test, two-sided, over the cases that both have.',
    ...(phantom
      ? ['phantom: volumes drawn by rules. Such a number shows that the table can be made, nothing else.']
      : []),
    ...(title === 'Table 1' ? [table1Caveat] : []),
    ...notes,
  ];
}

const cellText = (text: string) => text.replace(/\|/g, '\\|');

/** The tables as Markdown; every number leads to its runs, and these to their files. */
export function tablesMarkdown(report: TableReport): string {
  const parts = report.tables.flatMap((table, t) => [
    `## ${table.title}: ${table.budget}`,
    '',
    ...gridMarkdown(table, t),
    '',
    ...footnotes(table, hasPhantom(table)).map((line) => `- ${line}`),
    '',
    ...runsMarkdown(report, t),
  ]);
  const left = report.left.map((line) => `- ${line}`);
  return [...parts, ...(left.length > 0 ? ['## Left out', '', ...left, ''] : [])].join('\n');
}

export const hasPhantom = ({ rows }: BudgetTable): boolean =>
  rows.some(({ cells }) => cells.some(({ phantom }) => phantom));

function gridMarkdown({ columns, rows }: BudgetTable, t: number): string[] {
  const bar = (cells: readonly string[]) => `| ${cells.map(cellText).join(' | ')} |`;
  return [
    bar(['method', ...columns.map(({ title }) => title)]),
    bar(['---', ...columns.map(() => '---')]),
    ...rows.map(({ title, cells }, r) =>
      bar([
        title,
        ...cells.map((cell, c) => {
          const words = cellWords(cell);
          const { task, plan } = columns[c];
          const number =
            cell.ours === null ? words.ours : `[**${words.ours}**](#${anchorOf(t, r, task, plan)})`;
          const paper = words.paper && `paper ${words.paper}`;
          return [
            [number, words.mark && `*${words.mark}*`].filter(Boolean).join(' '),
            words.spread,
            [paper, words.difference && `(${words.difference})`].filter(Boolean).join(' '),
            words.behind,
            words.test,
          ]
            .filter(Boolean)
            .join('<br>');
        }),
      ]),
    ),
  ];
}

function runsMarkdown(report: TableReport, t: number): string[] {
  const groups = runGroups(report, t);
  if (groups.length === 0) return [];
  const rows = groups.flatMap(({ anchor, title, runs }) =>
    runs.map((run, i) => {
      const { fold, seed, dice, multiplyAdds, minutes, commit, links } = runWords(run);
      const files = links.map(([name, href]) => (href ? `[${name}](${href})` : `no ${name}`)).join(', ');
      const name = i === 0 ? `<a id="${anchor}"></a>${title}` : title;
      return `| ${[name, fold, seed, dice, multiplyAdds, minutes, files, commit].map(cellText).join(' | ')} |`;
    }),
  );
  return [
    `### Runs behind it`,
    '',
    '| run | fold | seed | Dice, % | multiply-adds | minutes | files | commit |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

/** The tables as JSON, with all that the other forms say. */
export function tablesJson({ tables, runs, left }: TableReport) {
  return {
    schema: 'scnas-table-1',
    caveat: table1Caveat,
    tables,
    runs: runs.map(({ lines, words, ...run }) => ({ ...run, cases: lines.length, words })),
    left,
  };
}
