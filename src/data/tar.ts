/**
 * A small reader of tar files (ustar, with pax and GNU long names), which takes files and folders and nothing else: no link, no device,
 * no path out of the folder, no size beyond the file's own.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fail } from '../engine/errors';

/** A file or a folder in a tar. */
export interface TarEntry {
  /** Checked: segments joined by /, none of them empty, . or .. */
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly size: number;
  /** Where in the tar its bytes begin. */
  readonly offset: number;
}

const BLOCK = 512;
const MOST_ENTRIES = 200_000;
/** A long name, or a pax header, in bytes. */
const LONGEST_HEADER = 2 ** 16;

const kinds: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a pipe',
  S: 'a sparse file',
};

/**
 * Everything in a tar, checked before any of it is unpacked.
 *
 * Errors: a ScnasError that names the entry for a link, a device or a pipe, a path that is absolute or leads out, a broken check sum,
 * a size beyond the tar's end, or a tar that is cut.
 */
export function listTar(file: string): TarEntry[] {
  const handle = openSync(file, 'r');
  try {
    return listOpen(file, handle, fstatSync(handle).size);
  } finally {
    closeSync(handle);
  }
}

function listOpen(file: string, handle: number, length: number): TarEntry[] {
  const entries: TarEntry[] = [];
  let long: { readonly name?: string; readonly size?: number } = {};
  let offset = 0;
  while (offset + BLOCK <= length) {
    const header = readAt(handle, offset, BLOCK);
    if (header.every((byte) => byte === 0)) return entries;
    const at = `${file}, byte ${offset}`;
    checkSum(header, at);
    const type = String.fromCharCode(header[156]);
    const size = long.size ?? octal(header.subarray(124, 136), at);
    offset += BLOCK;
    if (offset + size > length) wrong(at, `an entry of at most ${length - offset} bytes`, `${size}`);
    if (type === 'x' || type === 'L') {
      if (size > LONGEST_HEADER) wrong(at, `a name of at most ${LONGEST_HEADER} bytes`, `${size}`);
      const bytes = readAt(handle, offset, size);
      long = type === 'L' ? { ...long, name: text(bytes) } : { ...long, ...pax(bytes, at) };
    } else if (type !== 'g') {
      const name = long.name ?? headerName(header);
      const kind = ['0', '\0', '7'].includes(type) ? 'file' : type === '5' ? 'folder' : undefined;
      if (!kind)
        return wrong(`${file}, ${shown(name)}`, 'files and folders', kinds[type] ?? `type ${shown(type)}`);
      entries.push({ name: safeName(name, kind, file), kind, size: kind === 'file' ? size : 0, offset });
      long = {};
    }
    offset += Math.ceil(size / BLOCK) * BLOCK;
    if (entries.length > MOST_ENTRIES) wrong(file, `at most ${MOST_ENTRIES} entries`, 'more');
  }
  return wrong(file, 'a tar that ends in a block of zeros', 'its end before that');
}

function readAt(handle: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  readSync(handle, bytes, 0, length, offset);
  return bytes;
}

function text(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

function headerName(header: Buffer): string {
  const ustar = header.toString('latin1', 257, 262) === 'ustar' && header[263] === 0x30;
  const prefix = ustar ? text(header.subarray(345, 500)) : '';
  return (prefix && `${prefix}/`) + text(header.subarray(0, 100));
}

/** Octal digits, or GNU's base 256 for files of 8 GiB and more. */
function octal(field: Buffer, at: string): number {
  if (field[0] === 0x80) {
    const value = field.subarray(1).reduce((n, byte) => n * 256 + byte, 0);
    return Number.isSafeInteger(value) ? value : wrong(at, 'a size', 'a number beyond all files');
  }
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trimStart();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : wrong(at, 'a size', shown(digits));
}

function checkSum(header: Buffer, at: string): void {
  const said = octal(header.subarray(148, 156), at);
  // The sum counts its own field as blanks.
  const sum = header.reduce((n, byte, i) => n + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== said) wrong(at, `a tar header with check sum ${sum}`, `${said}`);
}

/** "LENGTH key=value\n" over and over; only the path and the size count here. */
function pax(bytes: Buffer, at: string): { name?: string; size?: number } {
  const out: { name?: string; size?: number } = {};
  for (let from = 0; from < bytes.length; ) {
    const blank = bytes.indexOf(0x20, from);
    const length = Number(bytes.toString('latin1', from, Math.max(blank, from)));
    const end = from + length;
    if (!Number.isSafeInteger(length) || end <= blank || end > bytes.length || bytes[end - 1] !== 0x0a)
      return wrong(at, 'a pax header', 'a broken one');
    const record = bytes.toString('utf8', blank + 1, end - 1);
    const equals = record.indexOf('=');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key.startsWith('GNU.sparse')) wrong(at, 'files and folders', 'a sparse file');
    if (key === 'path') out.name = value;
    if (key === 'size')
      out.size = /^\d{1,15}$/.test(value) ? Number(value) : wrong(at, 'a size', shown(value));
    from = end;
  }
  return out;
}

/** The path without `.` in it; '' is the folder that the tar is unpacked into. */
function safeName(name: string, kind: TarEntry['kind'], file: string): string {
  const trimmed = kind === 'folder' ? name.replace(/\/+$/, '') : name;
  const segments = trimmed.split('/').filter((segment) => segment !== '.');
  const bad =
    name === '' ||
    (kind === 'file' && segments.length === 0) ||
    /^([A-Za-z]:|\/)|[\p{Cc}\\]/u.test(name) ||
    segments.some((segment) => segment === '' || segment === '..' || Buffer.byteLength(segment) > 255);
  if (bad) wrong(`${file}, ${shown(name)}`, 'a path inside the folder', 'one that leads out or is none');
  return segments.join('/');
}

function shown(value: string): string {
  return JSON.stringify(value).slice(0, 120);
}

function wrong(where: string, expected: string, found: string): never {
  return fail({
    where,
    expected,
    found,
    next: 'nothing was unpacked; fetch the file again from where you trust it',
  });
}
