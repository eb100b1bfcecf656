/**
 * Compiles the kernels of this folder for this machine into build/native/scnas.node: `node native/build.mjs`.
 * Set-up calls `buildNative`. What was built is kept while the sources, the compiler, the CPU and TensorFlow stay as they are.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);

const FLAGS = [
  '-O3',
  process.arch === 'arm64' ? '-mcpu=native' : '-march=native',
  ...['-std=c++17', '-fPIC', '-pthread', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=fast'],
  ...['-fvisibility=hidden', '-Wall', '-Wextra', '-DNAPI_VERSION=8'],
];

/** Where the wheel lies: `.venv/lib/python3.N/site-packages/tensorflow`. */
function tensorflowFolder() {
  const lib = join(root, '.venv', 'lib');
  const pythons = existsSync(lib) ? readdirSync(lib).filter((name) => name.startsWith('python')) : [];
  const folders = pythons.map((name) => join(lib, name, 'site-packages', 'tensorflow'));
  const found = folders.find((folder) => existsSync(join(folder, 'libtensorflow_framework.so.2')));
  if (!found)
    throw new Error('native: expected TensorFlow in .venv, found none; run `npm start` or `npm run setup`');
  return found;
}

function output(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    throw new Error(
      `native: expected the C++ compiler ${command}, found none; install g++ (Debian: apt install g++)`,
    );
  }
}

function tensorflowVersion(folder) {
  const infos = readdirSync(dirname(folder)).filter((name) => /^tensorflow.*\.dist-info$/.test(name));
  return infos.sort().join(' ');
}

/** What decides the binary: sources, compiler, the flags that `native` stands for here, TensorFlow. */
function buildKey(compiler, tensorflow) {
  const hash = createHash('sha256');
  for (const name of readdirSync(here).sort()) {
    if (/\.(cc|h|mjs)$/.test(name)) hash.update(name).update(readFileSync(join(here, name)));
  }
  hash.update(output(compiler, ['--version']));
  hash.update(output(compiler, ['-Q', '--help=target', FLAGS[1]]));
  hash.update(tensorflowVersion(tensorflow)).update(process.arch).update(FLAGS.join(' '));
  return hash.digest('hex');
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (text) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`native: ${command} failed on ${args.at(-1)}:\n${errors}`));
      else resolve(errors);
    });
  });
}

/**
 * Builds the addon unless it is up to date.
 * @returns {Promise<{ path: string, built: boolean }>}
 * Errors: one with a clear message where the compiler or TensorFlow is missing, or the compile fails.
 */
export async function buildNative({ log = () => {} } = {}) {
  const compiler = process.env.CXX || 'g++';
  const tensorflow = tensorflowFolder();
  const target = join(root, 'build', 'native');
  const path = join(target, 'scnas.node');
  const keyFile = join(target, 'key');
  const key = buildKey(compiler, tensorflow);
  if (existsSync(path) && existsSync(keyFile) && readFileSync(keyFile, 'utf8') === key)
    return { path, built: false };

  const sources = readdirSync(here).filter((name) => /^(addon|ops_.*)\.cc$/.test(name));
  log(`compiling ${sources.length} files for this CPU`);
  const work = join(target, `partial-${process.pid}`);
  mkdirSync(work, { recursive: true });
  const includes = [join(tensorflow, 'include'), join(root, 'node_modules', 'node-api-headers', 'include')];
  const include = includes.flatMap((folder) => ['-isystem', folder]);
  try {
    await Promise.all(
      sources.map(async (name) => {
        const warnings = await run(compiler, [
          ...FLAGS,
          ...include,
          '-c',
          '-o',
          join(work, `${name}.o`),
          join(here, name),
        ]);
        if (warnings) log(warnings);
      }),
    );
    const objects = sources.map((name) => join(work, `${name}.o`));
    const link = ['-L', tensorflow, '-l:libtensorflow_framework.so.2', `-Wl,-rpath,${tensorflow}`];
    await run(compiler, ['-shared', '-pthread', '-o', join(work, 'scnas.node'), ...objects, ...link]);
    rmSync(keyFile, { force: true });
    renameSync(join(work, 'scnas.node'), path);
    writeFileSync(`${keyFile}.partial-${process.pid}`, key);
    renameSync(`${keyFile}.partial-${process.pid}`, keyFile);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { path, built: true };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const { path, built } = await buildNative({ log: (line) => console.log(line) });
    console.log(`${built ? 'built' : 'up to date'}: ${path}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
