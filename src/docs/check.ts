/** What the documentation promises, checked: each exported function of a folder tells its rule, its arguments and its source. */
import fs from 'node:fs';
import path from 'node:path';
import katex from 'katex';
import { type Doc, parseComment } from './comments';
import { type Parameter, parseSource, type Section, sourceFiles } from './parse';

/** `$$…$$` or `$…$`, outside of code spans. */
const FORMULA = /\$\$([\s\S]+?)\$\$|\$(?=\S)([^$\n]+?)\$/g;

/** What may stand in a `Source:` line. */
const SOURCE =
  /Eq\. ?\(\d|Algorithm 1|§ ?\d|Fig\. ?\d|Table \d|footnote \d|reading|DARTS|GDAS|SNAS|ProxylessNAS|nnU-Net|U-ResNet|U-Net|\b[A-Z][\p{L}-]+.*\b(19|20)\d\d\b/u;

/** Types that have a shape; functions, records and objects are told in words. */
const SHAPED = /^(?!.*(=>|Record<|\{)).*(Tensor|Array|\[\]|Shape3|\bAlpha\b|\bSample\b|BatchTensors)/s;

/** The formulas of a text, in order. */
export function formulas(text: string): { tex: string; display: boolean }[] {
  const plain = text.replace(/`[^`]*`/g, '');
  return [...plain.matchAll(FORMULA)].map((m) => ({ tex: m[1] ?? m[2], display: m[1] !== undefined }));
}

/** What is missing in the doc comment of an exported function; empty where all is there. */
export function missing(section: Section): string[] {
  if (!section.comment) return ['a doc comment'];
  const doc = parseComment(section.comment);
  return [
    ...(/[.:]$/.test(doc.text.split(/\n\s*\n|\n(?=\$\$)/)[0].trim())
      ? []
      : ['a first sentence that ends with a full stop']),
    ...(doc.rule || formulas(doc.text).length > 0 ? [] : ['a formula ($…$) or a line "Rule: …"']),
    ...badFormulas(section.comment),
    ...missingParameters(section.parameters ?? [], doc),
    ...(doc.source ? [] : ['a line "Source: …"']),
    ...(doc.source && !SOURCE.test(doc.source)
      ? [`a known source (Eq. (4), Algorithm 1, §2.1, reading: …, kin with a year), found "${doc.source}"`]
      : []),
  ];
}

function badFormulas(comment: string): string[] {
  return formulas(comment.replace(/^\s*\* ?/gm, '')).flatMap(({ tex }) => {
    try {
      katex.renderToString(tex, { throwOnError: true, strict: 'ignore' });
      return [];
    } catch (error) {
      return [`a formula that KaTeX can read: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
}

function missingParameters(parameters: readonly Parameter[], { parameters: tags }: Doc): string[] {
  const names = parameters.map((p) => p.name);
  const free = tags.filter((tag) => !names.includes(tag.name));
  const unnamed = parameters.filter((p) => p.name === undefined);
  const surplus = free
    .slice(unnamed.length)
    .map((tag) => `no @param ${tag.name}: there is no such parameter`);
  const lacking = parameters.flatMap((p) => {
    const tag = p.name === undefined ? free[unnamed.indexOf(p)] : tags.find((t) => t.name === p.name);
    if (!tag?.text) return [`@param ${p.name ?? '(of the object)'}`];
    if (SHAPED.test(p.type) && !tag.text.includes('['))
      return [`the shape or unit of ${tag.name} (${p.type}), as in [edges, operations]`];
    return [];
  });
  return [...lacking, ...surplus];
}

/** A line for each exported function below a folder that lacks something: `file:function lacks …`. */
export function undocumented(root: string, folder: string): string[] {
  return sourceFiles(root, folder).flatMap((file) =>
    parseSource(root, file)
      .sections.filter((section) => section.exported && section.parameters)
      .flatMap((section) => missing(section).map((what) => `${file}:${section.name} lacks ${what}`)),
  );
}

/** A mention of code in a Markdown page: `src/paper/gumbel.ts:relax`, `paper/gumbel.ts`, `test/x.test.ts`. */
export const REFERENCE = /`((?:src\/)?[\w-]+\/[\w./-]+\.ts)(?::(\w+))?`/g;

/** References of a page to files or names that are not there. */
export function brokenReferences(root: string, page: string): string[] {
  const text = fs.readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(REFERENCE)].flatMap(([, file, name]) => {
    const found = resolveReference(root, file);
    if (!found) return [`${page}: no file ${file}`];
    if (!name || parseSource(root, found).sections.some((s) => s.name === name)) return [];
    return [`${page}: nothing named ${name} in ${file}`];
  });
}

/** The file that a reference means: as written, or below src. */
export function resolveReference(root: string, file: string): string | undefined {
  return [file, `src/${file}`].find((candidate) => fs.existsSync(path.join(root, candidate)));
}
