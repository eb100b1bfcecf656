import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Machine, machine } from './machine';

let m: Machine;
beforeEach(() => {
  m = machine();
});
afterEach(() => m.remove());

/** setup/ is plain JavaScript without declarations. */
async function nodeCheck(): Promise<(version: string) => void> {
  const file = path.join(__dirname, '..', '..', 'setup', 'needs.mjs');
  return (await import(/* @vite-ignore */ file)).checkNode;
}

const python = (version: string, complete: boolean) =>
  `#!/bin/sh\necho '["/x/python3", [${version}], ${complete}]'\n`;

describe('what the machine lacks', () => {
  it.each([
    [
      'no Python',
      'python3',
      undefined,
      /Python 3\.10 to 3\.13 was not found\. Debian: apt install python3 python3-venv; macOS: brew/,
    ],
    ['an old Python', 'python3', python('3, 9, 2', true), /was not found \(python3 is 3\.9\.2\)/],
    ['a Python too new', 'python3', python('3, 14, 0', true), /was not found \(python3 is 3\.14\.0\)/],
    [
      'Python without venv',
      'python3',
      python('3, 12, 1', false),
      /ensurepip module is not\. Debian: apt install python3-venv \(or python3\.12-venv\)/,
    ],
    [
      'no compiler',
      'c++',
      undefined,
      /no C\+\+ compiler was found.*Debian: apt install g\+\+; macOS: xcode-select --install/,
    ],
    [
      'a compiler without its library',
      'c++',
      '#!/bin/sh\necho "probe.cc:1:10: fatal error: vector: No such file or directory" >&2\nexit 1\n',
      /cannot build C\+\+17 with the standard library \(probe\.cc:1:10: fatal error: vector.*apt install g\+\+/,
    ],
  ])(
    '%s: one message with the package that brings it, exit code 1, nothing begun',
    async (_, name, script, message) => {
      m.tool(name, script);
      const { code, text } = await m.setUp();
      expect(code).toBe(1);
      expect(text).toMatch(message);
      expect(text).not.toMatch(/at .*\.mjs:\d+/);
      expect(m.calls()).toEqual([]);
      expect(m.exists('node_modules')).toBe(false);
    },
  );

  it('all that is missing is named at once', async () => {
    m.tool('python3', undefined);
    m.tool('c++', undefined);
    const { code, text } = await m.setUp();
    expect(code).toBe(1);
    expect(text).toMatch(/^Set-up cannot begin:\n- Python .*\n- no C\+\+/m);
  });

  it('what is removed after a good set-up is missed', async () => {
    expect(await m.setUp()).toMatchObject({ code: 0 });
    m.tool('c++', undefined);
    expect(await m.setUp()).toMatchObject({ code: 1 });
  });

  it.each(['18.20.4', '20.18.3', '21.7.0', '22.11.0', '23.1.0'])('Node %s is refused', async (version) => {
    const checkNode = await nodeCheck();
    expect(() => checkNode(version)).toThrow(
      `Node ${version} does not do: scnas needs Node 20.19+, 22.12+ or 24+.`,
    );
  });

  it.each(['20.19.0', '22.12.0', '24.0.0', '26.1.0'])('Node %s will do', async (version) => {
    const checkNode = await nodeCheck();
    expect(() => checkNode(version)).not.toThrow();
  });
});

describe('a step that fails', () => {
  it.each([
    [
      'npm',
      'npm error code ENOTFOUND',
      /npm packages failed \(exit code 1\).*npm error code ENOTFOUND.*registry was not reached.*Offline and proxy/s,
    ],
    ['npm', 'npm error code SELF_SIGNED_CERT_IN_CHAIN', /certificate was refused.*NODE_EXTRA_CA_CERTS/s],
    [
      'pip',
      'ERROR: No matching distribution found for tensorflow-cpu==2.21.0',
      /Python packages failed.*no wheel for this Python/s,
    ],
    ['pip', 'OSError: [Errno 28] No space left on device', /The disk is full/],
    [
      'compile',
      'tfjs_backend.cc:3: error: what',
      /TensorFlow binding failed.*error: what.*finished steps are kept/s,
    ],
  ])(
    '%s: "%s" is shown with a next step; the next run goes on from there',
    async (stage, output, message) => {
      m.stage(stage, { fail: output });
      const { code, text } = await m.setUp();
      expect(code).toBe(1);
      expect(text).toMatch(message);
      const before = m.calls();
      m.stage(stage, undefined);
      expect(await m.setUp()).toMatchObject({ code: 0 });
      const begun =
        before[0] === 'npm' && before.length === 1 ? 'npm' : stage === 'compile' ? 'compile' : 'venv';
      expect(m.calls()[0]).toBe(begun);
    },
  );
});
