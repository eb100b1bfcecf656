import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.join(__dirname, '..', '..');

interface KernelCell {
  readonly code: string;
  /** Seconds after its first words at which the stop button is pressed. */
  readonly interrupt?: number;
  readonly pause?: number;
}

/** What each cell prints in a real kernel. */
function inKernel(cells: readonly KernelCell[]): string[] {
  const python = path.join(root, '.venv', 'bin', 'python');
  const out = execFileSync(python, [path.join(__dirname, 'kernel.py')], {
    cwd: root,
    input: JSON.stringify(cells),
    encoding: 'utf8',
  });
  return JSON.parse(out.trim().split('\n').slice(-1)[0]) as string[];
}

describe('in the kernel', () => {
  it('an interrupted loop stops within a step, keeps what it has, and goes on when it is started again', {
    timeout: 200_000,
  }, () => {
    const steps = `async function* steps() { const s = interruptSignal(); while (box.n < 100 && await breathe(s)) {
      await new Promise((r) => setTimeout(r, 50)); yield ++box.n; } }`;
    const [, , stopped, soon, later, goneOn] = inKernel([
      { code: `import { breathe, interruptSignal, live, watch } from 'scnas';` },
      { code: `const box: { n: number } = { n: 0 };\n${steps}` },
      {
        code: `console.log('begun'); await watch(steps(), live(), (n) => 'step ' + n); console.log('end');`,
        interrupt: 1.5,
      },
      { code: `console.log(box.n);`, pause: 1.5 },
      { code: `console.log(box.n);` },
      { code: `await watch(steps(), live(), (n) => 'step ' + n); console.log('went on to', box.n);` },
    ]);
    expect(stopped).toContain('Interrupted');
    const n = (words: string) => Number(/\d+/.exec(words)?.[0]);
    expect(n(soon)).toBeGreaterThan(0);
    expect(n(soon)).toBeLessThan(100);
    expect(n(later)).toBe(n(soon));
    expect(goneOn).toContain('went on to 100');
  });
});
