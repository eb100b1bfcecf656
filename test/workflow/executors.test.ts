/** The workflow elsewhere than here: on a Slurm of one node where Debian's packages are, and Snakemake's own dry run of the Kubernetes profile. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snakemakePython } from '../../src/run/workflow';

const root = path.join(__dirname, '../..');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-executors-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  snakemakePython(() => {});
}, 600_000);

const small = ['--methods', 'unet', '--tasks', 'Task02_Heart', '--set', 'retrain.steps=4'];
const present = (name: string) => spawnSync('which', [name]).status === 0;
const slurm =
  process.getuid?.() === 0 &&
  ['slurmctld', 'slurmd', 'munged', 'sbatch'].every(present) &&
  !fs.existsSync('/etc/slurm/slurm.conf');

describe('the workflow’s profiles', { timeout: 600_000 }, () => {
  it('Kubernetes: Snakemake accepts the profile and the jobs (a dry run; nothing has run on a cluster)', () => {
    const args = [
      'table1',
      '--config',
      'smoke',
      '--profile',
      'kubernetes',
      '--dry-run',
      '--no-timing',
      ...small,
    ];
    const text = execFileSync(process.execPath, [path.join(root, 'src/run/bin.js'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(text).toMatch(/retrain\s+1\n/);
    expect(text).toMatch(/total\s+4\n/);
  });

  it.skipIf(!slurm)(
    `Slurm${slurm ? '' : ' (needs root, slurm-wlm, munge, and no slurm.conf)'}: each job is sent, runs and is counted`,
    () => {
      const dir = path.join(folder, 'slurm');
      const { status, stdout, stderr } = spawnSync(
        path.join(root, 'workflow/try-slurm.sh'),
        [dir, ...small],
        {
          encoding: 'utf8',
        },
      );
      expect(status, stdout + stderr).toBe(0);
      const log = fs.readFileSync(path.join(dir, 'table1/logs/snakemake.log'), 'utf8');
      expect(log.match(/has been submitted with SLURM jobid/g)).toHaveLength(3);
      const { runs } = JSON.parse(fs.readFileSync(path.join(dir, 'table1/table/table.json'), 'utf8'));
      expect(runs.map(({ method, phantom }: Record<string, unknown>) => [method, phantom])).toEqual([
        ['unet', true],
      ]);
    },
  );
});
