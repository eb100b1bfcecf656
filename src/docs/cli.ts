/** `npm run docs`: renders src as a site in docs/, formula beside code; the folder stands alone and opens from disk. */
import fs from 'node:fs';
import path from 'node:path';
import { undocumented } from './check';
import { parseSource, sourceFiles } from './parse';
import { declaredNames, exportedNames, indexPage, markdownPage, pageOf, sourcePage } from './site';
import { css } from './style';

const INTRODUCTION = `# The source, annotated

Each page is a file of \`src\`: what it says on the left, with its formulas, and the code on the right. Read \`src/paper\` first: operations, cell,
layout, network, gumbel, anneal, bilevel, derive, retrain.`;

/** Writes the site to a folder and returns the names of its pages. */
export function writeSite(root: string, out: string): string[] {
  const sources = sourceFiles(root).map((file) => parseSource(root, file));
  const names = exportedNames(sources);
  const declared = declaredNames(sources);
  const pages = new Map(sources.map((source) => [pageOf(source.file), sourcePage(source, names, declared)]));
  pages.set('index.html', indexPage(sources, names, INTRODUCTION));
  const paper = path.join(root, 'PAPER.md');
  const text = fs.existsSync(paper) ? fs.readFileSync(paper, 'utf8') : '';
  pages.set('PAPER.html', markdownPage(root, 'PAPER.html', text, names));
  const fresh = `${out}.partial-${process.pid}`;
  fs.rmSync(fresh, { recursive: true, force: true });
  for (const [page, html] of pages) {
    fs.mkdirSync(path.dirname(path.join(fresh, page)), { recursive: true });
    fs.writeFileSync(path.join(fresh, page), html);
  }
  fs.writeFileSync(path.join(fresh, 'site.css'), css);
  copyKatex(path.join(fresh, 'katex'));
  fs.rmSync(out, { recursive: true, force: true });
  fs.renameSync(fresh, out);
  return [...pages.keys()];
}

/** The style sheet and the fonts in the one format that every browser reads. */
function copyKatex(to: string): void {
  const from = path.join(path.dirname(require.resolve('katex')));
  fs.mkdirSync(path.join(to, 'fonts'), { recursive: true });
  fs.copyFileSync(path.join(from, 'katex.min.css'), path.join(to, 'katex.min.css'));
  for (const font of fs.readdirSync(path.join(from, 'fonts')).filter((name) => name.endsWith('.woff2'))) {
    fs.copyFileSync(path.join(from, 'fonts', font), path.join(to, 'fonts', font));
  }
}

if (require.main === module) {
  const root = path.join(__dirname, '..', '..');
  const pages = writeSite(root, path.join(root, 'docs'));
  for (const line of undocumented(root, 'src/paper')) console.log(line);
  console.log(`docs/index.html: ${pages.length} pages`);
}
