import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Machine, machine, until } from './machine';

let m: Machine;
beforeEach(() => {
  m = machine();
});
afterEach(() => m.remove());

const ALL = ['npm', 'venv', 'pip', 'compile'];
const BINDING = 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node';
const KERNEL = '.venv/share/jupyter/kernels/tslab/kernel.json';
const read = (file: string) => fs.readFileSync(path.join(m.folder, file), 'utf8');

async function complete(): Promise<void> {
  expect(await m.setUp()).toMatchObject({ code: 0 });
  expect(m.calls()).toEqual(ALL);
}

describe('a fresh folder', () => {
  it('gets every step, a line with its time each, and nothing the second time', async () => {
    const first = await m.setUp();
    expect(first.code).toBe(0);
    for (const title of [
      'npm packages',
      'Python packages',
      'scnas link',
      'notebook kernel',
      'TensorFlow binding',
    ]) {
      expect(first.text).toMatch(new RegExp(`^ {2}${title} +\\d+\\.\\d s$`, 'm'));
    }
    expect(m.calls()).toEqual(ALL);
    const second = await m.setUp();
    expect(second.text).toMatch(/set-up unchanged, 0\.\d s/);
    expect(m.calls()).toEqual([]);
  });

  it('gets the link to itself and a kernel whose paths are absolute', async () => {
    await complete();
    expect(fs.realpathSync(path.join(m.folder, 'node_modules', 'scnas'))).toBe(fs.realpathSync(m.folder));
    expect(fs.readlinkSync(path.join(m.folder, 'node_modules/.bin/scnas'))).toBe('../scnas/src/run/bin.js');
    const { argv, env } = JSON.parse(read(KERNEL));
    expect(argv.slice(0, 2)).toEqual([process.execPath, path.join(m.folder, 'node_modules/tslab/bin/tslab')]);
    expect(env.TF_CPP_MIN_LOG_LEVEL).toBe('3');
  });
});

describe('a change', () => {
  it.each([
    ['the lock file', () => m.write('package-lock.json', '{ "a": 1 }'), ['npm', 'compile']],
    ['the requirements', () => m.write('setup/requirements.txt', 'plotly==0'), ['venv', 'pip', 'compile']],
    ['the pins', () => m.write('setup/constraints-3.11.txt', 'plotly==0'), ['venv', 'pip', 'compile']],
    ['the addon source', () => m.write('setup/quiet.cc', '// other'), ['compile']],
    [
      'a package that is gone',
      () => fs.rmSync(path.join(m.folder, 'node_modules/one/package.json')),
      ['npm', 'compile'],
    ],
    ['a .venv without its Python', () => fs.rmSync(path.join(m.folder, '.venv/bin/python')), ['venv', 'pip']],
    ['a binding that is gone', () => fs.rmSync(path.join(m.folder, BINDING)), ['compile']],
  ])('of %s runs the steps that it concerns', async (_, change, expected) => {
    await complete();
    change();
    expect(await m.setUp()).toMatchObject({ code: 0 });
    expect(m.calls()).toEqual(expected);
    expect(m.exists(BINDING)).toBe(true);
  });

  it.each(['node_modules/scnas', KERNEL])('%s is put back when it is gone', async (file) => {
    await complete();
    fs.rmSync(path.join(m.folder, file));
    expect(await m.setUp()).toMatchObject({ code: 0 });
    expect(m.exists(file)).toBe(true);
    expect(m.calls()).toEqual([]);
  });
});

describe('a kill half-way', () => {
  it.each(ALL)(
    'in %s is repaired by the next run, which first waits for the tool left at work',
    async (stage) => {
      m.stage(stage, 'hang');
      const child = m.start();
      await until(() => m.exists(path.join(m.folder, '..', 'hanging')));
      child.kill('SIGKILL');
      await child.outcome;
      m.calls();
      m.stage(stage, undefined);
      const next = await m.setUp();
      expect(next.code).toBe(0);
      expect(next.text).toMatch(/a set-up that was killed left \S+ at work/);
      expect(m.calls()[0]).toBe(stage === 'pip' ? 'venv' : stage);
      expect(m.exists(BINDING)).toBe(true);
      expect((await m.setUp()).text).toMatch(/unchanged/);
    },
  );

  it('leaves a lock that nobody holds: it is taken over at once', async () => {
    fs.mkdirSync(path.join(m.folder, '.setup'));
    m.write(
      '.setup/lock',
      JSON.stringify({ pid: 2 ** 22 + 1, word: 'setup', host: (await import('node:os')).hostname() }),
    );
    await complete();
    expect(m.exists('.setup/lock')).toBe(false);
  });
});

describe('two at once', () => {
  it('do each step once: the second waits, then finds all done', async () => {
    m.stage('npm', 'hang');
    const first = m.start();
    await until(() => m.exists(path.join(m.folder, '..', 'hanging')));
    const [a, b] = await Promise.all([first.outcome, m.setUp()]);
    expect([a.code, b.code]).toEqual([0, 0]);
    expect(b.text).toMatch(/another set-up is at work here \(process \d+\): waiting for it/);
    expect(m.calls()).toEqual(ALL);
  });
});
