/**
 * Doc comments in parts: description, rule, parameters, source, departures.
 *
 * The convention: first a sentence; then a formula (`$…$`, `$$…$$`) or a line `Rule: …`; `@param name symbol, shape or unit` for each parameter;
 * a line `Source: …` (Eq. (4), Algorithm 1, §2.1, reading: …, or kin); `Departs from the paper: …` where it does. Tags run on over indented lines.
 */

export interface Tag {
  readonly name: string;
  readonly text: string;
}

export interface Doc {
  /** Paragraphs before the first tag, as Markdown with formulas. */
  readonly text: string;
  readonly rule?: string;
  readonly parameters: readonly Tag[];
  readonly returns?: string;
  readonly throws?: string;
  readonly source?: string;
  readonly departs?: string;
}

/** What a line begins, if it begins a part of its own. */
const MARKS: readonly (readonly [RegExp, Kind])[] = [
  [/^Rule:\s*/, 'rule'],
  [/^Source:\s*/, 'source'],
  [/^Departs from the paper:\s*/, 'departs'],
  [/^@param\s+/, 'param'],
  [/^@returns?\s+/, 'returns'],
  [/^@throws\s+/, 'throws'],
];

type Kind = 'text' | 'rule' | 'source' | 'departs' | 'param' | 'returns' | 'throws';

/** The words of a comment, without its stars. */
export function commentText(comment: string): string {
  return comment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim();
}

/** Takes a doc comment apart. */
export function parseComment(comment: string): Doc {
  const parts: { kind: Kind; lines: string[] }[] = [{ kind: 'text', lines: [] }];
  for (const line of commentText(comment).split('\n')) {
    const mark = MARKS.find(([pattern]) => pattern.test(line));
    const last = parts[parts.length - 1];
    if (mark) parts.push({ kind: mark[1], lines: [line.replace(mark[0], '')] });
    else if (line === '' && last.kind !== 'text') parts.push({ kind: 'text', lines: [] });
    else last.lines.push(line);
  }
  const of = (kind: Kind) => parts.filter((p) => p.kind === kind);
  const joined = (kind: Kind) => {
    const found = of(kind).map((p) => p.lines.join(' ').trim());
    return found.length > 0 ? found.join(' ') : undefined;
  };
  return {
    text: of('text')
      .map((p) => p.lines.join('\n').trim())
      .filter(Boolean)
      .join('\n\n'),
    rule: joined('rule'),
    parameters: of('param').map((p) => {
      const [name, ...words] = p.lines.join(' ').trim().split(/\s+/);
      return { name, text: words.join(' ').replace(/^[-–—]\s*/, '') };
    }),
    returns: joined('returns'),
    throws: joined('throws'),
    source: joined('source'),
    departs: joined('departs'),
  };
}
