/** A table as text, Markdown, HTML and SVG. */
import type { TableFigure } from './figure';
import { box, page, text } from './ink';
import { escaped, short } from './scale';

function cells(figure: TableFigure): string[][] {
  return figure.rows.map((row) => row.map((cell) => (typeof cell === 'number' ? short(cell) : cell)));
}

const isNumber = (figure: TableFigure, column: number) =>
  figure.rows.length > 0 && figure.rows.every((row) => typeof row[column] === 'number');

/** Columns in line, for a terminal and for `text/plain`. */
export function tableText(figure: TableFigure): string {
  const rows = [[...figure.columns], ...cells(figure)];
  const widths = figure.columns.map((_, j) => Math.max(...rows.map((row) => [...row[j]].length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, j) => (isNumber(figure, j) ? cell.padStart(widths[j]) : cell.padEnd(widths[j])))
      .join('  ')
      .trimEnd();
  return [
    figure.title,
    line(rows[0]),
    widths.map((w) => '─'.repeat(w)).join('  '),
    ...rows.slice(1).map(line),
  ].join('\n');
}

/** For a notebook: reads on GitHub too. */
export function tableMarkdown(figure: TableFigure): string {
  const bar = (row: readonly string[]) => `| ${row.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
  const rule = bar(figure.columns.map((_, j) => (isNumber(figure, j) ? '---:' : '---')));
  const caption = figure.caption ? ['', figure.caption] : [];
  return [`**${figure.title}**`, '', bar(figure.columns), rule, ...cells(figure).map(bar), ...caption].join(
    '\n',
  );
}

/** For a page. */
export function tableHtml(figure: TableFigure): string {
  const row = (tag: string, words: readonly string[]) =>
    `<tr>${words.map((cell, j) => `<${tag}${isNumber(figure, j) ? ' class="number"' : ''}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body = cells(figure)
    .map((words) => row('td', words))
    .join('');
  return `<table><caption>${escaped(figure.title)}</caption><thead>${row('th', figure.columns)}</thead><tbody>${body}</tbody></table>`;
}

/** For a picture. */
export function tableSvg(figure: TableFigure): string {
  const rows = [[...figure.columns], ...cells(figure)];
  const widths = figure.columns.map((_, j) => 20 + 7 * Math.max(...rows.map((row) => [...row[j]].length)));
  const edges = [12];
  for (const w of widths) edges.push(edges[edges.length - 1] + w);
  const width = Math.max(360, edges[edges.length - 1] + 12);
  return page(figure, width, 20 + rows.length * 20, (top) => {
    const lines = rows.map((row, i) => {
      const y = top + 14 + i * 20;
      const rule = i === 1 ? box(12, y - 15, width - 24, 1, '#888') : '';
      const words = row.map((cell, j) =>
        isNumber(figure, j)
          ? text(edges[j + 1] - 12, y, cell, { size: 12, anchor: 'end', weight: i ? 'normal' : 'bold' })
          : text(edges[j], y, cell, { size: 12, weight: i ? 'normal' : 'bold' }),
      );
      return rule + words.join('');
    });
    return lines.join('');
  });
}
