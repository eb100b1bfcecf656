/** Cells as pictures: Graphviz lays out the DAG, operations keep their colours, zero edges are left out or pale. */
import { instance } from '@viz-js/viz';
import { type CellType, cellTypes, type Genotype, type GenotypeEdge } from '../paper/genotype';
import { type DrawingFigure, drawing } from './figure';
import { legend, n, page, text } from './ink';
import { inkOn, inPaperOrder, operationColor } from './palette';

/** A cell type's name for people. */
export const cellNames: Readonly<Record<CellType, string>> = {
  enc: 'encoder-normal cell (enc)',
  red: 'reduction cell (red)',
  dec: 'decoder-normal cell (dec)',
  exp: 'expansion cell (exp)',
};

interface Look {
  /** Whether zero edges are left out (default) or drawn pale. */
  readonly zero?: 'hide' | 'pale';
  /** Labels of one size, so that with pale zero edges every genotype is laid out alike. */
  readonly steady?: boolean;
}

export interface CellOptions extends Look {
  /** Thickness of each edge, 0 to 1, in the order of the edges: a margin, a probability. */
  readonly weights?: readonly number[];
}

export interface GenotypeOptions extends Look {
  /** Thickness of each edge of each cell, 0 to 1. */
  readonly weights?: Readonly<Record<CellType, readonly number[]>>;
}

/** An edge to draw: with `other`, a second operation beside its own, as where two genotypes differ. */
export interface DrawnEdge extends GenotypeEdge {
  readonly other?: string;
}

/** The operations to draw on an edge. */
const drawnOn = ({ op, other }: DrawnEdge) => (other === undefined ? [op] : [op, other]);
const onlyZero = (edge: DrawnEdge) => drawnOn(edge).every((name) => name === 'zero');

/** Layout of one graph, from Graphviz's own SVG. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly body: string;
}

/** The DAG of a cell in Graphviz's language: inputs left, the four intermediate nodes, the concatenation right. */
export function cellDot(
  edges: readonly DrawnEdge[],
  { zero = 'hide', weights, steady = false }: CellOptions = {},
): string {
  const last = Math.max(...edges.map((e) => e.to));
  const nodes = Array.from({ length: last - 1 }, (_, k) => k + 2);
  const reached = new Set(edges.filter((e) => !onlyZero(e)).map((e) => e.to));
  const node = (j: number) => {
    const empty = reached.has(j) ? '' : ', style="filled,dashed", fontcolor="#888888"';
    return `${j} [label="${j}", shape=circle, width=0.42, fixedsize=true${empty}];`;
  };
  const drawn = edges
    .map((e, i) => edgeDot(e, steady, weights?.[i]))
    .filter((_, i) => zero === 'pale' || !onlyZero(edges[i]));
  return [
    'digraph cell {',
    'rankdir=LR; nodesep=0.22; ranksep=0.42; bgcolor="transparent"; margin=0; pad=0.05;',
    'node [fontname="Helvetica", fontsize=12, style=filled, fillcolor="#F4F4F4", color="#555555", height=0.4];',
    'edge [fontname="Helvetica", fontsize=10, arrowsize=0.7];',
    '0 [label="0  older input", shape=box]; 1 [label="1  newer input", shape=box];',
    '{ rank=same; 0; 1; }',
    ...nodes.map(node),
    'out [label="concatenation", shape=box];',
    ...drawn,
    ...nodes.map((j) => `${j} -> out [color="#999999", style=dashed, arrowsize=0.5, weight=2];`),
    '}',
  ].join('\n');
}

function edgeDot(edge: DrawnEdge, steady: boolean, weight?: number): string {
  const { from, to, op } = edge;
  const names = drawnOn(edge);
  const pen = onlyZero(edge) ? 1 : weight === undefined ? 2 : 1 + 4 * weight;
  const style = onlyZero(edge) ? 'dotted' : op === 'identity' && names.length === 1 ? 'dashed' : 'solid';
  const size = steady ? ' fixedsize="true" width="50" height="17"' : '';
  const boxes = names.map((name) => {
    const color = operationColor(name);
    return `<tr><td bgcolor="${color}"${size}><font color="${inkOn(color)}">${name}</font></td></tr>`;
  });
  const label = `<<table border="0" cellborder="0" cellspacing="0" cellpadding="${steady ? 0 : 4}">${boxes.join('')}</table>>`;
  const color = names.map(operationColor).join(':');
  return `${from} -> ${to} [label=${label}, color="${color}", penwidth=${n(pen)}, style=${style}];`;
}

async function layOut(dot: string): Promise<Layout> {
  const viz = await instance();
  const svg = viz.renderString(dot, { format: 'svg' });
  const box = /viewBox="([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)"/.exec(svg);
  const [width, height] = box ? [Number(box[3]), Number(box[4])] : [400, 200];
  const body = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>'));
  // Titles would show as tooltips with Graphviz's own names; ids, comments and hundredths only take room, the font is the page's.
  const plain = body
    .replace(/<title>.*?<\/title>\n?/g, '')
    .replace(/<!--.*?-->\n?/g, '')
    .replace(/ (id|class|font-family|xml:space)="[^"]*"/g, '')
    .replace(/(\.\d)\d+/g, '$1');
  return { width, height, body: labelsLast(plain) };
}

/** The labels behind all lines, so that no line crosses a word; each word in the middle of its box, since fonts differ in width. */
function labelsLast(body: string): string {
  const label =
    /(<polygon [^>]*stroke="none" points="(\S+) (?:\S+) (\S+) [^>]*>\n)<text [^>]*(font-size=[^>]*>[^<]*<\/text>\n)/g;
  const middle = (from: string, to: string, i: 0 | 1) =>
    (Number(from.split(',')[i]) + Number(to.split(',')[i])) / 2;
  const labels = Array.from(body.matchAll(label), ([, polygon, from, to, word]) => {
    const place = `x="${n(middle(from, to, 0))}" y="${n(middle(from, to, 1) + 3.5)}"`;
    return `${polygon}<text text-anchor="middle" ${place} ${word}`;
  });
  const end = body.lastIndexOf('</g>');
  return body.slice(0, end).replace(label, '') + labels.join('') + body.slice(end);
}

const placed = ({ width, height, body }: Layout, x: number, y: number, scale: number) =>
  `<svg x="${n(x)}" y="${n(y)}" width="${n(width * scale)}" height="${n(height * scale)}" viewBox="0 0 ${n(width)} ${n(height)}">${body}</svg>`;

function operationLegend(edges: readonly DrawnEdge[], zero: 'hide' | 'pale') {
  const drawn = edges.flatMap(drawnOn).filter((name) => zero === 'pale' || name !== 'zero');
  const names = inPaperOrder([...new Set(drawn)]);
  return names.map((name) => ({ name, color: operationColor(name) }));
}

/** What a cell is made of, as in "3 conv3, 2 identity, 9 zero". */
export function countOperations(edges: readonly GenotypeEdge[]): string {
  const counts = new Map<string, number>();
  for (const { op } of edges) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([op, count]) => `${count} ${op}`)
    .join(', ');
}

/**
 * One cell as an SVG.
 *
 * @param type which of the four cell types it is
 * @param edges the operation on each edge of its DAG, nodes 0 and 1 being the cell's inputs
 */
export async function cellSvg(
  type: CellType,
  edges: readonly GenotypeEdge[],
  options: CellOptions = {},
): Promise<string> {
  const layout = await layOut(cellDot(edges, options));
  const scale = Math.min(1.2, 760 / layout.width);
  const width = Math.max(420, layout.width * scale + 24);
  const caption = `${countOperations(edges)}.`;
  return page(
    { title: capital(cellNames[type]), caption },
    width,
    layout.height * scale + 40,
    (top) =>
      legend(operationLegend(edges, options.zero ?? 'hide'), 12, top + 10, width - 24) +
      placed(layout, 12, top + 26, scale),
  );
}

/** One cell as a figure. */
export async function cellFigure(
  type: CellType,
  edges: readonly GenotypeEdge[],
  options: CellOptions = {},
): Promise<DrawingFigure> {
  const title = capital(cellNames[type]);
  return drawing(await cellSvg(type, edges, options), { title, caption: `${countOperations(edges)}.` });
}

const capital = (words: string) => words[0].toUpperCase() + words.slice(1);

/** The four cells of a genotype as one SVG, two beside two. */
export async function genotypeSvg(
  genotype: { readonly cells: Readonly<Record<CellType, readonly DrawnEdge[]>> },
  title = 'The four cells',
  { weights, ...look }: GenotypeOptions = {},
  note = '',
): Promise<string> {
  const dots = cellTypes.map((type) => cellDot(genotype.cells[type], { ...look, weights: weights?.[type] }));
  const layouts = await Promise.all(dots.map(layOut));
  const column = 520;
  const scales = layouts.map((l) => Math.min(1, (column - 24) / l.width));
  const heights = layouts.map((l, i) => l.height * scales[i] + 44);
  const rows = [Math.max(heights[0], heights[1]), Math.max(heights[2], heights[3])];
  const all = cellTypes.flatMap((type) => genotype.cells[type]);
  const zero = look.zero === 'pale' ? 'pale' : 'not drawn';
  const caption = `Inputs left, concatenation of the intermediate nodes right; zero edges are ${zero}. ${note}`;
  return page({ title, caption }, 2 * column, 28 + rows[0] + rows[1], (top) => {
    const cells = layouts.map((layout, i) => {
      const [x, y] = [12 + (i % 2) * column, top + 34 + (i > 1 ? rows[0] : 0)];
      return (
        text(x, y, capital(cellNames[cellTypes[i]]), { size: 12, weight: 'bold' }) +
        placed(layout, x, y + 8, scales[i])
      );
    });
    return legend(operationLegend(all, look.zero ?? 'hide'), 12, top + 10, 2 * column - 24) + cells.join('');
  });
}

/** The four cells of a genotype as a figure. */
export async function genotypeFigure(
  genotype: Pick<Genotype, 'cells'>,
  title = 'The four cells',
  options: GenotypeOptions = {},
): Promise<DrawingFigure> {
  const caption = cellTypes.map((type) => `${type}: ${countOperations(genotype.cells[type])}`).join('; ');
  return drawing(await genotypeSvg(genotype, title, options), { title, caption });
}
