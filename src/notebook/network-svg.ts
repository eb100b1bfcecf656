/** The twelve-cell network as a picture: level downwards, order rightwards, every connection that the plan lists. */
import type { Shape3 } from '../engine/model';
import type { CellType } from '../paper/genotype';
import { type CellPlan, cellPlans, STEM } from '../paper/layout';
import { defaultReadings, type Readings } from '../paper/readings';
import { type DrawingFigure, drawing } from './figure';
import { n, page, text } from './ink';

const FILL: Readonly<Record<CellType | 'end', string>> = {
  enc: '#D6E6F5',
  red: '#FAD9C3',
  dec: '#CFEBDF',
  exp: '#F1D5E5',
  end: '#EEEEEE',
};

const [BOX, TALL, COLUMN, ROW] = [72, 44, 86, 118];

export interface NetworkDrawing {
  /** Channels of the stem's output. */
  readonly stem: number;
  /** Patch [x, y, z], voxels. */
  readonly patch: Shape3;
  /** Input channels. */
  readonly inputs: number;
  /** Classes, the background included. */
  readonly classes: number;
  readonly nodes?: number;
  readonly readings?: Readings;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** The network as an SVG: shapes and channels of each cell, the two inputs of each, and the encoder maps that are added in the decoder. */
export function networkSvg({
  stem,
  patch,
  inputs,
  classes,
  nodes = 4,
  readings = defaultReadings,
}: NetworkDrawing): string {
  const plans = cellPlans(stem, nodes, readings);
  const caption =
    'Solid: the newer input (the previous cell). Thin grey: the older input. Dashed: the encoder map that is added to the newer input (⊕).';
  const width = COLUMN * (plans.length + 2) + 24;
  return page(
    { title: `The network: stem ${stem}, patch ${patch.join(' × ')}`, caption },
    width,
    4 * ROW + 20,
    (top) => {
      const at = (index: number): Place => ({
        x: 12 + (index + 1) * COLUMN + BOX / 2,
        y: top + 44 + (levelOf(plans, index) * ROW + TALL / 2),
      });
      const shape = (level: number) => patch.map((s) => Math.ceil(s / 2 ** level)).join('×');
      const block = (index: number, fill: string, name: string, channels: number) => {
        const { x, y } = at(index);
        return (
          `<rect x="${n(x - BOX / 2)}" y="${n(y - TALL / 2)}" width="${BOX}" height="${TALL}" rx="5" fill="${fill}" stroke="#666"/>` +
          text(x, y - 8, name, { anchor: 'middle', weight: 'bold' }) +
          text(x, y + 4, `${channels} channels`, { anchor: 'middle', size: 9 }) +
          text(x, y + 16, shape(levelOf(plans, index)), { anchor: 'middle', size: 9 })
        );
      };
      return [
        '<defs><marker id="scnas-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="#444"/></marker></defs>',
        ...plans.map((plan) => older(at(plan.inputs[0].from), at(plan.index))),
        ...skips(plans, at),
        ...plans.map((plan) =>
          newer(at(plan.inputs[1].from), at(plan.index), plan.inputs[1].skip !== undefined),
        ),
        newer(at(plans.length - 1), at(plans.length), false),
        block(STEM, FILL.end, 'stem', stem),
        ...plans.map((plan) =>
          block(plan.index, FILL[plan.type], plan.index === 5 ? 'inter (enc)' : plan.type, plan.channels),
        ),
        block(plans.length, FILL.end, 'out', classes),
        text(at(STEM).x, at(STEM).y - TALL / 2 - 8, `${inputs} in`, {
          anchor: 'middle',
          size: 10,
          color: '#555',
        }),
      ].join('');
    },
  );
}

const levelOf = (plans: readonly CellPlan[], index: number) => plans[index]?.level ?? 0;

/** From a box's right side to the next box's left side, by a corner where the level changes. */
function newer(a: Place, b: Place, sum: boolean): string {
  const x = a.x + BOX / 2;
  const end = b.x - BOX / 2;
  const middle = (x + end) / 2;
  const path = `<path d="M${n(x)} ${n(a.y)}H${n(middle)}V${n(b.y)}H${n(end)}" fill="none" stroke="#444" stroke-width="1.6" marker-end="url(#scnas-tip)"/>`;
  if (!sum) return path;
  return `${path}<circle cx="${n(middle)}" cy="${n(a.y)}" r="5.5" fill="#fff" stroke="#444"/>${text(middle, a.y + 3.7, '+', { anchor: 'middle', weight: 'bold' })}`;
}

/** From the bottom of the cell before the previous one, under the box between. */
function older(a: Place, b: Place): string {
  if (b.x - a.x < 1.5 * COLUMN) return ''; // the first cell reads the stem twice
  const [y0, y1] = [a.y + TALL / 2, b.y + TALL / 2];
  const low = Math.max(y0, y1) + 34;
  return `<path d="M${n(a.x + 8)} ${n(y0)}C${n(a.x + 14)} ${n(low)} ${n(b.x - 14)} ${n(low)} ${n(b.x - 8)} ${n(y1)}" fill="none" stroke="#AAA" stroke-width="1.1" marker-end="url(#scnas-tip)"/>`;
}

/** One dashed rail a level, from the encoder's map to each sum that takes it. */
function skips(plans: readonly CellPlan[], at: (index: number) => Place): string[] {
  const sums = plans.map((plan) => plan.inputs[1]).filter((input) => input.skip !== undefined);
  const sources = [...new Set(sums.map((input) => input.skip ?? STEM))];
  return sources.map((source) => {
    const a = at(source);
    const rail = a.y - TALL / 2 - 16;
    const drops = sums.filter((input) => input.skip === source).map((input) => at(input.from));
    const ends = drops.map((b) => `M${n(b.x + COLUMN / 2)} ${n(rail)}V${n(b.y - 6)}`).join('');
    const far = Math.max(...drops.map((b) => b.x + COLUMN / 2));
    return `<path d="M${n(a.x + 16)} ${n(a.y - TALL / 2)}V${n(rail)}H${n(far)}${ends}" fill="none" stroke="#0072B2" stroke-width="1.3" stroke-dasharray="5 3"/>`;
  });
}

/** The network as a figure. */
export function networkFigure(options: NetworkDrawing): DrawingFigure {
  const title = `The network: stem ${options.stem}, patch ${options.patch.join(' × ')}`;
  return drawing(networkSvg(options), { title, caption: 'stem, 12 cells on four levels, out' });
}
