/** Curves from records under results/: how the loss of each method fell, and how its Dice spreads over the cases. */
import { type LinesFigure, lineFigure } from './figure';
import { methodColor } from './palette';
import { type CaseDice, casesOf, type PublishedRun } from './records';
import { retrainReports } from './runs';

type Methods = Readonly<Record<string, string>>;

/** A line for each method that has runs, in the method's colour; the others are told to be not run. */
function methodLines(
  runs: readonly PublishedRun[],
  methods: Methods,
  line: (own: readonly PublishedRun[]) => { readonly x: readonly number[]; readonly y: readonly number[] },
  options: {
    readonly title: string;
    readonly caption: string;
    readonly xTitle: string;
    readonly yTitle: string;
  },
): LinesFigure {
  const all = Object.entries(methods).map(([name, method]) => {
    const own = runs.filter(({ record }) => record.method === method && !record.inner);
    return { name, own, color: methodColor(method) };
  });
  const found = all.filter(({ own }) => own.length > 0);
  const absent = all.filter(({ own }) => own.length === 0).map(({ name }) => name);
  return lineFigure(Object.fromEntries(found.map(({ name, own }) => [name, line(own)])), {
    ...options,
    caption: options.caption + (absent.length > 0 ? ` Not run: ${absent.join(', ')}.` : ''),
    colors: Object.fromEntries(found.map(({ name, color }) => [name, color])),
  });
}

/**
 * Training loss of each method: the mean of an epoch's steps, over all runs of the method.
 *
 * @param runs records that compare: one task, one length
 * @param methods methods of the records by the name to show
 */
export function learningCurves(runs: readonly PublishedRun[], methods: Methods, title: string): LinesFigure {
  const line = (own: readonly PublishedRun[]) => {
    const epochs = new Map<number, { step: number; losses: number[] }>();
    for (const { step, epoch, loss } of own.flatMap((run) => retrainReports(run))) {
      const at = epochs.get(epoch) ?? { step, losses: [] };
      at.step = Math.max(at.step, step);
      at.losses.push(loss);
      epochs.set(epoch, at);
    }
    const points = [...epochs.values()].sort((a, b) => a.step - b.step);
    return {
      x: points.map(({ step }) => step),
      y: points.map(({ losses }) => losses.reduce((a, b) => a + b, 0) / losses.length),
    };
  };
  const caption =
    'Mean over the steps of an epoch and the runs of a method, each of its own loss: Jaccard distance, for nnU-Net Dice and cross-entropy.';
  return methodLines(runs, methods, line, { title, caption, xTitle: 'step', yTitle: 'loss' });
}

/**
 * Mean Dice of each case, worst first, by the order of the first method that has runs.
 *
 * @param runs records that compare
 * @param methods methods of the records by the name to show
 */
export function caseCurves(runs: readonly PublishedRun[], methods: Methods, title: string): LinesFigure {
  const first = Object.values(methods).find((method) => casesOf(runs, method).length > 0) ?? '';
  const order = [...casesOf(runs, first)].sort((a, b) => a.dice - b.dice).map(({ id }) => id);
  const line = (own: readonly PublishedRun[]) => {
    const dice = new Map(casesOf(own, own[0].record.method).map((c: CaseDice) => [c.id, 100 * c.dice]));
    const shown = order.flatMap((id, i) => {
      const value = dice.get(id);
      return value === undefined ? [] : [{ x: i + 1, y: value }];
    });
    return { x: shown.map(({ x }) => x), y: shown.map(({ y }) => y) };
  };
  const caption = 'A case a point, the worst first; the first method gives the order.';
  return methodLines(runs, methods, line, { title, caption, xTitle: 'case', yTitle: 'Dice, %' });
}
