/** The figures of the paper's own quantities: losses, α, margins, costs. */
import type { SearchReport } from '../paper/bilevel';
import { operationCosts } from '../paper/cost';
import { type Derived, derive } from '../paper/derive';
import type { Alpha } from '../paper/first-order';
import { cellTypes, edgesOf, type Genotype } from '../paper/genotype';
import { softmax } from '../paper/gumbel';
import { operationChecks } from '../paper/operation-checks';
import type { Operation } from '../paper/operations';
import { defaultReadings } from '../paper/readings';
import type { RetrainReport } from '../paper/retrain';
import { collapseWarnings } from './collapse';
import {
  type BarsFigure,
  barFigure,
  type ChartOptions,
  type HeatFigure,
  heatFigure,
  type LinesFigure,
  lineFigure,
  type TableFigure,
  tableFigure,
} from './figure';
import { operationColor } from './palette';
import { evenly, short } from './scale';

/** Names of a cell's edges, as in `0→2`, for as many edges as there are. */
export function edgeNames(count: number): string[] {
  const nodes = [1, 2, 3, 4, 5, 6].find((n) => edgesOf(n).length === count) ?? 4;
  return edgesOf(nodes).map(({ from, to }) => `${from}→${to}`);
}

/** Both losses of a search over its steps; `operations` is how many compete. */
export function searchFigure(reports: readonly SearchReport[], operations = 8): LinesFigure {
  const last = reports[reports.length - 1];
  const state = last
    ? `Step ${last.step}: τ ${last.tau.toFixed(2)}, entropy of α ${last.entropyAlpha.toFixed(3)} of ln ${operations} = ${Math.log(operations).toFixed(3)}.`
    : '';
  return lineFigure(
    { 'Θ loss': reports.map((r) => r.lossTheta), 'α loss': reports.map((r) => r.lossAlpha) },
    { title: 'Search: loss on the two sets', caption: state, yTitle: 'Jaccard distance' },
  );
}

/** Entropy of α and of Z̄ over a search's steps, beside that of equal operations. */
export function entropyFigure(reports: readonly SearchReport[], operations: number): LinesFigure {
  const most = Math.log(operations);
  const name = `ln ${operations}`;
  return lineFigure(
    {
      'softmax(α)': reports.map((r) => r.entropyAlpha),
      Z̄: reports.map((r) => r.entropyZBar),
      [name]: reports.map(() => most),
    },
    {
      title: 'Entropy, mean over the edges',
      caption: `α has chosen where its entropy falls; Z̄ sharpens with τ alone. Equal operations: ${name} = ${most.toFixed(3)} nats.`,
      yTitle: 'nats',
      colors: { [name]: '#888888' },
    },
  );
}

/**
 * How many edges each operation leads, before the first epoch (0) and at the end of each.
 *
 * @param alphas α before the first epoch and at the end of each
 * @param operations candidate operations O
 */
export function choicesFigure(alphas: readonly Alpha[], operations: readonly Operation[]): BarsFigure {
  const epochs = evenly(alphas.length, 24);
  const derived = epochs.map((epoch) => derive(alphas[epoch], operations, defaultReadings, {}).genotype);
  const alarms = collapseWarnings(derived[derived.length - 1], operations);
  const count = (genotype: Genotype, name: string) =>
    cellTypes.flatMap((type) => genotype.cells[type]).filter(({ op }) => op === name).length;
  const series = operations.map(({ name }) => ({
    name,
    values: derived.map((genotype) => count(genotype, name)),
    colors: [operationColor(name)],
  }));
  return {
    kind: 'bars',
    title: 'Strongest operation of each edge, by epoch',
    caption: alarms.length > 0 ? `Collapse alarm: ${alarms.join('; ')}.` : 'No collapse alarm.',
    categories: epochs.map(String),
    series,
    yTitle: 'edges',
    stacked: true,
  };
}

/** The loss of a training over its steps, with a running mean that is easier to read. */
export function trainingFigure(reports: readonly RetrainReport[], title = 'Retraining: loss'): LinesFigure {
  const loss = reports.map((r) => r.loss);
  return lineFigure(
    { loss, 'running mean': running(loss) },
    { title, caption: 'The mean forgets a tenth a step.', yTitle: 'Jaccard distance' },
  );
}

/** A running mean that forgets a tenth a step. */
export function running(values: readonly number[]): number[] {
  let mean = values[0];
  return values.map((v) => {
    mean = 0.9 * mean + 0.1 * v;
    return mean;
  });
}

/** softmax(α) as a heat map for each cell type: a row an edge, a column an operation. */
export function alphaFigure(
  alpha: Alpha,
  operations: readonly Operation[],
  title = 'softmax(α)',
): HeatFigure {
  const panels = Object.fromEntries(cellTypes.map((type) => [type, alpha[type].map((row) => softmax(row))]));
  return heatFigure(panels, {
    title,
    caption: `Probability of each operation on each edge, for the four cell types; 1/${operations.length} = ${short(1 / operations.length)} where nothing has been learnt.`,
    rows: edgeNames(alpha.enc.length),
    columns: operations.map((o) => o.name),
    scale: 'p',
  });
}

/** How clear each choice was: probability of the chosen operation less that of the next. */
export function marginFigure({ margins }: Derived): BarsFigure {
  return {
    ...barFigure(margins, {
      title: 'Margin of each choice',
      caption:
        'Probability of the chosen operation less that of the next; near 0 another seed may choose otherwise.',
      categories: edgeNames(margins.enc.length),
      yTitle: 'margin',
    }),
  };
}

/** What each operation costs at a node of `width` channels. */
export function operationTable(operations: readonly Operation[], width: number): TableFigure {
  const site = {
    width,
    stride: 1 as const,
    affine: true,
    poolNorm: false,
    identity: 'factorized reduce' as const,
  };
  const rows = operationCosts(site, operations).map((o) => [
    o.name,
    o.paperName,
    o.multiplyAdds,
    o.parameters,
    o.bytes,
  ]);
  return tableFigure(
    ['name', 'operation', 'multiply-adds a voxel', 'parameters', 'bytes kept a voxel'],
    rows,
    {
      title: `Operations at ${width} channels`,
    },
  );
}

/**
 * A number for each operation, in its colour.
 *
 * @param operations candidates
 * @param values one each
 */
export function operationBars(
  operations: readonly Operation[],
  values: readonly number[],
  { title, caption = '', yTitle = '' }: Pick<ChartOptions, 'title' | 'caption' | 'yTitle'>,
): BarsFigure {
  const categories = operations.map((o) => o.name);
  const series = [{ name: yTitle, values, colors: categories.map(operationColor) }];
  return { kind: 'bars', title, caption, categories, series, yTitle };
}

/** How often each operation stands in a genotype or a list of names. */
export function operationCounts(names: readonly string[], operations: readonly Operation[]): BarsFigure {
  const values = operations.map((o) => names.filter((other) => other === o.name).length);
  return operationBars(operations, values, { title: 'Operations', yTitle: 'edges' });
}

/** The checks of an operation, a line each: what was expected, what was found. */
export function operationCheckTable(operation: Operation): TableFigure {
  const checks = operationChecks(operation);
  const rows = checks.map(({ name, expected, found, holds }) => [holds ? '✓' : '✗', name, expected, found]);
  const wrong = checks.filter(({ holds }) => !holds).length;
  return tableFigure(['', 'check', 'expected', 'found'], rows, {
    title: `${operation.name}: ${wrong === 0 ? 'all checks hold' : `${wrong} of ${checks.length} checks do not hold`}`,
  });
}
