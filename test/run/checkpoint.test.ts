import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { tf } from '../../src/engine/tf';
import {
  disposeState,
  fromJson,
  pack,
  readCheckpoint,
  toJson,
  unpack,
  writeCheckpoint,
} from '../../src/run/checkpoint';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-checkpoint-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const stateOf = (step: number) => ({
  step,
  theta: {
    'cell0/edge(0,1)/conv3.weight': tf.tensor([1 / 3, -0, 1e-40, 3e38], [2, 2]),
    'a/b': tf.scalar(step),
  },
  alpha: {
    enc: [
      [0.1, 1 / 3],
      [1e-300, -0],
    ],
  },
  plateau: { best: Number.POSITIVE_INFINITY, average: null },
});

describe('a checkpoint', () => {
  it('brings back every bit of a state', async () => {
    const file = path.join(folder, 'deep/state.safetensors');
    const state = stateOf(7);
    await writeCheckpoint(file, {
      step: 7,
      ...pack(state),
      cases: 'abc',
      seconds: 1.5,
      machine: { threads: 2 },
    });
    const saved = readCheckpoint(file);
    expect(saved).toMatchObject({ step: 7, cases: 'abc', seconds: 1.5, machine: { threads: 2 } });
    const back = unpack(saved) as typeof state;
    expect(toJson({ ...back, theta: null })).toBe(toJson({ ...state, theta: null }));
    for (const [name, tensor] of Object.entries(state.theta)) {
      expect(back.theta[name as 'a/b'].shape).toEqual(tensor.shape);
      const bits = (t: tf.Tensor) => [...new Uint32Array((t.dataSync() as Float32Array).slice().buffer)];
      expect(bits(back.theta[name as 'a/b'])).toEqual(bits(tensor));
    }
    const before = tf.memory().numTensors;
    disposeState(back);
    disposeState(state);
    expect(tf.memory().numTensors).toBe(before - 4);
  });

  it('stays the old one until the new one is whole', async () => {
    const file = path.join(folder, 'kept.safetensors');
    const [one, two] = [stateOf(1), stateOf(2)];
    await writeCheckpoint(file, { step: 1, ...pack(one), cases: 'abc', seconds: 0, machine: {} });
    const rename = fs.renameSync;
    fs.renameSync = () => {
      throw new Error('killed here');
    };
    await expect(
      writeCheckpoint(file, { step: 2, ...pack(two), cases: 'abc', seconds: 0, machine: {} }),
    ).rejects.toThrow('killed here');
    fs.renameSync = rename;
    const saved = readCheckpoint(file);
    expect(saved.step).toBe(1);
    expect((unpack(saved) as typeof one).theta['a/b'].dataSync()[0]).toBe(1);
    expect(fs.readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
    for (const state of [one, two, saved.tensors]) disposeState(state);
  });

  it('keeps numbers that JSON has no word for', () => {
    const value = { a: Number.POSITIVE_INFINITY, b: [Number.NaN, Number.NEGATIVE_INFINITY], c: 0.1 + 0.2 };
    expect(fromJson(toJson(value))).toEqual(value);
  });

  it('is refused where it is missing, cut short, or of another format', async () => {
    const file = path.join(folder, 'bad.safetensors');
    expect(() => readCheckpoint(file)).toThrow(`${file}: expected a checkpoint, found no such file`);
    const state = stateOf(3);
    await writeCheckpoint(file, { step: 3, ...pack(state), cases: 'abc', seconds: 0, machine: {} });
    disposeState(state);
    fs.truncateSync(file, fs.statSync(file).size - 4);
    expect(() => readCheckpoint(file)).toThrow('bytes of numbers');
    fs.copyFileSync(path.join(__dirname, '../fixtures/safetensors/reference.safetensors'), file);
    expect(() => readCheckpoint(file)).toThrow('expected format scnas-checkpoint-1');
  });
});
