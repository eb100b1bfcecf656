/** `scnas compare`: two evaluated runs, case by case. */
import type { Command } from 'commander';
import { print } from './common';

export function addCompare(program: Command): void {
  program
    .command('compare')
    .description(
      'compare two evaluated runs over the cases that both have: means, the mean difference with its bootstrap interval, and Wilcoxon’s signed-rank test',
    )
    .argument(
      '<a>',
      'a run folder, or one below results/; several folds or seeds of one method joined by commas',
    )
    .argument('<b>', 'the other')
    .option('--json', 'print the comparison as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  scnas compare results/task04-laptop/scnas results/task04-laptop/random\n  scnas compare results/task04/scnas-seed0,results/task04/scnas-seed1 results/task04/uresnet-seed0\nOf several seeds a case counts with its mean. A p-value speaks of these cases; several seeds and folds speak of the method.',
    )
    .action(async (a: string, b: string, { json }: { json?: boolean }) => {
      const { compareRuns } = await import('../compare');
      const { metrics } = await import('../scores');
      const result = compareRuns(a, b);
      const { rows, task, cases, alone } = result;
      const width = Math.max(...rows.map(({ name }) => name.length), 8);
      const line = (cells: readonly string[]) =>
        [cells[0].padEnd(width), ...cells.slice(1).map((cell) => cell.padStart(7))].join('  ');
      const table = (['dice', 'hd95'] as const).flatMap((metric) => {
        if (rows.every((row) => row.metric !== metric || row.n === 0)) return [];
        const { title, show } = metrics[metric];
        const text = (v: number | null) => (v === null ? '–' : show(v));
        return [
          '',
          line([title, 'cases', 'A', 'B', 'A − B', '95 % interval', 'p']),
          ...rows
            .filter((row) => row.metric === metric)
            .map(({ name, n, a: first, b: second, difference, low, high, p }) =>
              line([
                name,
                String(n),
                text(first),
                text(second),
                text(difference),
                `${text(low)} to ${text(high)}`.padStart(13),
                p === null ? '–' : p < 0.0001 ? '<0.0001' : p.toFixed(4),
              ]),
            ),
        ];
      });
      const left = alone[0] + alone[1];
      print(json, result, [
        `${task}: ${cases} cases in both${left > 0 ? `, ${alone[0]} only in A and ${alone[1]} only in B left out` : ''}`,
        `A  ${a}`,
        `B  ${b}`,
        ...table,
      ]);
    });
}
