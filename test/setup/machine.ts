/** A folder with a copy of setup/ and a machine of its own: Node is real; Python, npm and the compiler are scripts that note each call. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
const QUIET = path.join(ROOT, 'node_modules', '@tensorflow', 'tfjs-node-gpu', 'lib', 'napi-v8', 'quiet.node');

/** What each script begins with: note the call, then hang or fail where the file of that name says so. */
const HEAD = `#!/bin/sh
PATH=/usr/bin:/bin
here=MACHINE
echo "$(basename "$0") $*" >> "$here/calls"
behave() {
  if [ -e "$here/hang-$1" ]; then echo $$ > "$here/hanging"; sleep 2; fi
  if [ -e "$here/fail-$1" ]; then cat "$here/fail-$1"; exit 1; fi
}
`;

const SCRIPTS: Readonly<Record<string, string>> = {
  python3: `case "$1 $2" in
  "-c "*) echo "[\\"$0\\", [3, 11, 2], true]" ;;
  "-m venv") mkdir -p "$3/bin" "$3/lib/python3.11/site-packages"; behave venv; cp "$0" "$3/bin/python"; echo home > "$3/pyvenv.cfg" ;;
  "-m pip") venv=$(dirname "$(dirname "$0")"); tf="$venv/lib/python3.11/site-packages/tensorflow"
    mkdir -p "$tf/include/tensorflow/c"; behave pip; touch "$tf/include/tensorflow/c/c_api.h"
    touch "$venv/bin/jupyter-lab" "$venv/bin/jupyter-nbconvert" ;;
esac
`,
  npm: `rm -rf node_modules; mkdir -p node_modules/.bin node_modules/one node_modules/@tensorflow/tfjs-node-gpu/binding
behave npm
echo '{}' > node_modules/one/package.json
echo '{ "packages": { "node_modules/one": {} } }' > node_modules/.package-lock.json
`,
  'c++': `if [ "$1" = --version ]; then echo "c++ (fake) 1.0"; exit 0; fi
for word in "$@"; do case "$word" in *quiet.cc) behave compile ;; esac; last=$word; done
cp "QUIET" "$last"
`,
};

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^npm ci --ignore-scripts/, 'npm'],
  [/-m venv/, 'venv'],
  [/-m pip install/, 'pip'],
  [/^c\+\+.*quiet\.cc/, 'compile'],
];

export interface Outcome {
  readonly code: number | null;
  readonly text: string;
}

export interface Machine {
  readonly folder: string;
  /** Puts a tool of one's own in place of the script of that name; undefined removes it. */
  tool(name: string, script: string | undefined): void;
  /** Makes a stage (npm, venv, pip, compile) hang for two seconds, or fail with a text; undefined: works again. */
  stage(name: string, how: 'hang' | { readonly fail: string } | undefined): void;
  /** Starts set-up. */
  start(): ChildProcess & { readonly outcome: Promise<Outcome> };
  setUp(): Promise<Outcome>;
  /** The tools called since the last question, without the compiler's and Python's probes. */
  calls(): readonly string[];
  exists(file: string): boolean;
  write(file: string, text: string): void;
  remove(): void;
}

export function machine(): Machine {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-setup-'));
  const at = (...parts: readonly string[]) => path.join(folder, ...parts);
  const repo = at('repo');
  fs.mkdirSync(at('bin'));
  fs.cpSync(path.join(ROOT, 'setup'), path.join(repo, 'setup'), { recursive: true });
  for (const name of ['package.json', '.npmrc'])
    fs.copyFileSync(path.join(ROOT, name), path.join(repo, name));
  fs.writeFileSync(path.join(repo, 'package-lock.json'), '{}');
  const tool: Machine['tool'] = (name, script) => {
    const file = at('bin', name);
    fs.rmSync(file, { force: true });
    if (script !== undefined) fs.writeFileSync(file, script, { mode: 0o755 });
  };
  for (const [name, script] of Object.entries(SCRIPTS)) {
    tool(name, (HEAD + script).replaceAll('MACHINE', folder).replaceAll('QUIET', QUIET));
  }
  const start: Machine['start'] = () => {
    const env = { PATH: at('bin'), HOME: folder };
    const child = spawn(process.execPath, [path.join(repo, 'setup', 'setup.mjs')], { cwd: repo, env });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part));
    // 'exit', not 'close': a tool that outlives a killed set-up does not hold the pipes.
    const outcome = new Promise<Outcome>((done) =>
      child.on('exit', (code) => setTimeout(() => done({ code, text }), 20)),
    );
    return Object.assign(child, { outcome });
  };
  return {
    folder: repo,
    tool,
    start,
    setUp: () => start().outcome,
    stage(name, how) {
      for (const kind of ['hang', 'fail']) fs.rmSync(at(`${kind}-${name}`), { force: true });
      fs.rmSync(at('hanging'), { force: true });
      if (how === 'hang') fs.writeFileSync(at(`hang-${name}`), '');
      else if (how) fs.writeFileSync(at(`fail-${name}`), how.fail);
    },
    calls() {
      const lines = fs.existsSync(at('calls')) ? fs.readFileSync(at('calls'), 'utf8').split('\n') : [];
      fs.rmSync(at('calls'), { force: true });
      return lines.flatMap((line) => KINDS.find(([pattern]) => pattern.test(line))?.[1] ?? []);
    },
    exists: (file) => fs.existsSync(file.startsWith('/') ? file : path.join(repo, file)),
    write: (file, text) => fs.writeFileSync(path.join(repo, file), text),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/** Resolves once `holds` does; rejects after ten seconds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (holds()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('ten seconds passed');
}
