/** What must be on the machine before set-up begins: Node, Python with venv, a C++ compiler; and which package brings a missing one. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hash, SetupError, STATE, textOf, which, writeWhole } from './common.mjs';

const PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
const COMPILERS = ['c++', 'g++', 'clang++'];
/** The minor versions of Python 3 that TensorFlow 2.21 has wheels for. */
const OLDEST = 10;
const NEWEST = 13;

/** `{ node, python: { file, version }, compiler: { file, version }, gpu }`; throws one SetupError that names all that is missing. */
export function needs() {
  const found = [...PYTHONS, ...COMPILERS, 'nvidia-smi', ...chosen()].map((name) => which(name));
  const times = found.map((file) => file && `${file} ${fs.statSync(file).mtimeMs}`);
  const key = hash(
    process.version,
    process.env.PATH,
    chosen(),
    process.env.SCNAS_GPU,
    times,
    textOf(fileOfThis),
  );
  const file = path.join(STATE, 'needs.json');
  const before = readJson(file);
  if (before?.key === key && fs.existsSync(before.python.file)) return before;
  const problems = [];
  const python = check(problems, findPython);
  const compiler = check(problems, findCompiler);
  check(problems, () => checkNode(process.versions.node));
  if (problems.length > 0) throw new SetupError(`Set-up cannot begin:\n- ${problems.join('\n- ')}`);
  const now = { key, node: process.version, python, compiler, gpu: hasGpu() };
  writeWhole(file, JSON.stringify(now, null, 1));
  return now;
}

const fileOfThis = new URL(import.meta.url).pathname;
const chosen = () => [process.env.SCNAS_PYTHON, process.env.CXX].filter(Boolean);

function check(problems, find) {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

export function checkNode(version) {
  const [major, minor] = version.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24) return;
  throw new SetupError(
    `Node ${version} does not do: scnas needs Node 20.19+, 22.12+ or 24+. Debian 13: apt install nodejs npm; older ones: ` +
      'nvm or the archive on nodejs.org; macOS: brew install node@24',
  );
}

function findPython() {
  const range = `Python 3.${OLDEST} to 3.${NEWEST}`;
  const probe =
    'import sys, json, importlib.util as u; print(json.dumps([sys.executable, list(sys.version_info[:3]), all(u.find_spec(m) for m in ("venv", "ensurepip"))]))';
  const seen = [];
  for (const name of process.env.SCNAS_PYTHON ? [process.env.SCNAS_PYTHON] : PYTHONS) {
    const file = which(name);
    if (!file) continue;
    const answer = parse(spawnSync(file, ['-c', probe], { encoding: 'utf8' }).stdout);
    if (!answer) continue;
    const [executable, [major, minor, patch], complete] = answer;
    const version = `${major}.${minor}.${patch}`;
    const fits = major === 3 && minor >= OLDEST && minor <= NEWEST;
    if (fits && complete) return { file: executable, version };
    seen.push({ name, version, minor, fits });
  }
  const bare = seen.find(({ fits }) => fits);
  if (bare) {
    throw new SetupError(
      `Python ${bare.version} (${bare.name}) is there, but its venv or ensurepip module is not. ` +
        `Debian: apt install python3-venv (or python3.${bare.minor}-venv); macOS: brew install python@3.12`,
    );
  }
  const others = seen.map(({ name, version }) => `${name} is ${version}`).join(', ');
  throw new SetupError(
    `${range} was not found${others && ` (${others})`}. Debian: apt install python3 python3-venv; ` +
      'macOS: brew install python@3.12; another place: SCNAS_PYTHON=/path/to/python3',
  );
}

function findCompiler() {
  const names = process.env.CXX ? [process.env.CXX] : COMPILERS;
  const remedy = 'Debian: apt install g++; macOS: xcode-select --install';
  const file = names.map((name) => which(name)).find(Boolean);
  if (!file) throw new SetupError(`no C++ compiler was found (${names.join(', ')}). ${remedy}`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-'));
  try {
    const source = path.join(folder, 'probe.cc');
    fs.writeFileSync(
      source,
      '#include <vector>\n#include <thread>\nint probe() { return std::vector<int>(3).size(); }\n',
    );
    const args = ['-std=c++17', '-shared', '-fPIC', source, '-o', path.join(folder, 'probe.so')];
    const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
    if (status !== 0) {
      const first = (stderr ?? '').split('\n').find((line) => /error/i.test(line)) ?? 'no message';
      throw new SetupError(
        `${file} cannot build C++17 with the standard library (${first.trim()}). ${remedy}`,
      );
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  const version = spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];
  return { file, version };
}

/** Whether nvidia-smi lists a GPU; SCNAS_GPU=0 says no, SCNAS_GPU=1 yes. */
function hasGpu() {
  if (process.env.SCNAS_GPU) return process.env.SCNAS_GPU !== '0';
  const file = which('nvidia-smi');
  if (!file || process.platform !== 'linux') return false;
  const { status, stdout } = spawnSync(file, ['-L'], { encoding: 'utf8', timeout: 20_000 });
  return status === 0 && /^GPU \d/m.test(stdout);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const readJson = (file) => parse(textOf(file));
