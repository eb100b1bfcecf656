/** What plotly's figures share: title and caption, panels side by side. */
import { wrap } from './scale';

/** What plotly draws. */
export interface PlotlyFigure {
  readonly data: readonly Record<string, unknown>[];
  readonly layout: Readonly<Record<string, unknown>>;
}

/** A layout with the figure's title and caption above the plot. */
export function layout(
  { title, caption }: { title: string; caption: string },
  more: Record<string, unknown>,
) {
  const lines = wrap(caption, 105);
  return {
    title: {
      text: title,
      subtitle: { text: lines.join('<br>'), font: { size: 12, color: '#555' } },
      x: 0.01,
      xanchor: 'left',
      yref: 'container',
      y: 0.97,
      yanchor: 'top',
    },
    font: { family: 'Helvetica, Arial, sans-serif', size: 12, color: '#222' },
    paper_bgcolor: '#fff',
    plot_bgcolor: '#fff',
    margin: { l: 64, r: 20, t: 60 + 18 * lines.length + ('legend' in more ? 26 : 0), b: 48 },
    height: 400,
    ...more,
  };
}

/** Places of `count` panels in a row, as shares of the width. */
export function domains(count: number, gap: number): [number, number][] {
  const each = (1 - gap * (count - 1)) / count;
  return Array.from({ length: count }, (_, i) => [i * (each + gap), Math.min(1, i * (each + gap) + each)]);
}

/** `x`, `x2`, …: an axis as traces name it. */
export const axisName = (letter: 'x' | 'y', i: number) => (i === 0 ? letter : `${letter}${i + 1}`);
/** `xaxis`, `xaxis2`, …: an axis as the layout names it. */
export const axisKey = (letter: 'x' | 'y', i: number) =>
  i === 0 ? `${letter}axis` : `${letter}axis${i + 1}`;

/** A title over a panel, at `x` of the width. */
export function panelTitle(words: string, x: number) {
  return {
    text: `<b>${words}</b>`,
    x,
    y: 1,
    xref: 'paper',
    yref: 'paper',
    xanchor: 'center',
    yanchor: 'bottom',
    showarrow: false,
  };
}
