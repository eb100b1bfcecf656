import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { brokenReferences, formulas, missing, undocumented } from '../../src/docs/check';
import { writeSite } from '../../src/docs/cli';
import { parseComment } from '../../src/docs/comments';
import { parseSource } from '../../src/docs/parse';
import { highlighted, words } from '../../src/docs/render';

const root = path.join(__dirname, '..', '..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-docs-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('the paper in code', () => {
  it('each exported function tells its formula or rule, its arguments with their shapes, and its source', () => {
    expect(undocumented(root, 'src/paper')).toEqual([]);
  });

  it.skipIf(!fs.existsSync(path.join(root, 'PAPER.md')))(
    'PAPER.md names only files and functions that are there',
    () => {
      expect(brokenReferences(root, 'PAPER.md')).toEqual([]);
    },
  );
});

/** A source file with one function under a comment. */
function withComment(
  lines: readonly string[],
  signature = 'relax(alpha: readonly number[], tau: number): number[]',
) {
  const comment = ['/**', ...lines.map((line) => ` * ${line}`), ' */'].join('\n');
  fs.writeFileSync(
    path.join(folder, 'one.ts'),
    `/** The file. */\nimport './x';\n\n${comment}\nexport function ${signature} {\n  return [];\n}\n`,
  );
  return parseSource(folder, 'one.ts').sections[1];
}

describe('what a comment must tell', () => {
  const whole = [
    'Relaxes.',
    '',
    '$$\\bar Z = \\alpha / \\tau$$',
    '@param alpha α, [operations]',
    '@param tau τ, > 0',
    'Source: Eq. (4)',
  ];
  const without = (start: string) => whole.filter((line) => !line.startsWith(start));

  it('a whole one lacks nothing', () => expect(missing(withComment(whole))).toEqual([]));

  it.each([
    ['no sentence', without('Relaxes'), /first sentence/],
    ['no formula', without('$$'), /a formula/],
    ['a formula that KaTeX cannot read', ['Relaxes.', '$\\frac{$', ...whole.slice(3)], /KaTeX/],
    ['no argument', without('@param tau'), /@param tau/],
    ['an argument too many', [...whole, '@param epsilon ε'], /no @param epsilon/],
    ['no shape', whole.map((line) => line.replace(', [operations]', '')), /the shape or unit of alpha/],
    ['no source', without('Source'), /"Source/],
    ['a source that is none', [...without('Source'), 'Source: a friend'], /a known source/],
  ])('%s is found', (_, lines, expected) => {
    expect(missing(withComment(lines)).join('\n')).toMatch(expected);
  });

  it('a rule stands for a formula, any name for an object taken apart', () => {
    const lines = ['Counts.', 'Rule: one by one.', '@param options how', 'Source: §2.1'];
    expect(missing(withComment(lines, 'count({ a }: { a: number }): number[]'))).toEqual([]);
  });

  it('parts run on over lines', () => {
    const doc = parseComment(
      '/**\n * Sum.\n *\n * @param a first,\n *   in mm\n * Source: §1\n *\n * More.\n * Departs from the paper: it\n * does.\n */',
    );
    expect(doc).toMatchObject({
      parameters: [{ name: 'a', text: 'first, in mm' }],
      source: '§1',
      departs: 'it does.',
    });
    expect(doc.text).toBe('Sum.\n\nMore.');
  });

  it('formulas in code spans are none', () =>
    expect(formulas('`$x$` and $y$').map((f) => f.tex)).toEqual(['y']));
});

describe('pages', () => {
  it('words: formulas are set, code is not, links lead', () => {
    const html = words('A $\\tau$, `$x` and {@link relax}.', (name) =>
      name === 'relax' ? 'gumbel.html#relax' : undefined,
    );
    expect(html).toContain('class="katex"');
    expect(html).toContain('<code>$x</code>');
    expect(html).toContain('<a href="gumbel.html#relax"><code>relax</code></a>');
  });

  it('code keeps every character, templates and expressions within them included', () => {
    const code = [
      'const a = `x ${',
      'f({ b: 1 })} y`; // <end>\nconst r = /[<"]/.test(s) ? 1 / 2 : g.f;',
    ].join('');
    const html = highlighted(code, (name) => (name === 'f' ? '#f' : undefined));
    const back = html
      .replace(/<[^>]+>/g, '')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&quot;/g, '"')
      .replace(/&amp;/g, '&');
    expect(back).toBe(code);
    expect(html.match(/href="#f"/g)).toHaveLength(1); // g.f is another
    expect(html).toContain('<s>/[&lt;&quot;]/</s>');
  });

  it('the site stands alone: every link and file within it is there, no formula is left unset', () => {
    const out = path.join(folder, 'site');
    const pages = writeSite(root, out);
    expect(pages).toContain('src/paper/gumbel.html');
    const ids = new Map(
      pages.map((page) => [page, new Set([...read(out, page).matchAll(/ id="([^"]+)"/g)].map((m) => m[1]))]),
    );
    const broken = pages.flatMap((page) =>
      [...read(out, page).matchAll(/(?:href|src)="([^"]+)"/g)]
        .map((m) => m[1])
        .filter((address) => !/^https?:/.test(address) && !leads(out, page, address, ids))
        .map((address) => `${page}: ${address}`),
    );
    expect(broken).toEqual([]);
    for (const page of pages)
      expect(
        read(out, page).replace(
          /<pre[\s\S]*?<\/pre>|<code>.*?<\/code>|<annotation[\s\S]*?<\/annotation>/g,
          '',
        ),
      ).not.toMatch(/\$\$|class="katex-error"/);
    expect(read(out, 'src/paper/gumbel.html')).toContain('Departs from the paper');
  });
});

const read = (out: string, page: string) => fs.readFileSync(path.join(out, page), 'utf8');

function leads(
  out: string,
  page: string,
  address: string,
  ids: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  const [file, anchor] = address.split('#');
  const target = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
  if (!fs.existsSync(path.join(out, target))) return false;
  return anchor === undefined || ids.get(target)?.has(anchor) === true;
}
