/**
 * The safetensors format: 8 bytes with the length of a JSON header, the header, then little-endian numbers without gaps
 * (https://github.com/huggingface/safetensors). Nothing in such a file is executed when it is read.
 */
import fs from 'node:fs';
import { fail } from '../engine/errors';

/** Numbers with a shape, as a file holds them. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

/** What one safetensors file holds: tensors by name, and strings by name. */
export interface SafeTensors {
  readonly tensors: Readonly<Record<string, Numbers>>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Types and their sizes, in the order in which the reference implementation writes them. */
const BYTES: Readonly<Record<string, number>> = { F32: 4, I32: 4, U8: 1 };
const ORDER = Object.keys(BYTES);
/** Longer headers are refused, as the reference reader does. */
const LONGEST_HEADER = 100_000_000;

/** The bytes of a safetensors file: by type, then by name, as the reference does, so that equal contents give equal bytes. */
export function encodeSafeTensors({ tensors, metadata }: SafeTensors): Buffer {
  const rank = (name: string) => ORDER.indexOf(dtypeOf(tensors[name].data));
  const names = Object.keys(tensors).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors[name];
    if (product(shape) !== data.length)
      fail({
        where: `tensor ${name}`,
        expected: `${product(shape)} numbers for shape [${shape}]`,
        found: `${data.length}`,
        next: 'report this: the tensor and its shape disagree before writing',
      });
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const out = Buffer.alloc(8 + padded + offset, ' ');
  out.writeBigUInt64LE(BigInt(padded), 0);
  text.copy(out, 8);
  let at = 8 + padded;
  for (const name of names) {
    const { data } = tensors[name];
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).copy(out, at);
    at += data.byteLength;
  }
  return out;
}

/** Reads a safetensors file; sizes and offsets are checked against the file's length before any memory is taken. */
export function readSafeTensors(path: string): SafeTensors {
  const broken = (expected: string, found: string): never =>
    fail({
      where: path,
      expected,
      found,
      next: 'the file is damaged or no safetensors file: delete it or restore a copy',
    });
  const file = fs.openSync(path, 'r');
  try {
    const size = fs.fstatSync(file).size;
    if (size < 8) broken('at least 8 bytes', `${size}`);
    const headerLength = Number(read(file, 0, 8).readBigUInt64LE(0));
    if (headerLength > Math.min(LONGEST_HEADER, size - 8))
      broken(`a header within the file's ${size} bytes`, `${headerLength} bytes`);
    const { metadata, entries } = parseHeader(read(file, 8, headerLength).toString('utf8'), broken);
    const from = 8 + headerLength;
    const sorted = Object.entries(entries).sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0]);
    let expected = 0;
    for (const [
      name,
      {
        data_offsets: [begin, end],
      },
    ] of sorted) {
      if (begin !== expected) broken(`tensor ${name} to begin at byte ${expected}`, `${begin}`);
      expected = end;
    }
    if (expected !== size - from) broken(`${expected} bytes of numbers`, `${size - from}`);
    const tensors = sorted.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [begin, end],
        },
      ]): [string, Numbers] => [name, { shape, data: numbers(dtype, read(file, from + begin, end - begin)) }],
    );
    return { tensors: Object.fromEntries(tensors), metadata };
  } finally {
    fs.closeSync(file);
  }
}

type Broken = (expected: string, found: string) => never;

function parseHeader(
  text: string,
  broken: Broken,
): { metadata: Record<string, string>; entries: Record<string, Entry> } {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch {
    broken('a JSON header', JSON.stringify(text.slice(0, 40)));
  }
  if (!isRecord(header)) return broken('a JSON object as header', String(header));
  const { __metadata__: metadata = {}, ...entries } = header;
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== 'string'))
    broken('strings in __metadata__', 'something else');
  for (const [name, entry] of Object.entries(entries)) checkEntry(name, entry, broken);
  return { metadata: metadata as Record<string, string>, entries: entries as Record<string, Entry> };
}

function checkEntry(name: string, entry: unknown, broken: Broken): void {
  if (!isRecord(entry)) broken(`an entry for tensor ${name}`, String(entry));
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype))
    broken(`tensor ${name} of type ${Object.keys(BYTES).join(', ')}`, String(dtype));
  if (!isWholeList(shape)) broken(`a shape for tensor ${name}`, JSON.stringify(shape));
  if (!isWholeList(offsets) || offsets.length !== 2)
    broken(`two offsets for tensor ${name}`, JSON.stringify(offsets));
  const bytes = product(shape) * BYTES[dtype];
  if (offsets[1] - offsets[0] !== bytes)
    broken(`${bytes} bytes for tensor ${name}`, `${offsets[1] - offsets[0]}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWholeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function read(file: number, position: number, length: number): Buffer {
  const buffer = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const n = fs.readSync(file, buffer, done, Math.min(length - done, 2 ** 30), position + done);
    if (n === 0)
      fail({
        where: 'reading',
        expected: `${length} bytes`,
        found: `${done}`,
        next: 'the file was cut short while it was read',
      });
    done += n;
  }
  return buffer;
}

function numbers(dtype: string, bytes: Buffer): Numbers['data'] {
  const { buffer, byteOffset } = bytes;
  if (dtype === 'F32') return new Float32Array(buffer, byteOffset, bytes.length / 4);
  if (dtype === 'I32') return new Int32Array(buffer, byteOffset, bytes.length / 4);
  return new Uint8Array(buffer, byteOffset, bytes.length);
}

function dtypeOf(data: Numbers['data']): string {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Int32Array ? 'I32' : 'U8';
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
