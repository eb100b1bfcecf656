/** How Node loads the TypeScript: in processes of their own, since vitest has a loader of its own. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = path.join(__dirname, '..', '..');
const register = path.join(root, 'src', 'register.js');
/** Always the same, as what is kept goes by the file's place. */
const folder = path.join(root, 'build', 'register-test');
fs.mkdirSync(folder, { recursive: true });
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Runs a file of this text under the loader; `typescript` tells whether the compiler was needed. */
function run(text: string) {
  const file = path.join(folder, 'file.ts');
  fs.writeFileSync(file, text);
  const program = `
    require(${JSON.stringify(register)});
    let out;
    try { out = require(${JSON.stringify(file)}).out; } catch (error) { out = error.stack; }
    const typescript = Object.keys(require.cache).some((f) => f.endsWith('lib/typescript.js'));
    console.log(JSON.stringify({ out, typescript }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  if (!stdout) throw new Error(stderr);
  return { file, ...(JSON.parse(stdout) as { out: string; typescript: boolean }) };
}

describe('src/register.js', () => {
  it('compiles a file once, and again when it has changed', () => {
    const text = (n: number) =>
      `enum Kind { A = ${n} }\nexport const out: string = \`\${Kind.A as number}\`;\n`;
    run(text(0));
    expect(run(text(1))).toMatchObject({ out: '1', typescript: true });
    expect(run(text(1))).toMatchObject({ out: '1', typescript: false });
    expect(run(text(2))).toMatchObject({ out: '2', typescript: true });
    expect(run(text(1))).toMatchObject({ out: '1', typescript: true });
  });

  it('leads stack traces to the TypeScript, compiled now or before', () => {
    const text = `
interface Unused {
  readonly a: number;
}
export const f = (x: Unused) => {
  throw new RangeError(String(x.a));
};
f({ a: 7 });`;
    for (const typescript of [true, false]) {
      const result = run(text);
      expect(result.typescript).toBe(typescript);
      const [message, thrower, caller] = result.out.split('\n');
      expect(message).toBe('RangeError: 7');
      expect(thrower).toContain(`${result.file}:6:9`);
      expect(caller).toContain(`${result.file}:8:`);
    }
  });

  it('says where a file cannot be compiled', () => {
    expect(run('export const out = ;').out).toMatch(/file\.ts\(1,20\): error TS1109: Expression expected/);
  });
});
