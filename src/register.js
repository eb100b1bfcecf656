/**
 * Lets Node load this project's TypeScript, from whatever folder it is called: transpiled by ts-node with the repository's own tsconfig, and kept in
 * build/transpiled, since the compiler takes most of the time in which `require('scnas')` returns. Stack traces lead into the TypeScript.
 */
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');

const root = path.join(__dirname, '..');
const folder = path.join(root, 'build', 'transpiled');
const tsconfig = fs.readFileSync(path.join(root, 'tsconfig.json'), 'utf8');
const compiler = ['typescript', 'ts-node'].map((name) => require(`${name}/package.json`).version).join(' ');
/** ts-node's compiler, made when a file is not kept yet. */
let compiling;

const hash = (...texts) =>
  texts.reduce((h, text) => h.update(text).update('\0'), createHash('sha256')).digest('hex');

/** What each file was transpiled to: asked again for the lines of a stack trace. */
const transpiled = new Map();

function transpile(file) {
  const source = fs.readFileSync(file, 'utf8');
  const keptAt = path.join(folder, `${hash(file).slice(0, 32)}.js`);
  const mark = `\n//${hash(compiler, tsconfig, source)}\n`;
  const kept = fs.existsSync(keptAt) ? fs.readFileSync(keptAt, 'utf8') : '';
  if (kept.endsWith(mark)) return kept;

  compiling ??= require('ts-node').create({ project: path.join(root, 'tsconfig.json'), transpileOnly: true });
  const text = compiling.compile(source, file) + mark;
  keep(keptAt, text);
  return text;
}

/** Written beside and renamed; where the folder cannot be written, nothing is kept. */
function keep(file, text) {
  const partial = `${file}.partial-${process.pid}-${require('node:worker_threads').threadId}`;
  try {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(partial, text);
    fs.renameSync(partial, file);
  } catch {
    fs.rmSync(partial, { force: true });
  }
}

function load(module, file) {
  const text = transpile(file);
  transpiled.set(file, { text, map: undefined });
  module._compile(text, file, 'commonjs');
}

/** A line of a stack trace, at the place in the TypeScript that it came from. */
function mapped(frame) {
  const file = frame.getFileName();
  const entry = transpiled.get(file);
  const map = /\/\/# sourceMappingURL=data:[^,]*base64,(\S+)/;
  if (!entry) return String(frame);
  entry.map ??= new Module.SourceMap(JSON.parse(Buffer.from(map.exec(entry.text)[1], 'base64').toString()));
  const [line, column] = [frame.getLineNumber(), frame.getColumnNumber()];
  const { originalLine, originalColumn } = entry.map.findEntry(line - 1, column - 1);
  if (originalLine === undefined) return String(frame);
  return String(frame).replace(
    `${file}:${line}:${column}`,
    `${file}:${originalLine + 1}:${originalColumn + 1}`,
  );
}

Module._extensions['.ts'] = load;
Error.prepareStackTrace = (error, frames) =>
  [Error.prototype.toString.call(error), ...frames.map((frame) => `    at ${mapped(frame)}`)].join('\n');
