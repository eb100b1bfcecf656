/** Z̄ of three operations as points in a triangle: a corner for each operation, the middle where all weigh alike. */
import { type DrawingFigure, drawing } from './figure';
import { n, page, text } from './ink';
import { operationColor } from './palette';

/** Points at one temperature: a panel. */
export interface SimplexPanel {
  readonly title: string;
  /** Weights that sum to one, [points][3]. */
  readonly points: readonly (readonly number[])[];
}

/** Height over side of the triangle, its side in pixels, and the room of a panel. */
const [TALL, SIDE, ROOM] = [Math.sqrt(3) / 2, 150, 196];

/**
 * Triangles side by side; each point has the colour of its heaviest operation.
 *
 * @param names of the three operations: left corner, right corner, top
 * @param panels points [points][3] under a title each
 */
export function simplexFigure(
  names: readonly [string, string, string],
  panels: readonly SimplexPanel[],
  { title, caption = '' }: { readonly title: string; readonly caption?: string },
): DrawingFigure {
  const panel = ({ title: words, points }: SimplexPanel, k: number, top: number) => {
    const [left, floor] = [23 + k * ROOM, top + 46 + SIDE * TALL];
    const place = (z: readonly number[]) => [left + SIDE * (z[1] + z[2] / 2), floor - SIDE * TALL * z[2]];
    const corners = [place([1, 0, 0]), place([0, 1, 0]), place([0, 0, 1])];
    const outline = corners.map(([x, y]) => `${n(x)},${n(y)}`).join(' ');
    const dots = names.map((name, o) => {
      const own = points.filter((z) => z.indexOf(Math.max(...z)) === o).map(place);
      const path = own.map(([x, y]) => `M${n(x)} ${n(y)}h0`).join('');
      return `<path d="${path}" stroke="${operationColor(name)}" stroke-width="3.6" stroke-linecap="round" stroke-opacity="0.6"/>`;
    });
    const labels = names.map((name, o) => {
      const [x, y] = corners[o];
      if (o === 2) return text(x, y - 8, name, { anchor: 'middle', weight: 'bold' });
      return o === 0
        ? text(x - 8, y + 15, name, { weight: 'bold' })
        : text(x + 8, y + 15, name, { anchor: 'end', weight: 'bold' });
    });
    return (
      text(left + SIDE / 2, top + 14, words, { anchor: 'middle', size: 12 }) +
      `<polygon points="${outline}" fill="#F7F7F7" stroke="#888"/>` +
      dots.join('') +
      labels.join('')
    );
  };
  const svg = page({ title, caption }, 24 + panels.length * ROOM, 46 + SIDE * TALL + 28, (top) =>
    panels.map((p, k) => panel(p, k, top)).join(''),
  );
  return drawing(svg, { title, caption });
}
