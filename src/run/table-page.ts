/** Tables as one page that stands alone: light or dark as the reader's system is, every number a way to its runs. */
import { type BudgetTable, TABLE_1 } from '../evaluate/table';
import { groups } from '../evaluate/table-layout';
import {
  anchorOf,
  cellWords,
  footnotes,
  hasPhantom,
  runGroups,
  runWords,
  signed,
  type TableReport,
} from '../evaluate/table-words';
import { escaped } from '../notebook/scale';

const css = `
:root { --ink: #1d2126; --soft: #5d6670; --paper: #fff; --pale: #f4f6f8; --line: #d8dde2; --link: #0058a3; --up: #1b6b3a; --down: #a33a00; --mark: #7a4b00; --markback: #fff1d6; --hit: #fff8d9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --soft: #a0a8b0; --paper: #15181b; --pale: #1d2125; --line: #363c42; --link: #7db8f0; --up: #8fd3a5; --down: #f0a27d; --mark: #f0c36d; --markback: #3a2f17; --hit: #3a3618; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem 1.5rem 4rem; color: var(--ink); background: var(--paper); font: 15px/1.5 Helvetica, Arial, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .1rem; } h3 { font-size: 1rem; margin: 1.8rem 0 .4rem; }
p { margin: .2rem 0 .8rem; max-width: 60rem; } .soft { color: var(--soft); }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .55rem .8rem; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--ink); white-space: nowrap; } thead .task { color: var(--soft); font-weight: normal; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
tbody th { white-space: nowrap; } .grid td { min-width: 9.5rem; } .grid .lead { border-left: 1px solid var(--line); }
.number { font-size: 1.3rem; font-weight: bold; font-variant-numeric: tabular-nums; } .none { color: var(--soft); font-style: italic; }
.small { display: block; font-size: .8rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.up { color: var(--up); } .down { color: var(--down); }
.mark { font-size: .7rem; color: var(--mark); background: var(--markback); border-radius: .6rem; padding: .05rem .45rem; margin-left: .4rem; vertical-align: .25rem; }
.notes { font-size: .88rem; color: var(--soft); max-width: 62rem; padding-left: 1.1rem; } .notes .caveat { color: var(--ink); }
.runs { font-size: .86rem; } .runs td { padding: .25rem .8rem; font-variant-numeric: tabular-nums; } .runs th { padding: .7rem .8rem .2rem; } .runs thead th { padding-top: .2rem; }
.runs tbody:target { background: var(--hit); } .runs code { font-size: .8rem; } .runs .files a { margin-right: .7rem; }
`;

/** The tables as a page. */
export function tablesPage(report: TableReport): string {
  const bodies = report.tables.map((table, t) => section(report, table, t)).join('\n');
  const title = report.tables.map((table) => table.title).filter((name, i, all) => all.indexOf(name) === i);
  const left = report.left.map((line) => `<li>${escaped(line)}</li>`).join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title.join(', '))}</title>
<style>${css}</style>
</head>
<body>
<h1>${escaped(title.join(', '))}</h1>
<p class="soft">Kim et al. 2019, “Scalable Neural Architecture Search for 3D Medical Image Segmentation”. Built from the records of ${report.runs.length} runs and from nothing else; a number leads to the runs behind it.</p>
${bodies}
${left ? `<h2>Left out</h2><ul class="notes">${left}</ul>` : ''}
</body>
</html>
`;
}

function section(report: TableReport, table: BudgetTable, t: number): string {
  const notes = footnotes(table, hasPhantom(table)).map(
    (line) => `<li${line.startsWith('The paper’s caveat') ? ' class="caveat"' : ''}>${escaped(line)}</li>`,
  );
  const heading =
    report.runs.length > 0 ? `${table.title}: ${table.budget}` : `${table.title}: nothing was run`;
  return `<h2>${escaped(heading)}</h2>
<p class="soft">${table.title === TABLE_1 ? 'Dice, %. Large: ours. Under it the paper’s, and in brackets ours − paper.' : 'Dice, %. The paper has no number for this task.'}</p>
<div class="wide"><table class="grid">${head(table)}<tbody>${table.rows.map((_, r) => row(table, t, r)).join('')}</tbody></table></div>
<ul class="notes">${notes.join('')}</ul>
${runList(report, t)}`;
}

/** Two lines: the task over its columns, then the columns. */
function head({ columns }: BudgetTable): string {
  const tasks = groups(columns, ({ task }) => task).map(
    (own) => `<th class="task lead" colspan="${own.length}">${escaped(own[0].task)}</th>`,
  );
  const titles = columns.map((column, c) => `<th${lead(columns, c)}>${escaped(column.title)}</th>`);
  return `<thead><tr><th class="task"></th>${tasks.join('')}</tr><tr><th>method</th>${titles.join('')}</tr></thead>`;
}

const lead = (columns: BudgetTable['columns'], c: number) =>
  c === 0 || columns[c].task !== columns[c - 1].task ? ' class="lead"' : '';

function row({ columns, rows }: BudgetTable, t: number, r: number): string {
  const { title, cells } = rows[r];
  const all = cells.map((cell, c) => {
    const words = cellWords(cell);
    const { task, plan } = columns[c];
    const number =
      cell.ours === null
        ? `<span class="none">${words.ours}</span>`
        : `<a class="number" href="#${anchorOf(t, r, task, plan)}">${words.ours}</a>`;
    const mark = words.mark ? `<span class="mark">${words.mark}</span>` : '';
    const way = (value: number) => (value < 0 ? 'down' : 'up');
    const difference =
      cell.difference === null
        ? ''
        : ` <span class="${way(cell.difference)}">(${signed(cell.difference)})</span>`;
    const small = [
      words.spread,
      words.paper && `paper ${words.paper}${difference}`,
      ...words.behind.split(', '),
      words.test,
    ].filter(Boolean);
    return `<td${lead(columns, c)}>${number}${mark}${small.map((line) => `<span class="small">${line}</span>`).join('')}</td>`;
  });
  return `<tr><th>${escaped(title)}</th>${all.join('')}</tr>`;
}

function runList(report: TableReport, t: number): string {
  const groups = runGroups(report, t);
  if (groups.length === 0) return '';
  const bodies = groups.map(({ anchor, title, runs }) => {
    const lines = runs.map((run) => {
      const { fold, seed, dice, multiplyAdds, minutes, commit, links } = runWords(run);
      const files = links.map(([name, href]) =>
        href ? `<a href="${escaped(href)}">${name}</a>` : `<span class="soft">no ${name}</span> `,
      );
      const cells = [fold, seed, dice, multiplyAdds, minutes].map((text) => `<td>${escaped(text)}</td>`);
      return `<tr><td></td>${cells.join('')}<td class="files">${files.join('')}</td><td><code>${escaped(commit)}</code></td></tr>`;
    });
    return `<tbody id="${anchor}"><tr><th colspan="8">${escaped(title)}</th></tr>${lines.join('')}</tbody>`;
  });
  return `<h3>Runs behind it</h3>
<div class="wide"><table class="runs"><thead><tr>${['', 'fold', 'seed', 'Dice, %', 'multiply-adds', 'minutes', 'files', 'commit'].map((name) => `<th>${name}</th>`).join('')}</tr></thead>${bodies.join('')}</table></div>`;
}
