import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeSafeTensors, readSafeTensors } from '../../src/run/safetensors';

const fixture = path.join(__dirname, '../fixtures/safetensors/reference.safetensors');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-safetensors-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const file = (bytes: Uint8Array) => {
  const name = path.join(folder, 'test.safetensors');
  fs.writeFileSync(name, bytes);
  return name;
};

/** A file with this header and so many bytes of numbers. */
const raw = (header: unknown, bytes: number, length?: bigint) => {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([size, text, Buffer.alloc(bytes)]);
};

describe('safetensors', () => {
  it('reads what the reference implementation wrote', () => {
    const { tensors, metadata } = readSafeTensors(fixture);
    expect(metadata).toEqual({ 'written by': 'reference' });
    expect(Object.keys(tensors).sort()).toEqual(['empty', 'labels', 'mask', 'scalar', 'weight']);
    expect(tensors.weight.shape).toEqual([2, 3, 4]);
    tensors.weight.data.forEach((v, i) => {
      expect(v).toBeCloseTo(-1 + (2 * i) / 23, 6);
    });
    expect([...tensors.labels.data]).toEqual([-3, -2, -1, 0, 1, 2]);
    expect([...tensors.mask.data]).toEqual([0, 1, 255]);
    expect(tensors.scalar.shape).toEqual([]);
    expect([...tensors.scalar.data]).toEqual([2.5]);
    expect(tensors.empty.shape).toEqual([0, 4]);
  });

  it('writes byte for byte what the reference implementation writes', () => {
    const header = (bytes: Buffer) =>
      JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0))));
    const theirs = fs.readFileSync(fixture);
    const ours = encodeSafeTensors(readSafeTensors(fixture));
    expect(header(ours)).toEqual(header(theirs));
    expect(ours.length).toBe(theirs.length);
    expect(ours.subarray(-127).equals(theirs.subarray(-127))).toBe(true);
  });

  it('gives equal bytes for equal contents, whatever the order of names', () => {
    const a = { shape: [2], data: new Float32Array([1, Number.NaN]) };
    const b = { shape: [3], data: new Uint8Array([1, 2, 3]) };
    const one = encodeSafeTensors({ tensors: { a, b }, metadata: { x: 'ü' } });
    expect(one.equals(encodeSafeTensors({ tensors: { b, a }, metadata: { x: 'ü' } }))).toBe(true);
    const back = readSafeTensors(file(one));
    expect(back.metadata).toEqual({ x: 'ü' });
    expect(Number.isNaN(back.tensors.a.data[1])).toBe(true);
  });

  it.each([
    ['a file of 3 bytes', Buffer.alloc(3), 'at least 8 bytes'],
    ['a header longer than the file', raw({}, 0, 2n ** 40n), 'a header within'],
    ['a header that is no JSON', raw('{"a":', 0), 'a JSON header'],
    ['a header that is a list', raw([], 0), 'a JSON object'],
    ['metadata that are no strings', raw({ __metadata__: { a: 1 } }, 0), 'strings in __metadata__'],
    ['an unknown type', raw({ a: { dtype: 'F99', shape: [1], data_offsets: [0, 4] } }, 4), 'of type F32'],
    [
      'a type that is a method of objects',
      raw({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, 4),
      'of type F32',
    ],
    [
      'a negative side',
      raw({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4),
      'a shape for tensor a',
    ],
    [
      'a size that is not the shape’s',
      raw({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, 4),
      '8 bytes for tensor a',
    ],
    [
      'an offset behind the end',
      raw({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, 0),
      '4 bytes of numbers',
    ],
    [
      'a huge tensor',
      raw({ a: { dtype: 'F32', shape: [2 ** 40], data_offsets: [0, 2 ** 42] } }, 4),
      'bytes of numbers',
    ],
    [
      'a gap',
      raw({ a: { dtype: 'F32', shape: [1], data_offsets: [4, 8] } }, 8),
      'tensor a to begin at byte 0',
    ],
    [
      'an overlap',
      raw(
        {
          a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
          b: { dtype: 'F32', shape: [1], data_offsets: [0, 4] },
        },
        4,
      ),
      'to begin at byte 4',
    ],
    ['bytes left over', raw({}, 4), '0 bytes of numbers'],
  ])('refuses %s', (_, bytes, expected) => {
    const name = file(bytes);
    expect(() => readSafeTensors(name)).toThrow(expected);
    expect(() => readSafeTensors(name)).toThrow(name);
  });

  it.skipIf(!process.env.SCNAS_ORACLE_PYTHON)(
    'is read by the reference implementation (python with safetensors)',
    () => {
      const name = file(
        encodeSafeTensors({
          tensors: { w: { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) } },
          metadata: { json: '{}' },
        }),
      );
      const python = process.env.SCNAS_ORACLE_PYTHON ?? '';
      const seen = JSON.parse(
        execFileSync(python, [path.join(__dirname, '../oracles/safetensors_file.py'), name], {
          encoding: 'utf8',
        }),
      );
      expect(seen).toEqual({ metadata: { json: '{}' }, tensors: { w: { shape: [2, 2], sum: 10 } } });
    },
  );
});
