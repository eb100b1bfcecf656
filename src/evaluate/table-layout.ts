/** What may stand together in Table 1: its columns, its rows, and what is refused or kept apart. */
import { fail } from '../engine/errors';
import { methodList } from '../networks/methods';
import { table1Columns, table1Rows } from '../paper/table1';
import type { TableColumn, TableRun } from './table';

/**
 * The paper's columns where they are wanted, then those of other tasks and classes; a task with several plans or class lists has its columns
 * once for each.
 */
export function columnsOf(runs: readonly TableRun[], paperToo: boolean): TableColumn[] {
  const tasks = groups(runs, (run) => run.task).map((own) => ({
    task: own[0].task,
    plans: groups(own, (run) => run.plan),
  }));
  const known = paperToo ? [...new Set(table1Columns.map(({ task }) => task))] : [];
  const empty = known.filter(
    (task) => !tasks.some((own) => own.plans.some((p) => p[0].task === task && fits(p[0]))),
  );
  const paper = known.flatMap((task): TableColumn[] =>
    empty.includes(task)
      ? paperColumns(task, '', '', undefined)
      : tasks
          .filter((own) => own.task === task)
          .flatMap(({ plans }) => {
            const fitting = plans.filter(([first]) => fits(first));
            return fitting.flatMap(([first]) =>
              paperColumns(
                task,
                first.plan,
                fitting.length > 1 ? ` (plan ${first.plan.slice(0, 6)})` : '',
                first,
              ),
            );
          }),
  );
  const others = tasks.flatMap(({ task, plans }) =>
    plans
      .filter(([first]) => !fits(first))
      .flatMap(([{ plan, classes }], _, several): TableColumn[] => {
        const tail = several.length > 1 ? ` (plan ${plan.slice(0, 6)})` : '';
        const title = (name: string) => `${task.replace(/^Task\d+_/, '')}: ${name}${tail}`;
        const own = classes.map((name) => ({ title: title(name), task, plan, label: name, paper: null }));
        const mean = { title: title('mean'), task, plan, label: null, paper: null };
        return classes.length > 1 ? [...own, mean] : own;
      }),
  );
  return groups([...paper, ...others], ({ task }) => task).flat();
}

function paperColumns(task: string, plan: string, tail: string, run: TableRun | undefined): TableColumn[] {
  return table1Columns.flatMap(({ title, task: own, label }, paper) => {
    if (own !== task) return [];
    const name = run?.classes.find((c) => label?.test(c)) ?? null;
    return [{ title: title + tail, task, plan, label: name, paper }];
  });
}

/** Whether a run's classes are those of the paper's columns for its task, one each and no others. */
function fits({ task, classes }: TableRun): boolean {
  const wanted = table1Columns.flatMap((column) =>
    column.task === task && column.label ? [column.label] : [],
  );
  return (
    wanted.length > 0 &&
    wanted.length === classes.length &&
    wanted.every((label) => classes.filter((name) => label.test(name)).length === 1)
  );
}

/** A row with the runs behind it. */
export interface RowRuns {
  readonly title: string;
  readonly method: string;
  readonly own: readonly TableRun[];
}

/** The paper's methods, run or not, then what else was run; a method with several settings in one column has a row for each. */
export function rowsOf(runs: readonly TableRun[]): RowRuns[] {
  const found = [...new Set(runs.map(({ method }) => method))];
  const inPaper = table1Rows.map(({ method }) => method);
  const titles = new Map([
    ...methodList.map(({ name, title }): [string, string] => [name, `${title} (control)`]),
    ...table1Rows.map(({ method, title }): [string, string] => [method, title]),
  ]);
  const controls = methodList.map(({ name }): string => name).filter((name) => !inPaper.includes(name));
  const known = [...inPaper, ...controls.filter((name) => found.includes(name))];
  const order = [...known, ...found.filter((name) => !known.includes(name)).sort()];
  return order.flatMap((method) => {
    const title = titles.get(method) ?? method;
    const own = runs.filter((run) => run.method === method);
    if (!severalSettings(own)) return [{ title, method, own }];
    return groups(own, (run) => run.own).map((same) => ({
      title: `${title} (settings ${same[0].own.slice(0, 6)})`,
      method,
      own: same,
    }));
  });
}

function severalSettings(own: readonly TableRun[]): boolean {
  return groups<TableRun>(own, columnKey).some((column) => new Set(column.map((run) => run.own)).size > 1);
}

/** Same for runs that may share a column. */
export const columnKey = ({ task, plan }: Pick<TableRun, 'task' | 'plan'>) => JSON.stringify([task, plan]);

/** Refuses what would count a case or a run twice. */
export function checkFolds(title: string, runs: readonly TableRun[]): void {
  for (const same of groups<TableRun>(runs, columnKey)) {
    const places = groups(same, ({ fold, seed }) => `${fold} ${seed}`);
    const twice = places.find((place) => place.length > 1);
    if (twice)
      fail({
        where: `Table 1, ${title}, ${twice[0].task}`,
        expected: `one run of fold ${twice[0].fold}, seed ${twice[0].seed}`,
        found: twice.map(({ name }) => name).join(' and '),
        next: 'take one of them out of the folder, or give another with --runs',
      });
    for (const seed of groups(same, (run) => String(run.seed))) {
      const seen = new Map<string, string>();
      for (const { name, lines } of seed)
        for (const { id } of lines) {
          const before = seen.get(id);
          if (before !== undefined)
            fail({
              where: `Table 1, ${title}, ${same[0].task}`,
              expected: 'each case in one of the folds, once',
              found: `${id} in ${before === name ? `${name} twice` : `${before} and ${name}`}`,
              next: 'evaluate the runs again: their folds overlap',
            });
          seen.set(id, name);
        }
    }
  }
}

/** Lines on what stands apart. */
export function separations(runs: readonly TableRun[], rows: readonly RowRuns[]): string[] {
  const plans = groups(runs, (run) => run.task).flatMap((own) => {
    const kinds = groups(own, (run) => run.plan);
    const list = kinds.map(([{ plan, words }]) => `plan ${plan.slice(0, 6)}: ${words.plan}`).join('; ');
    return kinds.length > 1
      ? [`${own[0].task}: runs of ${kinds.length} plans or data sets, kept apart (${list})`]
      : [];
  });
  const regions = groups<TableRun>(runs, columnKey)
    .filter(([first]) => !fits(first) && table1Columns.some(({ task }) => task === first.task))
    .map(
      ([{ task, classes }]) =>
        `${task}: classes ${classes.join(', ')} are not those of the paper’s columns (labels are not regions): in columns of their own`,
    );
  const settings = groups(
    rows.filter(
      ({ own, method }) => own.length > 0 && rows.filter((row) => row.method === method).length > 1,
    ),
    ({ method }) => method,
  ).map(
    (same) =>
      `${same[0].method}: runs with ${same.length} settings, kept apart (${same
        .map(({ own: [{ own, words }] }) => `${own.slice(0, 6)}: ${words.own}`)
        .join('; ')})`,
  );
  return [...plans, ...regions, ...settings];
}

/** Lists of what has the same key, in the order of first sight. */
export function groups<T>(items: readonly T[], of: (item: T) => string): T[][] {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const list = found.get(of(item));
    if (list) list.push(item);
    else found.set(of(item), [item]);
  }
  return [...found.values()];
}
