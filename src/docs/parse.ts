/** A source file as sections: each top-level statement with the comment above it, read by TypeScript's own parser. */
import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** A parameter as it is written. */
export interface Parameter {
  /** Its name; undefined where it is taken apart at once, as in `({a, b})`. */
  readonly name?: string;
  readonly type: string;
}

/** A statement, or a run of imports. */
export interface Section {
  /** Name of what it declares. */
  readonly name?: string;
  readonly exported: boolean;
  /** The doc comment above, with its stars. */
  readonly comment?: string;
  readonly code: string;
  readonly line: number;
  /** Set for functions, also for those kept in a constant. */
  readonly parameters?: readonly Parameter[];
}

export interface SourceText {
  /** From the repository's root, with forward slashes. */
  readonly file: string;
  /** The comment that opens the file. */
  readonly opening?: string;
  readonly sections: readonly Section[];
  /** Names that it imports from files of the repository, with the file and the name there. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
}

/** Reads a file of TypeScript. */
export function parseSource(root: string, file: string): SourceText {
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  let opening: string | undefined;
  const sections = tree.statements.map((statement, i): Section & { plain: boolean } => {
    const comments = (ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? []).map((range) => ({
      ...range,
      text: text.slice(range.pos, range.end),
    }));
    const docs = comments.filter((c) => c.text.startsWith('/**'));
    if (i === 0 && docs.length > 0 && opensFile(docs, text, statement)) opening = docs[0].text;
    const own = docs.filter((c) => c.text !== opening).pop();
    const from = own ? own.end : (comments[0]?.pos ?? statement.getStart());
    const start = opening && !own ? Math.max(from, statement.getStart()) : from;
    const name = nameOf(statement);
    return {
      name,
      exported: isExported(statement),
      comment: own?.text,
      code: text.slice(start, statement.getEnd()).trim(),
      line: tree.getLineAndCharacterOfPosition(statement.getStart()).line + 1,
      parameters: parametersOf(statement),
      plain:
        own === undefined &&
        (ts.isImportDeclaration(statement) || (ts.isExportDeclaration(statement) && !name)),
    };
  });
  return { file, opening, sections: joinPlain(sections), imports: importsOf(root, file, tree) };
}

function importsOf(root: string, file: string, tree: ts.SourceFile): SourceText['imports'] {
  const found = new Map<string, { file: string; name: string }>();
  for (const statement of tree.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const bindings = statement.importClause?.namedBindings;
    const from = path.posix.join(path.posix.dirname(file), statement.moduleSpecifier.text);
    const target = [`${from}.ts`, `${from}/index.ts`].find((name) => fs.existsSync(path.join(root, name)));
    if (!target || !bindings || !ts.isNamedImports(bindings)) continue;
    for (const { name, propertyName } of bindings.elements) {
      found.set(name.text, { file: target, name: (propertyName ?? name).text });
    }
  }
  return found;
}

/** The first doc comment is the file's where an import or a blank line follows it, or another doc comment. */
function opensFile(docs: readonly { end: number }[], text: string, statement: ts.Statement): boolean {
  return (
    docs.length > 1 ||
    ts.isImportDeclaration(statement) ||
    /^\s*\n\s*\n/.test(text.slice(docs[0].end, statement.getStart()))
  );
}

/** Imports and re-exports that stand together become one section. */
function joinPlain(sections: readonly (Section & { plain: boolean })[]): Section[] {
  const out: (Section & { plain: boolean })[] = [];
  for (const section of sections) {
    const last = out[out.length - 1];
    if (section.plain && last?.plain)
      out[out.length - 1] = { ...last, code: `${last.code}\n${section.code}` };
    else out.push(section);
  }
  return out.map(({ plain: _plain, ...section }) => section);
}

function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some((m) => m.kind === ts.SyntaxKind.ExportKeyword)
  );
}

function nameOf(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) {
    const { name } = statement.declarationList.declarations[0];
    return ts.isIdentifier(name) ? name.text : undefined;
  }
  const { name } = statement as ts.Statement & { name?: ts.Node };
  return name && ts.isIdentifier(name) ? name.text : undefined;
}

function parametersOf(statement: ts.Statement): Parameter[] | undefined {
  const node = functionOf(statement);
  return node?.parameters.map((p) => ({
    name: ts.isIdentifier(p.name) ? p.name.text : undefined,
    type: p.type?.getText() ?? p.initializer?.getText() ?? '',
  }));
}

function functionOf(statement: ts.Statement): ts.SignatureDeclaration | undefined {
  if (ts.isFunctionDeclaration(statement)) return statement;
  if (!ts.isVariableStatement(statement)) return undefined;
  const value = statement.declarationList.declarations[0].initializer;
  return value && (ts.isArrowFunction(value) || ts.isFunctionExpression(value)) ? value : undefined;
}

/** Every TypeScript file below a folder, sorted, from the repository's root. */
export function sourceFiles(root: string, folder = 'src'): string[] {
  return fs
    .readdirSync(path.join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const file = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return sourceFiles(root, file);
      return entry.name.endsWith('.ts') ? [file] : [];
    })
    .sort();
}
