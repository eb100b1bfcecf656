/** The annotated source as pages: words and formulas left, code right; an index by folder; PAPER.md with links into the code. */
import path from 'node:path';
import { REFERENCE, resolveReference } from './check';
import { parseComment } from './comments';
import type { Section, SourceText } from './parse';
import { escapeHtml, highlighted, type Link, words } from './render';

/** The page of a source file, from the site's root. */
export const pageOf = (file: string) => `${file.replace(/\.ts$/, '')}.html`;

/** Where each exported name is declared; a name that two files export is left out. */
export function exportedNames(sources: readonly SourceText[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const twice = new Set<string>();
  for (const { file, sections } of sources) {
    for (const { name, exported } of sections) {
      if (!name || !exported) continue;
      if (found.has(name)) twice.add(name);
      found.set(name, `${pageOf(file)}#${name}`);
    }
  }
  for (const name of twice) found.delete(name);
  return found;
}

/** Links from a page to the names of all pages. */
export function linker(names: ReadonlyMap<string, string>, page: string): Link {
  return (name) => {
    const address = names.get(name);
    return address && relative(page, address);
  };
}

/** The address of every name that a page declares. */
export function declaredNames(sources: readonly SourceText[]): ReadonlySet<string> {
  return new Set(
    sources.flatMap(({ file, sections }) =>
      sections.flatMap(({ name }) => (name ? [`${pageOf(file)}#${name}`] : [])),
    ),
  );
}

/** Links in a source file: what it declares itself, what it imports, and, for the words, what one file alone exports. */
function scopeOf(
  { file, sections, imports }: SourceText,
  declared: ReadonlySet<string>,
  names?: ReadonlyMap<string, string>,
): Link {
  const page = pageOf(file);
  const own = new Set(sections.map((s) => s.name));
  return (name) => {
    if (own.has(name)) return `#${name}`;
    const from = imports.get(name);
    const address = from ? `${pageOf(from.file)}#${from.name}` : names?.get(name);
    // A name that is only passed on has no place of its own: the page is as near as one gets.
    return address && relative(page, declared.has(address) ? address : address.replace(/#.*/, ''));
  };
}

const relative = (from: string, to: string) =>
  path.posix.relative(path.posix.dirname(from), to) || path.posix.basename(to);

function frame(page: string, title: string, body: string): string {
  const up = (file: string) => relative(page, file);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title>
<link rel="stylesheet" href="${up('katex/katex.min.css')}"><link rel="stylesheet" href="${up('site.css')}"></head>
<body><nav><a href="${up('index.html')}">scnas, annotated</a> <a href="${up('PAPER.html')}">paper ↔ code</a></nav>
${body}</body></html>
`;
}

/** The page of one source file. */
export function sourcePage(
  source: SourceText,
  names: ReadonlyMap<string, string>,
  declared: ReadonlySet<string>,
): string {
  const { file, opening, sections } = source;
  const [inWords, inCode] = [scopeOf(source, declared, names), scopeOf(source, declared)];
  const head = opening
    ? `<div class="opening">${words(parseComment(opening).text, inWords)}${notes(opening, inWords)}</div>`
    : '';
  const rows = sections.map((section) => row(section, inWords, inCode)).join('\n');
  return frame(
    pageOf(file),
    file,
    `<header><h1>${escapeHtml(file)}</h1>${head}</header>\n<main>${rows}</main>`,
  );
}

function row({ name, comment, code, exported }: Section, inWords: Link, inCode: Link): string {
  const own: Link = (other) => (other === name ? undefined : inCode(other));
  const anchor = name ? ` id="${escapeHtml(name)}"` : '';
  const title = name
    ? `<h2${exported ? '' : ' class="inner"'}><a href="#${escapeHtml(name)}">${escapeHtml(name)}</a></h2>`
    : '';
  const text = comment ? words(parseComment(comment).text, inWords) + notes(comment, inWords) : '';
  return `<section${anchor}><div class="words">${title}${text}</div><pre class="code">${highlighted(code, own)}</pre></section>`;
}

/** Rule, arguments, result, errors, source and departures of a doc comment. */
function notes(comment: string, link: Link): string {
  const { rule, parameters, returns, throws, source, departs } = parseComment(comment);
  const line = (name: string, text: string | undefined, kind = '') =>
    text ? `<dt${kind}>${name}</dt><dd${kind}>${words(text, link, true)}</dd>` : '';
  const list = [
    line('Rule', rule),
    ...parameters.map((p) => line(`<code>${escapeHtml(p.name)}</code>`, p.text)),
    line('gives', returns),
    line('throws', throws),
    line('Source', source),
    line('Departs from the paper', departs, ' class="departs"'),
  ].join('');
  return list ? `<dl>${list}</dl>` : '';
}

/** In the order in which data flow; others follow. */
const FOLDERS = [
  'src/paper',
  'src/networks',
  'src/engine',
  'src/data',
  'src/evaluate',
  'src/run',
  'src/run/commands',
  'src/notebook',
];

/** The list of all files by folder, each with its first sentence. */
export function indexPage(
  sources: readonly SourceText[],
  names: ReadonlyMap<string, string>,
  introduction: string,
): string {
  const link = linker(names, 'index.html');
  const place = (folder: string) => (FOLDERS.indexOf(folder) + FOLDERS.length + 1) % (FOLDERS.length + 1);
  const folders = [...new Set(sources.map(({ file }) => path.posix.dirname(file)))].sort(
    (a, b) => place(a) - place(b),
  );
  const lists = folders.map((folder) => {
    const items = sources
      .filter(({ file }) => path.posix.dirname(file) === folder)
      .map(({ file, opening, sections }) => {
        const first = opening ? parseComment(opening).text.split(/\n\s*\n/)[0] : '';
        const shown = sections
          .filter((s) => s.exported && s.name)
          .map((s) => `<a href="${pageOf(file)}#${s.name}">${s.name}</a>`);
        return `<li><a class="file" href="${pageOf(file)}">${path.posix.basename(file)}</a> ${words(first, link, true)}<div class="names">${shown.join(' ')}</div></li>`;
      });
    return `<h2>${folder}</h2><ul class="files">${items.join('\n')}</ul>`;
  });
  return frame(
    'index.html',
    'scnas, annotated',
    `<article>${words(introduction, link)}${lists.join('\n')}</article>`,
  );
}

/** A Markdown page of the repository; its references to code become links. */
export function markdownPage(
  root: string,
  page: string,
  text: string,
  names: ReadonlyMap<string, string>,
): string {
  const html = words(text, linker(names, page));
  const linkedUp = html.replace(/<code>([^<]+)<\/code>/g, (whole, inner: string) => {
    const [match] = [...`\`${inner}\``.matchAll(REFERENCE)];
    const file = match && resolveReference(root, match[1]);
    if (!file?.startsWith('src/')) return whole;
    return `<a href="${relative(page, pageOf(file))}${match[2] ? `#${match[2]}` : ''}">${whole}</a>`;
  });
  return frame(page, page.replace(/\.html$/, ''), `<article>${linkedUp}</article>`);
}
