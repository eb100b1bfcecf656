/**
 * Table 1 from the records of runs: what may stand in one cell, one row, one table, and what each cell says.
 *
 * A table holds runs with one training budget, of the paper's tasks or of one other task; a column one task with one data set, class list and
 * plan; a row one method with one set of its own settings. What differs is kept apart, never averaged. Every number is a mean over cases, of
 * labels.
 */
import { key } from '../engine/keys';
import { table1Columns, table1Rows } from '../paper/table1';
import { summarise, wilcoxon } from './statistics';
import { checkFolds, columnKey, columnsOf, groups, rowsOf, separations } from './table-layout';

/** Dice of a case by class; null where the class is neither there nor predicted. */
export interface TableLine {
  readonly id: string;
  readonly dice: Readonly<Record<string, number | null>>;
}

/** An evaluated run of one fold and seed. */
export interface TableRun {
  /** Unique; shown and, by `href`, linked. */
  readonly name: string;
  readonly task: string;
  readonly method: string;
  readonly fold: number;
  readonly seed: number;
  /** Foreground classes, in the order of their labels. */
  readonly classes: readonly string[];
  readonly lines: readonly TableLine[];
  /** What must be the same in a table, a column and a row; and each as words. */
  readonly budget: string;
  readonly plan: string;
  readonly own: string;
  readonly words: { readonly budget: string; readonly plan: string; readonly own: string };
  /** True where the volumes are drawn by rules: such numbers say nothing of the paper's. */
  readonly phantom: boolean;
  /** Of all its phases, and of the search that its cells are from. */
  readonly seconds: number;
  /** True where the seconds of the search behind it are not known. */
  readonly withoutSearch: boolean;
  /** Of one forward pass of a patch; null where the record does not say. */
  readonly multiplyAdds: number | null;
  readonly commit: string;
  /** The run's folder as seen from the table's, and the files that are in it. */
  readonly href: string;
  readonly files: readonly string[];
}

/** A column of a table. */
export interface TableColumn {
  readonly title: string;
  readonly task: string;
  /** Empty where no run of the task is in the table. */
  readonly plan: string;
  /** A class, or null for the mean over the classes. */
  readonly label: string | null;
  /** Place among the paper's columns, or null. */
  readonly paper: number | null;
}

/** One number with what it rests on. Dice in %. */
export interface TableCell {
  /** The paper's, or null where it has none. */
  readonly paper: number | null;
  /** Mean over cases, each the mean over its seeds; null: not run. */
  readonly ours: number | null;
  /** ours − paper; null also on phantoms. */
  readonly difference: number | null;
  readonly phantom: boolean;
  /** Names of the runs behind it. */
  readonly runs: readonly string[];
  readonly folds: readonly number[];
  readonly seeds: readonly number[];
  readonly cases: number;
  /** Standard deviation of the means of runs, and of the cases; null where there is one only. */
  readonly sdRuns: number | null;
  readonly sdCases: number | null;
  /** Against U-ResNet over the cases that both have: pairs, mean difference in points, two-sided p; null where there is nothing to test. */
  readonly test: { readonly pairs: number; readonly difference: number; readonly p: number } | null;
}

export interface TableRow {
  readonly title: string;
  readonly method: string;
  readonly cells: readonly TableCell[];
}

/** Runs of one training budget. */
export interface BudgetTable {
  /** Table 1, or the one task outside the paper that it is of. */
  readonly title: string;
  readonly budget: string;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly TableRow[];
  /** What was kept apart, and why. */
  readonly notes: readonly string[];
}

export const TABLE_1 = 'Table 1';

/** Whom the others are tested against, as in the paper the network trained the same way. */
const REFERENCE = 'uresnet';

/**
 * The tables that these runs make: for each budget Table 1, and one for each task that the paper lacks. Without runs Table 1, in which nothing
 * was run.
 *
 * Errors: a ScnasError for two runs of one place, a case in two folds of one method, or a case twice in a run.
 */
export function buildTables(runs: readonly TableRun[]): readonly BudgetTable[] {
  const inPaper = (task: string) => table1Columns.some((column) => column.task === task);
  if (runs.length === 0) return [buildTable(TABLE_1, [])];
  return groups(runs, (run) => run.budget).flatMap((same) =>
    groups(same, ({ task }) => (inPaper(task) ? TABLE_1 : task)).map((own) =>
      buildTable(inPaper(own[0].task) ? TABLE_1 : own[0].task, own),
    ),
  );
}

function buildTable(title: string, runs: readonly TableRun[]): BudgetTable {
  const columns = columnsOf(runs, title === TABLE_1);
  const rowRuns = rowsOf(runs);
  const reference = rowRuns.filter(({ method, own }) => method === REFERENCE && own.length > 0);
  const against = reference.length === 1 ? reference[0].own : [];
  const rows = rowRuns.map(({ title: name, method, own }) => {
    checkFolds(name, own);
    const dice = table1Rows.find((row) => row.method === method)?.dice;
    const cells = columns.map((column) =>
      cellOf(own, column, dice?.[column.paper ?? -1] ?? null, method === REFERENCE ? [] : against),
    );
    return { title: name, method, cells };
  });
  return {
    title,
    budget: runs[0]?.words.budget ?? 'no runs',
    columns,
    rows,
    notes: [
      ...separations(runs, rowRuns),
      ...(reference.length > 1
        ? ['3D U-ResNet was run with several settings: nothing is tested against it']
        : []),
    ],
  };
}

function cellOf(
  row: readonly TableRun[],
  column: TableColumn,
  paper: number | null,
  against: readonly TableRun[],
): TableCell {
  const here = (runs: readonly TableRun[]) => runs.filter((run) => columnKey(run) === columnKey(column));
  const runs = here(row);
  const scores = caseScores(runs, column.label);
  const perRun = runs.map((run) => meanOver(caseScores([run], column.label), run.classes, column.label));
  const ours = meanOver(scores, runs[0]?.classes ?? [], column.label);
  const phantom = runs.some((run) => run.phantom);
  const cases = [...scores.values()].map(({ mean }) => mean);
  return {
    paper,
    ours: orNull(ours),
    difference: paper === null || phantom ? null : orNull(ours - paper),
    phantom,
    runs: runs.map(({ name }) => name),
    folds: sorted(runs.map(({ fold }) => fold)),
    seeds: sorted(runs.map(({ seed }) => seed)),
    cases: cases.filter(Number.isFinite).length,
    sdRuns: sd(perRun),
    sdCases: sd(cases),
    test: pairedTest(scores, caseScores(here(against), column.label)),
  };
}

/** Dice of a case, %: of each class, and their mean (of the one class in question, or of all). */
interface CaseScore {
  readonly byClass: ReadonlyMap<string, number>;
  readonly mean: number;
}

/** Each case's scores, averaged over the runs (seeds) that have one. */
function caseScores(runs: readonly TableRun[], label: string | null): ReadonlyMap<string, CaseScore> {
  const lines = runs.flatMap((run) => run.lines.map((line) => ({ line, classes: run.classes })));
  return new Map(
    groups(lines, ({ line }) => line.id).map((same): [string, CaseScore] => {
      const wanted = label === null ? same[0].classes : [label];
      const byClass = new Map(
        wanted.map((name): [string, number] => [
          name,
          meanOf(
            same.map(({ line }) =>
              Object.hasOwn(line.dice, name) ? 100 * (line.dice[name] ?? Number.NaN) : Number.NaN,
            ),
          ),
        ]),
      );
      return [same[0].line.id, { byClass, mean: meanOf([...byClass.values()]) }];
    }),
  );
}

/** The mean over cases of each class, then over the classes, as {@link meanDice} does it. */
function meanOver(
  scores: ReadonlyMap<string, CaseScore>,
  classes: readonly string[],
  label: string | null,
): number {
  const wanted = label === null ? classes : [label];
  return meanOf(
    wanted.map((name) => meanOf([...scores.values()].map(({ byClass }) => byClass.get(name) ?? Number.NaN))),
  );
}

function pairedTest(a: ReadonlyMap<string, CaseScore>, b: ReadonlyMap<string, CaseScore>): TableCell['test'] {
  const pairs = [...a].flatMap(([id, { mean }]) => {
    const other = b.get(id)?.mean ?? Number.NaN;
    return Number.isFinite(mean) && Number.isFinite(other) ? [[mean, other]] : [];
  });
  if (pairs.length === 0) return null;
  const [first, second] = [0, 1].map((i) => pairs.map((pair) => pair[i]));
  return {
    pairs: pairs.length,
    difference: meanOf(pairs.map(([x, y]) => x - y)),
    p: wilcoxon(first, second).p,
  };
}

function meanOf(values: readonly number[]): number {
  const numbers = values.filter(Number.isFinite);
  return numbers.length === 0 ? Number.NaN : numbers.reduce((a, b) => a + b, 0) / numbers.length;
}

const sd = (values: readonly number[]) => orNull(summarise(values, key(0), 0).sd);
const orNull = (value: number) => (Number.isFinite(value) ? value : null);
const sorted = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
