/** Words and code as HTML: Markdown with formulas set by KaTeX, TypeScript with colours and links. */
import katex from 'katex';
import MarkdownIt from 'markdown-it';
import ts from 'typescript';

const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });

/** Finds where a name is declared: the address of its place in the site. */
export type Link = (name: string) => string | undefined;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);
}

/**
 * Markdown with `$…$` and `$$…$$` formulas and `{@link name}`.
 *
 * @throws an error of KaTeX for a formula that it cannot read
 */
export function words(text: string, link: Link, inline = false): string {
  const kept: string[] = [];
  const keep = (html: string) => `\ue000${kept.push(html) - 1}\ue000`;
  const math = (tex: string, displayMode: boolean) =>
    keep(
      katex.renderToString(tex, {
        displayMode,
        throwOnError: true,
        strict: 'ignore',
        output: 'htmlAndMathml',
      }),
    );
  const marked = text
    .split(/(`[^`]*`)/)
    .map((piece) =>
      piece.startsWith('`')
        ? piece
        : piece
            .replace(/\{@link\s+([\w.]+)\s*\}/g, (_, name: string) => keep(linked(name, link)))
            .replace(/\$\$([\s\S]+?)\$\$/g, (_, tex: string) => `\n\n${math(tex, true)}\n\n`)
            .replace(/\$(?=\S)([^$\n]+?)\$/g, (_, tex: string) => math(tex, false)),
    )
    .join('');
  const html = inline ? markdown.renderInline(marked) : markdown.render(marked);
  return html.replace(/\ue000(\d+)\ue000/g, (_, i: string) => kept[Number(i)]);
}

function linked(name: string, link: Link): string {
  const address = link(name.split('.')[0]);
  const code = `<code>${escapeHtml(name)}</code>`;
  return address ? `<a href="${address}">${code}</a>` : code;
}

/** TypeScript with classes for its colours; names that the site knows are links. */
export function highlighted(code: string, link: Link): string {
  const scanner = ts.createScanner(ts.ScriptTarget.ES2022, false, ts.LanguageVariant.Standard, code);
  const out: string[] = [];
  /** Braces open within each template that is being read: its text goes on at the last closing one. */
  const templates: number[] = [];
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan()) {
    if (token === ts.SyntaxKind.TemplateHead) templates.push(0);
    if (token === ts.SyntaxKind.OpenBraceToken && templates.length > 0) templates[templates.length - 1]++;
    if (token === ts.SyntaxKind.CloseBraceToken && templates.length > 0) {
      if (templates[templates.length - 1] === 0) {
        token = scanner.reScanTemplateToken(false);
        if (token === ts.SyntaxKind.TemplateTail) templates.pop();
      } else templates[templates.length - 1]--;
    }
    if (token === ts.SyntaxKind.SlashToken && regexMayFollow(out)) token = scanner.reScanSlashToken();
    // A name behind a dot, or before a colon, is a property.
    const isName = token === ts.SyntaxKind.Identifier || token >= ts.SyntaxKind.AbstractKeyword;
    const property =
      isName && (out[out.length - 1] === '.' || /^\s*\??:(?!:)/.test(code.slice(scanner.getTokenEnd())));
    if (property) out.push(escapeHtml(scanner.getTokenText()));
    else out.push(piece(token, scanner.getTokenText(), link));
  }
  return out.join('');
}

/** A slash begins a regular expression where a value cannot have just ended. */
function regexMayFollow(out: readonly string[]): boolean {
  const before = out
    .join('')
    .replace(/<[^>]*>/g, '')
    .trimEnd();
  return before === '' || /[(,=:[!&|?{};>]$|\breturn$/.test(before.replace(/&gt;$/, '>'));
}

function piece(token: ts.SyntaxKind, text: string, link: Link): string {
  const safe = escapeHtml(text);
  const kind = ts.SyntaxKind;
  if (token === kind.SingleLineCommentTrivia || token === kind.MultiLineCommentTrivia)
    return `<i>${safe}</i>`;
  if (token >= kind.FirstKeyword && token <= kind.LastKeyword) return `<b>${safe}</b>`;
  const isText = token === kind.StringLiteral || token === kind.RegularExpressionLiteral;
  if (isText || (token >= kind.FirstTemplateToken && token <= kind.LastTemplateToken))
    return `<s>${safe}</s>`;
  if (token === kind.NumericLiteral) return `<u>${safe}</u>`;
  const address = token === kind.Identifier ? link(text) : undefined;
  return address ? `<a href="${address}">${safe}</a>` : safe;
}
