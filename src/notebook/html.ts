/** Figures as pieces of a page that loads plotly once: the page stands alone, and shows the static pictures where scripts are off. */
import type { Figure } from './figure';
import { toPlotly } from './plotly';
import { escaped } from './scale';
import { toSvg } from './svg';
import { tableHtml } from './table';

/** The one script that {@link toHtml}'s figures need, from a file beside the page. */
export function plotlyScript(source: string): string {
  return `<script src="${escaped(source)}" charset="utf-8"></script>`;
}

/**
 * A figure as HTML.
 *
 * @param id of the element that plotly draws into; must be the only one of that name on its page
 */
export function toHtml(figure: Figure, id: string): string {
  if (figure.kind === 'table') return `<figure>${tableHtml(figure)}${captioned(figure)}</figure>`;
  const plotly = figure.kind === 'drawing' ? undefined : toPlotly(figure);
  if (!plotly) return `<figure>${toSvg(figure)}${captioned(figure)}</figure>`;
  // "</" inside a string would end the script element.
  const json = JSON.stringify(plotly).replace(/</g, '\\u003c');
  return (
    `<figure><div id="${escaped(id)}" class="plot" style="height:${Number(plotly.layout.height)}px"></div><noscript>${toSvg(figure)}</noscript>` +
    `<script>(({data, layout}) => Plotly.newPlot(${JSON.stringify(id)}, data, layout, {responsive: true, displaylogo: false}))(${json});</script></figure>`
  );
}

function captioned({ caption }: Figure): string {
  return caption ? `<figcaption>${escaped(caption)}</figcaption>` : '';
}
