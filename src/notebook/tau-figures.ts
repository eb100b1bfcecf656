/** What schedules of τ do to the sampling while all strengths are equal: computed exactly, and drawn. */
import { fold, gumbel, type Key, uniform } from '../engine/keys';
import { type Schedule, temperature } from '../paper/anneal';
import { operationsPerEdge } from '../paper/coincidence';
import { sampleTwo } from '../paper/gumbel';
import { type LinesFigure, lineFigure, type TableFigure, tableFigure } from './figure';
import { seriesColor } from './palette';
import { evenly } from './scale';

type Schedules = Readonly<Record<string, Schedule>>;

/** Epochs at which a curve is computed. */
const POINTS = 34;
/** Edges of the four cells together: what one step draws. */
const EDGES = 56;

const equal = (operations: number) => new Array<number>(operations).fill(0);

/** A number for some epochs of a search. */
export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** τ of each epoch under each schedule. */
export function tauFigure(schedules: Schedules, epochs: number): LinesFigure {
  const x = Array.from({ length: epochs }, (_, epoch) => epoch);
  const curve = (schedule: Schedule): Curve => ({
    x,
    y: x.map((epoch) => temperature(schedule, epoch, epochs)),
  });
  const series = Object.fromEntries(Object.entries(schedules).map(([name, s]) => [name, curve(s)]));
  return lineFigure(series, { title: 'τ of each epoch', xTitle: 'epoch', yTitle: 'τ', logY: true });
}

/**
 * Operations computed on an edge under a schedule, in the mean, while all strengths are equal.
 *
 * @param schedule of τ
 * @param epochs E of the whole search
 * @param operations |O|
 */
export function operationsOf(schedule: Schedule, epochs: number, operations: number): Curve {
  const x = evenly(epochs, POINTS);
  const tau = (epoch: number) => temperature(schedule, epoch, epochs);
  return { x, y: x.map((epoch) => operationsPerEdge(equal(operations), tau(epoch))) };
}

/** The mean over one step's draws, by Algorithm 1 with replacement, at the epochs of {@link operationsOf}. */
export function operationsDrawn(schedule: Schedule, epochs: number, operations: number, k: Key): Curve {
  const x = evenly(epochs, POINTS);
  const distinct = (tau: number, own: Key) => {
    const epsilon = gumbel(fold(own, 'gumbel'), operations);
    const u = uniform(fold(own, 'draws'), 2);
    return sampleTwo(equal(operations), epsilon, tau, u, 'with replacement').operations.length;
  };
  const step = (epoch: number) => {
    const tau = temperature(schedule, epoch, epochs);
    const counts = Array.from({ length: EDGES }, (_, edge) => distinct(tau, fold(k, epoch, edge)));
    return counts.reduce((a, b) => a + b) / EDGES;
  };
  return { x, y: x.map(step) };
}

/** Operations computed on an edge under each schedule: lines computed, points drawn in one step of an epoch. */
export function operationsFigure(
  schedules: Schedules,
  epochs: number,
  operations: number,
  k: Key,
): LinesFigure {
  const list = Object.entries(schedules);
  const drawn = (name: string) => `${name}, drawn`;
  const series = list.flatMap(([name, schedule]): [string, Curve][] => [
    [name, operationsOf(schedule, epochs, operations)],
    [drawn(name), operationsDrawn(schedule, epochs, operations, fold(k, name))],
  ]);
  const colors = list.flatMap(([name], i) => [
    [name, seriesColor(i)],
    [drawn(name), seriesColor(i)],
  ]);
  return lineFigure(Object.fromEntries(series), {
    title: 'Operations computed on an edge, all strengths equal',
    caption: `Lines: computed. Points: drawn, the mean over the ${EDGES} edges of one step.`,
    xTitle: 'epoch',
    yTitle: 'operations',
    colors: Object.fromEntries(colors),
    points: list.map(([name]) => drawn(name)),
  });
}

/** Operations computed on an edge at the beginning, at the end, and in the mean over the whole search. */
export function operationsTable(schedules: Schedules, epochs: number, operations: number): TableFigure {
  const rows = Object.entries(schedules).map(([name, schedule]) => {
    const { y } = operationsOf(schedule, epochs, operations);
    const mean = y.reduce((a, b) => a + b) / y.length;
    return [name, y[0], y[y.length - 1], mean];
  });
  return tableFigure(['schedule', 'first epoch', 'last epoch', 'mean over the search'], rows, {
    title: 'Operations computed on an edge',
  });
}
