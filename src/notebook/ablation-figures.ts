/** Pictures of ablation records: curves over the search, Dice with its spread, and a tornado of the readings. */
import { meanAndSd } from '../evaluate/statistics';
import type { SearchReport } from '../paper/bilevel';
import { type AblationRow, type AblationRun, type Quantity, quantities } from './ablation';
import { type BarsFigure, type LinesFigure, lineFigure, type TornadoFigure } from './figure';
import { seriesColor } from './palette';
import { tornadoFigure } from './tornado';

type Column = Exclude<keyof AblationRun['search'], 'epoch'>;

const missing = (rows: readonly AblationRow[]) =>
  rows.filter(({ runs }) => runs.length === 0).map(({ title }) => title);
const notRun = (rows: readonly AblationRow[]) => {
  const titles = missing(rows);
  return titles.length > 0 ? ` Not run: ${titles.join(', ')}.` : '';
};

/**
 * A quantity of the search over its epochs, one line a variant: the mean over its seeds.
 *
 * @param rows variants, each with a colour of its own by its place
 * @param column what is drawn
 */
export function ablationCurves(
  rows: readonly AblationRow[],
  column: Column,
  {
    title,
    yTitle,
    logY = false,
  }: { readonly title: string; readonly yTitle: string; readonly logY?: boolean },
): LinesFigure {
  const curve = ({ runs }: AblationRow) => {
    const x = runs[0]?.search.epoch ?? [];
    const y = x.map((_, i) => meanAndSd(runs.map(({ search }) => search[column][i])).mean);
    return { x, y };
  };
  const series = Object.fromEntries(rows.map((row) => [row.title, curve(row)]));
  const colors = Object.fromEntries(rows.map(({ title: name }, i) => [name, seriesColor(i)]));
  const caption = `Mean over the seeds of each.${notRun(rows)}`;
  const { series: lines, ...figure } = lineFigure(series, {
    title,
    caption,
    xTitle: 'epoch',
    yTitle,
    logY,
    colors,
  });
  return { ...figure, series: lines.filter(({ y }) => y.length > 0) };
}

/** Dice of the derived network before and after retraining, a pair of bars a variant; whiskers are standard deviations over seeds. */
export function ablationDice(rows: readonly AblationRow[], title: string): BarsFigure {
  const shown: readonly (readonly [string, Quantity])[] = [
    ['before retraining', 'diceBefore'],
    ['after', 'diceAfter'],
  ];
  const series = shown.map(([name, quantity], i) => ({
    name,
    values: rows.map(({ over }) => over[quantity].mean),
    errors: rows.map(({ over }) => over[quantity].sd || 0),
    colors: [seriesColor(i)],
  }));
  const caption = `Whiskers: standard deviation over seeds, where there are several.${notRun(rows)}`;
  return {
    kind: 'bars',
    title,
    caption,
    categories: rows.map((row) => row.title),
    series,
    yTitle: 'Dice, %',
  };
}

/**
 * How far variants lie apart, and how far seeds of one do: a difference below the second says little.
 *
 * @returns `between`: largest less smallest mean; `within`: √ of the mean variance over seeds. NaN where there are too few.
 */
export function ablationSpread(
  rows: readonly AblationRow[],
  quantity: Quantity,
): { readonly between: number; readonly within: number } {
  const run = rows.filter(({ over }) => over[quantity].n > 0).map(({ over }) => over[quantity]);
  const means = run.map(({ mean }) => mean);
  const between = means.length > 1 ? Math.max(...means) - Math.min(...means) : Number.NaN;
  const variances = run.filter(({ n }) => n > 1).map(({ sd }) => sd ** 2);
  return { between, within: Math.sqrt(meanAndSd(variances).mean) };
}

/** What a variant changes against the first row, seed by seed: mean and standard deviation, in units, or in % of the first. */
function change(first: AblationRow, { runs }: AblationRow, quantity: Quantity, relative: boolean) {
  const differences = runs.flatMap(({ seed, values }) => {
    const own = first.runs.find((run) => run.seed === seed)?.values[quantity];
    if (own === undefined) return [];
    return [relative ? (100 * (values[quantity] - own)) / own : values[quantity] - own];
  });
  const { mean, sd } = meanAndSd(differences.filter(Number.isFinite));
  return { mean, sd: sd || 0 };
}

/**
 * What each variant changes against our choice (the first row), as a tornado: Dice after retraining, in points, and the derived network's
 * multiply-adds, in %. Runs of one seed are compared with each other; what has no such pair is "not run".
 */
export function ablationTornado(rows: readonly AblationRow[], title: string): TornadoFigure {
  const [first, ...others] = rows;
  const changes = others.map((row) => {
    const moved = [change(first, row, 'diceAfter', false), change(first, row, 'multiplyAdds', true)];
    return { name: row.title, values: moved.map(({ mean }) => mean), errors: moved.map(({ sd }) => sd) };
  });
  const seeds = first.runs.length;
  const base =
    seeds > 0
      ? `${first.title}: ${quantities.diceAfter.title} ${first.over.diceAfter.mean.toFixed(2)}`
      : `${first.title}: not run`;
  return tornadoFigure(changes, ['Dice, points', 'multiply-adds, %'], {
    title,
    caption: `Difference to ${base}; seed by seed, whiskers: standard deviation over seeds.`,
  });
}

/** The mean of a quantity of a search's reports over each epoch. */
export function epochMeans(
  reports: readonly SearchReport[],
  quantity: 'operationsPerEdge' | 'entropyAlpha' | 'entropyZBar' | 'lossTheta' | 'lossAlpha' | 'tau',
): number[] {
  const epochs = [...new Set(reports.map(({ epoch }) => epoch))];
  const of = (epoch: number) => reports.filter((r) => r.epoch === epoch).map((r) => r[quantity]);
  return epochs.map((epoch) => meanAndSd(of(epoch)).mean);
}
