import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const ROOT = path.join(__dirname, '..', '..');
const CONVERTER = path.join(ROOT, 'node_modules', 'tslab', 'dist', 'converter.js');

/** tslab's own converter, in the notebooks' folder, as its kernel makes it: it type-checks a cell and every source file that it reaches. */
const SCRIPT = `
  const [file, ...cells] = process.argv.slice(1);
  const { createConverter } = require(file);
  const converter = createConverter({ isJS: false, isBrowser: false });
  const line = (d) => [d.fileName ?? 'cell', d.start?.line + 1, d.messageText].join(': ');
  const found = cells.map((cell) => converter.convert('', cell).diagnostics.map(line));
  converter.close();
  process.stdout.write(JSON.stringify(found));
`;

async function diagnosticsOf(cells: readonly string[]): Promise<readonly (readonly string[])[]> {
  const options = { cwd: path.join(ROOT, 'notebooks') };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-e', SCRIPT, CONVERTER, ...cells],
    options,
  );
  return JSON.parse(stdout);
}

it("src is free of errors for tslab's compiler and options; a cell that uses it wrongly is told so", async () => {
  const [right, wrong] = await diagnosticsOf([
    "import * as scnas from 'scnas';\nconst names: string[] = Object.keys(scnas);",
    "import { noSuchName } from 'scnas';\nnoSuchName();",
  ]);
  expect(right).toEqual([]);
  expect(wrong.join('\n')).toMatch(/noSuchName/);
});
