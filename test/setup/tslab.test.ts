import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = path.join(__dirname, '..', '..');

/**
 * tslab's own TypeScript with the options of its converter.js, in the notebooks' folder, on a cell that imports `scnas`.
 * The converter itself keeps quiet about errors outside the cell, which then show up as `any` in it, so the program is made here.
 */
const SCRIPT = `
  const ts = require('@tslab/typescript-for-tslab');
  const path = require('node:path');
  const cells = process.argv.slice(1).map((text, i) => [path.join(process.cwd(), '__tslab' + i + '__.ts'), text]);
  const options = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Node10,
    esModuleInterop: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    declaration: true,
    noImplicitUseStrict: true,
    experimentalDecorators: true,
    resolveJsonModule: true,
    jsx: ts.JsxEmit.React,
    allowJs: true,
    checkJs: true,
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const inner = { getSourceFile: host.getSourceFile, fileExists: host.fileExists };
  const cellOf = (name) => cells.find(([file]) => file === name);
  host.fileExists = (name) => Boolean(cellOf(name)) || inner.fileExists(name);
  host.getSourceFile = (name, version) =>
    cellOf(name) ? ts.createSourceFile(name, cellOf(name)[1], version) : inner.getSourceFile(name, version);
  const program = ts.createProgram(cells.map(([file]) => file), options, host);
  const ours = program.getSourceFiles().filter(({ fileName }) => !fileName.includes('/node_modules/'));
  const found = ours
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map((d) => path.basename(d.file.fileName) + ': ' + ts.flattenDiagnosticMessageText(d.messageText, ' '));
  const files = ours.map(({ fileName }) => path.relative(path.dirname(process.cwd()), fileName));
  process.stdout.write(JSON.stringify({ ts: ts.version, files, found }));
`;

async function check(cells: readonly string[]): Promise<{ ts: string; files: string[]; found: string[] }> {
  const cwd = path.join(ROOT, 'notebooks');
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', SCRIPT, ...cells], { cwd });
  return JSON.parse(stdout);
}

it("src is free of errors for tslab's compiler and options; a cell that uses it wrongly is told so", async () => {
  const { ts, files, found } = await check([
    "import * as scnas from 'scnas';\nexport const names: string[] = Object.keys(scnas);",
    "import { noSuchName } from 'scnas';\nnoSuchName();",
  ]);
  expect(ts).toMatch(/^5\.0\./);
  expect(files).toContain('src/index.ts');
  expect(files).toContain('src/engine/kernels.ts');
  expect(found).toEqual(["__tslab1__.ts: Module '\"scnas\"' has no exported member 'noSuchName'."]);
});
