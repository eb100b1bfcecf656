/** What is compiled here: tfjs's own binding against the TensorFlow in .venv, and the project's kernels. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hash, ROOT, SetupError, tensorflowFolder, textOf, VENV } from './common.mjs';
import { tool } from './tool.mjs';

const TFJS = path.join(ROOT, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
const BINDING = path.join(TFJS, 'lib', 'napi-v8', 'tfjs_binding.node');
const SOURCES = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => path.join(TFJS, 'binding', name));
const QUIET = path.join(path.dirname(BINDING), 'quiet.node');
const QUIET_SOURCE = path.join(ROOT, 'setup', 'quiet.cc');
const NODE_API = path.join(ROOT, 'node_modules', 'node-api-headers');
const CHECK = "process.stdout.write('TensorFlow ' + require(process.argv[1]).TF_Version + '\\n')";

/** The published package fetches an old TensorFlow when it is installed; this builds its binding against the one in .venv instead. */
export const tfjsBinding = {
  name: 'binding',
  title: 'TensorFlow binding',
  key: ({ compiler }) =>
    hash(
      compiler,
      tensorflowFolder(),
      textOf(path.join(VENV, 'pyvenv.cfg')),
      textOf(path.join(ROOT, '.setup', 'python.json')),
      [...SOURCES, QUIET_SOURCE].map(textOf),
      textOf(path.join(NODE_API, 'package.json')),
    ),
  missing: () => [QUIET, BINDING].find((file) => !fs.existsSync(file)),
  async run(step, { compiler }) {
    const folder = path.dirname(BINDING);
    fs.mkdirSync(folder, { recursive: true });
    for (const name of fs.readdirSync(folder)) {
      if (name.includes('.partial-')) fs.rmSync(path.join(folder, name), { force: true });
    }
    const partial = path.join(folder, `tfjs_binding.partial-${process.pid}.node`);
    const quiet = path.join(folder, `quiet.partial-${process.pid}.node`);
    await tool(step, compiler.file, quietFlags(quiet));
    await tool(step, compiler.file, bindingFlags(partial), { append: true });
    await tool(step, process.execPath, ['-e', CHECK, partial], {
      append: true,
      env: { TF_CPP_MIN_LOG_LEVEL: '3' },
    });
    fs.renameSync(quiet, QUIET);
    fs.renameSync(partial, BINDING);
  },
};

const SHARED = [
  '-O2',
  '-std=c++17',
  '-shared',
  '-fPIC',
  '-DNAPI_VERSION=8',
  '-w',
  `-I${path.join(NODE_API, 'include')}`,
];
const MAC = process.platform === 'darwin';
const UNDEFINED = MAC ? ['-undefined', 'dynamic_lookup'] : [];

function library(name) {
  const tensorflow = tensorflowFolder();
  if (!tensorflow) throw new SetupError('TensorFlow is not in .venv: delete .venv and run this again');
  return path.join(tensorflow, MAC ? `${name}.2.dylib` : `${name}.so.2`);
}

function quietFlags(output) {
  const framework = library('libtensorflow_framework');
  return [
    ...SHARED,
    ...UNDEFINED,
    `-DTENSORFLOW_FRAMEWORK=${JSON.stringify(framework)}`,
    QUIET_SOURCE,
    '-o',
    output,
  ];
}

function bindingFlags(output) {
  const libraries = [library('libtensorflow_cc'), library('libtensorflow_framework')];
  const tensorflow = path.dirname(libraries[0]);
  const include = `-I${path.join(tensorflow, 'include')}`;
  return [
    ...SHARED,
    ...UNDEFINED,
    include,
    ...SOURCES,
    ...libraries,
    `-Wl,-rpath,${tensorflow}`,
    '-o',
    output,
  ];
}

const AUGMENT = path.join(ROOT, 'build', 'native', 'augment.node');
const AUGMENT_SOURCE = path.join(ROOT, 'native', 'data', 'augment.cc');
const AUGMENT_FLAGS = [
  '-O3',
  process.arch === 'arm64' ? '-mcpu=native' : '-march=native',
  // The same bits as the TypeScript: no product is fused into a sum.
  '-ffp-contract=off',
  '-fno-math-errno',
];

/** What `native` stands for on this machine. */
const PROCESSOR =
  /^(flags|Features)\s*:.*$/m.exec(textOf('/proc/cpuinfo'))?.[0] ?? os.cpus()[0]?.model ?? process.arch;

/** The loops of drawing batches, which need no TensorFlow. `SCNAS_KERNELS=portable` does without them. */
export const nativeAugment = {
  name: 'augment',
  title: 'native augmentation',
  key: ({ compiler }) => hash(compiler, PROCESSOR, AUGMENT_FLAGS, textOf(AUGMENT_SOURCE)),
  missing: () => (fs.existsSync(AUGMENT_SOURCE) && !fs.existsSync(AUGMENT) ? AUGMENT : undefined),
  async run(step, { compiler }) {
    if (!fs.existsSync(AUGMENT_SOURCE)) return;
    fs.mkdirSync(path.dirname(AUGMENT), { recursive: true });
    const partial = `${AUGMENT}.partial-${process.pid}`;
    await tool(step, compiler.file, [
      ...SHARED,
      ...UNDEFINED,
      ...AUGMENT_FLAGS,
      AUGMENT_SOURCE,
      '-o',
      partial,
    ]);
    fs.renameSync(partial, AUGMENT);
  },
};

/** The project's own kernels; their build keeps a key of its own. `SCNAS_KERNELS=portable` does without them. */
export const nativeKernels = {
  name: 'native',
  title: 'native kernels',
  async run(step, { compiler }) {
    const build = path.join(ROOT, 'native', 'build.mjs');
    if (process.env.SCNAS_KERNELS === 'portable' || !fs.existsSync(build)) return;
    await tool(step, process.execPath, [build], { env: { CXX: compiler.file } });
  },
};
