import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

const ROOT = path.join(__dirname, '..', '..');

function doctor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const bin = path.join(ROOT, 'node_modules', '.bin', 'scnas');
  const rest = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SCNAS_')));
  const { status, stdout, stderr } = spawnSync(bin, ['doctor', ...args], {
    encoding: 'utf8',
    env: { ...rest, ...env },
  });
  return { status, stdout, stderr };
}

it('tells versions, engine, machine and data as JSON, and nothing else on either stream', () => {
  const { status, stdout, stderr } = doctor(['--json'], { SCNAS_KERNELS: 'portable', SCNAS_THREADS: '1' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const report = JSON.parse(stdout);
  expect(report.ok).toBe(true);
  expect(report.versions.node).toBe(process.versions.node);
  expect(report.versions.tfjs).toBe('4.22.0');
  expect(report.versions.python).toMatch(/^3\.1[0-3]\./);
  expect(report.engine).toMatchObject({
    tensorflow: '2.21.0',
    backend: 'tensorflow',
    kernels: 'portable',
    threads: 1,
  });
  expect(report.machine.memory).toBeGreaterThan(0);
  expect(report.data).toEqual({ SCNAS_DATA: null, tasks: [] });
  expect(report.problems.filter((problem: { grave: boolean }) => problem.grave)).toEqual([]);
});

it('names data that are not there, says what to do, and ends with 1', () => {
  const { status, stdout } = doctor([], { SCNAS_DATA: '/no/such/folder' });
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /It does not work yet:\n(.*\n)*✗ SCNAS_DATA=\/no\/such\/folder does not exist: point it at a task folder/,
  );
});

it('warns where kernels that were asked for are not to be had', () => {
  const { status, stdout } = doctor([], { SCNAS_KERNELS: 'quick' });
  expect(status).toBe(1);
  expect(stdout).toMatch(/✗ TensorFlow does not load \(SCNAS_KERNELS: expected /);
});
