/** What a value says of itself when it is the last expression of a cell: a table or a line instead of a dump. One record a kind of value. */
import { inspect } from 'node:util';
import type { Dataset } from '../data/msd';
import type { PreparedCase } from '../data/preprocess';
import { type LayerCost, type Network, parameterCount } from '../engine/model';
import { tf } from '../engine/tf';
import { alphaEntropy } from '../paper/bilevel';
import { type OperationCost, type TotalCost, totalCost } from '../paper/cost';
import type { Derived } from '../paper/derive';
import type { Alpha } from '../paper/first-order';
import { cellTypes, type Genotype } from '../paper/genotype';
import type { Operation } from '../paper/operations';
import type { RunFolder } from '../run/folder';
import type { Planned } from '../run/plan';
import type { RunRecord } from '../run/record';
import { countOperations } from './cells';
import { type Figure, type TableFigure, tableFigure } from './figure';
import type { SearchSession, TrainingSession } from './loops';
import {
  casesTable,
  evaluationTable,
  publishedTable,
  recordTable,
  reportsLine,
  runTable,
} from './readable-runs';
import type { PublishedRun } from './records';
import { planReport } from './runs';
import { count, million, short, whole } from './scale';

type Shown = Figure | string;
type Fields = Readonly<Record<string, unknown>>;

/** How a kind of value is known, by names of its fields, and what it says. */
interface Kind {
  is(value: Fields): boolean;
  say(value: never): Shown;
}

const has =
  (...names: readonly string[]) =>
  (value: Fields) =>
    names.every((name) => name in value);
const listOf =
  (...names: readonly string[]) =>
  (value: Fields) =>
    Array.isArray(value) && value.length > 0 && value.every((v) => isFields(v) && has(...names)(v));

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const mib = (bytes: number) => `${short(bytes / 2 ** 20)} MiB`;
const times = (shape: readonly number[]) => shape.map(short).join(' × ');

/** The first that knows the value speaks for it. */
const kinds: readonly Kind[] = [
  { is: (v) => typeof v.kind === 'string' && has('title', 'caption')(v), say: (figure: Figure) => figure },
  { is: (v) => v.schema === 'scnas-genotype-1', say: (g: Genotype) => genotypeTable(g) },
  { is: has('genotype', 'margins', 'warnings'), say: (d: Derived) => genotypeTable(d.genotype, d.margins) },
  { is: has('state', 'reports', 'sets', 'net'), say: searchLine },
  { is: has('state', 'reports', 'cases', 'net'), say: trainingLine },
  { is: (v) => v.schema === 'scnas-record-1', say: (r: RunRecord) => recordTable(r) },
  {
    is: has('where', 'record', 'cases'),
    say: ({ where, record }: PublishedRun) => recordTable(record, `Record: results/${where}`),
  },
  { is: listOf('where', 'record', 'cases'), say: publishedTable },
  { is: (v) => typeof v.dir === 'string' && isFields(v.config), say: (r: RunFolder) => runTable(r) },
  { is: (v) => isFields(v.plan) && isFields(v.config), say: (p: Planned) => planReport(p) },
  { is: has('cases', 'dice', 'scores'), say: evaluationTable },
  { is: listOf('id', 'dice', 'mean'), say: casesTable },
  { is: (v) => Number(v.length) > 3 && listOf('step', 'epoch')(v), say: reportsLine },
  { is: has('root', 'modalities', 'classes', 'cases', 'hash'), say: datasetLine },
  { is: has('shape', 'channels', 'image', 'spacing'), say: caseLine },
  { is: listOf('multiplyAdds', 'parameters', 'activationBytes'), say: layerTable },
  { is: listOf('paperName', 'multiplyAdds', 'bytes'), say: operationCostTable },
  { is: has('flops', 'parameters', 'activationBytes'), say: totalLine },
  { is: has('parameters', 'forward', 'cost', 'classes'), say: networkLine },
  { is: has('parameters', 'forward', 'cost', 'plans'), say: supernetLine },
  { is: listOf('name', 'paperName', 'build'), say: operationTable },
  { is: has('name', 'paperName', 'build'), say: (o: Operation) => `${o.name}: ${o.paperName}` },
  { is: (v) => cellTypes.every((type) => isNumbers2(v[type])), say: alphaLine },
  { is: isTheta, say: thetaLine },
  { is: (v) => ArrayBuffer.isView(v) && 'length' in v && Number(v.length) > 64, say: arrayLine },
];

const isNumbers2 = (v: unknown) => Array.isArray(v) && Array.isArray(v[0]) && typeof v[0][0] === 'number';

/**
 * A value as a reader wants to see it: a figure, a line of text, or nothing where it prints well as it is.
 *
 * @param value anything
 */
export function readable(value: unknown): Figure | string | undefined {
  if (!isFields(value) || value instanceof tf.Tensor) return undefined;
  // Told apart by its fields, so the kind's own type holds.
  return kinds.find(({ is }) => is(value))?.say(value as never);
}

function genotypeTable(genotype: Genotype, margins?: Derived['margins']): TableFigure {
  const edges = genotype.cells.enc;
  const rows = edges.map(({ from, to }, e) => [
    `${from} → ${to}`,
    ...cellTypes.map((type) => {
      const margin = margins?.[type][e];
      return genotype.cells[type][e].op + (margin === undefined ? '' : ` (${margin.toFixed(3)})`);
    }),
  ]);
  return tableFigure(['edge', ...cellTypes], rows, {
    title: `Genotype: ${edges.length} edges in each of four cells${margins ? ', with margins' : ''}`,
    caption: cellTypes.map((type) => `${type}: ${countOperations(genotype.cells[type])}`).join('; '),
  });
}

function searchLine({ state, options, reports, sets, seed }: SearchSession): string {
  const last = reports[reports.length - 1];
  const now = last
    ? `; τ ${short(last.tau)}, loss ${short(last.lossTheta)} (Θ) and ${short(last.lossAlpha)} (α), entropy of α ${short(last.entropyAlpha)}`
    : '';
  return `Search: step ${state.step} of ${options.steps}, seed ${seed}, ${sets.theta.length} cases for Θ, ${sets.alpha.length} for α${now}`;
}

function trainingLine({ state, options, reports, cases, seed }: TrainingSession): string {
  const last = reports[reports.length - 1];
  const now = last ? `; loss ${short(last.loss)}, rate ${short(last.rate)}` : '';
  return `Training: step ${state.step} of ${options.steps}, seed ${seed}, ${count(cases.length, 'case')}${now}`;
}

function datasetLine({ name, cases, modalities, classes }: Dataset): string {
  return `${name}: ${count(cases.length, 'case')}, ${modalities.join(' + ')}; classes ${classes.join(', ')}`;
}

function caseLine({ id, shape, channels, spacing, label }: PreparedCase): string {
  const labels = [...new Set(label ?? [])].filter((k) => k >= 0).sort((a, b) => a - b);
  const has = label ? `labels ${labels.join(', ')}` : 'no label';
  return `${id}: ${times(shape)} voxels of ${times(spacing)} mm, ${count(channels, 'channel')}, ${has}`;
}

/** A row a cell: layers are named `cell/part`. */
function layerTable(layers: readonly LayerCost[]): TableFigure {
  const part = ({ name }: LayerCost) => name.split('/')[0];
  const rows = [...new Set(layers.map(part))].map((name) => {
    const own = layers.filter((layer) => part(layer) === name);
    return costRow(name, own);
  });
  return tableFigure(
    ['part', 'layers', 'multiply-adds', 'parameters', 'activations'],
    [...rows, costRow('all', layers)],
    { title: 'Cost of one sample' },
  );
}

function costRow(name: string, layers: readonly LayerCost[]): string[] {
  const { flops, parameters, activationBytes } = totalCost(layers);
  return [name, whole(layers.length), million(flops), whole(parameters), mib(activationBytes)];
}

function operationCostTable(costs: readonly OperationCost[]): TableFigure {
  const rows = costs.map((c) => [c.name, c.paperName, c.multiplyAdds, c.parameters, c.bytes]);
  return tableFigure(['name', 'operation', 'multiply-adds a voxel', 'parameters', 'bytes a voxel'], rows, {
    title: 'Cost of each operation',
  });
}

function operationTable(operations: readonly Operation[]): TableFigure {
  return tableFigure(
    ['name', 'operation'],
    operations.map((o) => [o.name, o.paperName]),
    { title: count(operations.length, 'operation') },
  );
}

function totalLine({ flops, parameters, activationBytes }: TotalCost): string {
  return `${million(flops)} multiply-adds, ${whole(parameters)} parameters, ${mib(activationBytes)} of activations`;
}

function networkLine({ name, inputs, classes, parameters }: Network): string {
  return `Network ${name}: ${count(inputs, 'channel')} → ${classes} classes, ${whole(parameterCount(parameters))} parameters in ${parameters.length} tensors`;
}

function supernetLine({
  parameters,
  plans,
  options,
}: { readonly plans: readonly unknown[] } & Network & {
    readonly options: { readonly stem: number; readonly operations: readonly Operation[] };
  }): string {
  return `Network of all candidates: ${plans.length} cells, ${options.operations.length} operations an edge, stem ${options.stem}, ${whole(parameterCount(parameters))} parameters in ${parameters.length} tensors`;
}

function alphaLine(alpha: Alpha): string {
  const { enc } = alpha;
  return `α: ${cellTypes.length} cell types × ${enc.length} edges × ${enc[0].length} operations, mean entropy ${alphaEntropy(alpha).toFixed(4)} of ln ${enc[0].length} = ${Math.log(enc[0].length).toFixed(4)}`;
}

function isTheta(value: Fields): boolean {
  const tensors = Object.values(value);
  return !Array.isArray(value) && tensors.length > 0 && tensors.every((t) => t instanceof tf.Tensor);
}

function thetaLine(theta: Readonly<Record<string, tf.Tensor>>): string {
  const tensors = Object.values(theta);
  return `${count(tensors.length, 'tensor')}, ${whole(tensors.reduce((n, t) => n + t.size, 0))} numbers: ${Object.keys(theta).slice(0, 3).join(', ')}${tensors.length > 3 ? ', …' : ''}`;
}

function arrayLine(values: Float32Array): string {
  return `${values.constructor.name} of ${whole(values.length)}: ${range(values)}`;
}

/** Least, largest and mean of numbers, and how many are none. */
function range(values: ArrayLike<number>): string {
  let [low, high, sum, bad] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (Number.isNaN(v)) bad++;
    else {
      low = Math.min(low, v);
      high = Math.max(high, v);
      sum += v;
    }
  }
  const none = bad > 0 ? `, ${whole(bad)} NaN` : '';
  if (bad === values.length) return 'all NaN';
  return `${short(low)} to ${short(high)}, mean ${short(sum / (values.length - bad))}${none}`;
}

/** Values up to which a tensor is written out. */
const FEW = 24;

/** A tensor in a line: its kind, shape, and its values or their range. */
export function tensorText(tensor: tf.Tensor): string {
  const kind = `Tensor ${tensor.dtype} [${tensor.shape.join(', ')}]`;
  if (tensor.isDisposed) return `${kind}, disposed`;
  if (tensor.size === 0) return `${kind}, empty`;
  if (tensor.size <= FEW) return `${kind} ${nested(tensor.arraySync())}`;
  return tensor.dtype === 'string' ? kind : `${kind}, ${range(tensor.dataSync())}`;
}

const nested = (values: unknown): string =>
  Array.isArray(values)
    ? `[${values.map(nested).join(', ')}]`
    : typeof values === 'number'
      ? short(values)
      : String(values);

/** Tensors say what they are wherever Node prints them, inside other values too. */
export function installTensorText(): void {
  Object.defineProperty(tf.Tensor.prototype, inspect.custom, {
    configurable: true,
    value(this: tf.Tensor) {
      return tensorText(this);
    },
  });
}
