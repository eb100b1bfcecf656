import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { drawBatch } from '../../src/data/patches';
import { phantomCase } from '../../src/data/phantom';
import { prepareCase } from '../../src/data/preprocess';
import { key } from '../../src/engine/keys';
import { batchStream } from '../../src/run/prefetch';

const caseOf = (i: number) =>
  prepareCase({ ...phantomCase('Task04_Hippocampus', key(1, 'case', i), [20, 24, 20]), id: `case ${i}` }, 3);
const sets = { theta: [caseOf(0), caseOf(1)], alpha: [caseOf(2)] };
const options = {
  batch: 2,
  patch: [16, 16, 16] as const,
  foreground: 0.33,
  mirror: true,
  augment: 'nnunet' as const,
};
const drawsOf = (step: number) =>
  (['theta', 'alpha'] as const).map((set) => ({ set, key: key(5, 'batch', set, step) }));
const inLine = (step: number) => drawsOf(step).map(({ set, key: k }) => drawBatch(sets[set], options, k));

describe('batches drawn ahead', () => {
  it.each([0, 1, 3])('%i steps ahead are those drawn in line, in order', async (ahead) => {
    const stream = batchStream({ sets, options, drawsOf, from: 2, to: 7, ahead });
    try {
      for (let step = 2; step < 7; step++) expect(await stream.next()).toEqual(inLine(step));
      await expect(stream.next()).rejects.toThrow('the stream ends before 7');
    } finally {
      await stream.close();
    }
  });

  it('pass the worker’s error on, and end with it', async () => {
    const stream = batchStream({
      sets: { theta: [] },
      options,
      drawsOf: () => [{ set: 'theta', key: key(1) }],
      from: 0,
      to: 3,
      ahead: 1,
    });
    await expect(stream.next()).rejects.toThrow('at least one case');
    const open = stream.next();
    await stream.close();
    await expect(open).rejects.toThrow();
  });

  it('end for a program that waits for that alone, whatever is drawn and not read', () => {
    const src = (...names: string[]) => JSON.stringify(path.join(__dirname, '..', '..', 'src', ...names));
    const program = `
      require(${src('register.js')});
      const { batchStream } = require(${src('run', 'prefetch.ts')});
      const { phantomCase } = require(${src('data', 'phantom.ts')});
      const { prepareCase } = require(${src('data', 'preprocess.ts')});
      const one = prepareCase({ ...phantomCase('Task04_Hippocampus', { hi: 0, lo: 1 }, [20, 24, 20]), id: 'one' }, 3);
      const options = { batch: 1, patch: [16, 16, 16], foreground: 0.33, mirror: true };
      const drawsOf = (step) => [{ set: 'train', key: { hi: 0, lo: step } }];
      const busy = () => { for (const began = Date.now(); Date.now() - began < 500; ); };
      (async () => {
        for (let i = 0; i < 3; i++) {
          const stream = batchStream({ sets: { train: [one] }, options, drawsOf, from: 0, to: 9, ahead: 2 });
          await stream.next();
          busy();
          await stream.close();
        }
        console.log('closed');
      })();`;
    const { stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    expect(stdout).toBe('closed\n');
  });
});
