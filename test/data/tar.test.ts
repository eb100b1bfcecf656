import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { listTar } from '../../src/data/tar';
import { unpackTask } from '../../src/data/unpack';
import { ScnasError } from '../../src/engine/errors';
import contents from '../fixtures/data/tars/contents.json';
import { freshFolder } from './folder';
import { type Entry, pax, tarOf } from './tar-maker';

const fixtures = path.join(__dirname, '..', 'fixtures', 'data', 'tars');
const TASK = 'Task09_Tiny';

/** Unpacks these bytes into a fresh folder. */
async function unpack(
  bytes: Buffer,
  options: Parameters<typeof unpackTask>[3] = {},
  prepare = (_: string) => {},
) {
  const root = freshFolder();
  const tar = path.join(root, 'a.tar');
  writeFileSync(tar, bytes);
  const out = path.join(root, 'inner', 'out');
  prepare(out);
  const there = () => readdirSync(root, { recursive: true }).map(String).sort();
  try {
    return { out, there, folder: await unpackTask(tar, TASK, out, options), error: undefined };
  } catch (error) {
    return { out, there, folder: undefined, error };
  }
}

describe('what Python’s tarfile wrote', () => {
  it.each(['ustar', 'gnu', 'pax'])('%s is unpacked to the byte', async (name) => {
    const done: number[] = [];
    const { folder, out } = await unpack(readFileSync(path.join(fixtures, `${name}.tar`)), {
      onBytes: (now, all) => done.push(now / all),
    });
    expect(folder).toBe(path.join(out, TASK));
    for (const [file, bytes] of Object.entries(contents))
      expect([...readFileSync(path.join(out, file))], file).toEqual(bytes);
    expect(readdirSync(out)).toEqual([TASK]);
    expect(done[done.length - 1]).toBe(1);
  });

  it.each(['ustar', 'gnu', 'pax'])(
    '%s, cut anywhere in its files, is refused with nothing unpacked',
    async (name) => {
      const whole = readFileSync(path.join(fixtures, `${name}.tar`));
      const last = Buffer.from(whole.toString('latin1').replace(/\0+$/, ''), 'latin1').length - 1;
      for (const length of [0, 1, 511, 512, 700, 1024, 2048, last - 600, last]) {
        const { error, there } = await unpack(whole.subarray(0, length));
        expect(error, `${length} bytes`).toBeInstanceOf(ScnasError);
        expect(there().filter((file) => file.includes(TASK))).toEqual([]);
      }
    },
  );
});

const file = (name: string, more: Partial<Entry> = {}): Entry => ({ name, bytes: Buffer.from('x'), ...more });
const good = file(`${TASK}/dataset.json`);
const longName = (name: string): Entry[] => [
  { name: '././@LongLink', type: 'L', bytes: Buffer.from(`${name}\0`) },
  file('short'),
];
const paxed = (records: Record<string, string>, entry = file('short')): Entry[] => [
  { name: 'PaxHeaders/x', type: 'x', bytes: pax(records) },
  entry,
];

const bad: Readonly<Record<string, readonly [entries: readonly Entry[], found: string]>> = {
  'a path with ..': [[file(`${TASK}/../../evil`)], 'leads out'],
  'a path that ends in ..': [[{ name: `${TASK}/..`, type: '5' }], 'leads out'],
  'an absolute path': [[file('/tmp/evil')], 'leads out'],
  'a Windows path': [[file('C:\\evil')], 'leads out'],
  'a path with backslashes': [[file(`${TASK}\\..\\evil`)], 'leads out'],
  'a long name with ..': [longName(`${TASK}/../../${'e'.repeat(120)}`), 'leads out'],
  'a pax path with ..': [paxed({ path: `${TASK}/../../evil` }), 'leads out'],
  'an absolute pax path': [paxed({ path: '/tmp/evil' }), 'leads out'],
  'a name with a line end': [[file(`${TASK}/a\nb`)], 'leads out'],
  'a name of 300 bytes': [longName(`${TASK}/${'e'.repeat(300)}`), 'leads out'],
  'no name': [[file('')], 'leads out'],
  'a file named as the folder itself': [[file('.')], 'leads out'],
  'a file that ends in a slash': [[file(`${TASK}/x/`)], 'leads out'],
  'a symbolic link': [[good, { name: `${TASK}/l`, type: '2', link: '/etc' }], 'a symbolic link'],
  'a symbolic link and a file through it': [
    [{ name: `${TASK}/l`, type: '2', link: '..' }, file(`${TASK}/l/evil`)],
    'a symbolic link',
  ],
  'a hard link': [[good, { name: `${TASK}/l`, type: '1', link: '/etc/passwd' }], 'a hard link'],
  'a character device': [[{ name: `${TASK}/d`, type: '3' }], 'a character device'],
  'a block device': [[{ name: `${TASK}/d`, type: '4' }], 'a block device'],
  'a pipe': [[{ name: `${TASK}/p`, type: '6' }], 'a pipe'],
  'a sparse file': [[{ name: `${TASK}/s`, type: 'S' }], 'a sparse file'],
  'a sparse file by pax': [paxed({ 'GNU.sparse.realsize': '99999999999' }), 'a sparse file'],
  'a type that nobody knows': [[{ name: `${TASK}/?`, type: '!' }], 'type "!"'],
  'a file of another folder': [[good, file('other/x')], 'found other/x'],
  'a file beside the folder': [[good, file('x')], 'found x'],
  'no folder at all': [[{ name: './', type: '5' }], 'a folder Task09_Tiny'],
  'a file twice': [[good, good], 'each name once'],
  'a file under a file': [[good, file(`${TASK}/dataset.json/x`)], 'each name once'],
  'a size beyond the end': [[file(`${TASK}/x`, { size: 2 ** 30 })], 'an entry of at most'],
  'a pax size beyond the end': [paxed({ size: '99999999999' }), 'an entry of at most'],
  'a pax size that is none': [paxed({ size: '-5' }), 'a size'],
  'a broken pax header': [
    [{ name: 'x', type: 'x', bytes: Buffer.from('99 path=x\n') }, good],
    'a broken one',
  ],
  'a pax header without length': [
    [{ name: 'x', type: 'x', bytes: Buffer.from('path=x\n') }, good],
    'a broken one',
  ],
  'a huge long name': [
    [{ name: 'x', type: 'L', bytes: Buffer.alloc(2 ** 17, 65) }, good],
    'a name of at most',
  ],
  'a wrong check sum': [[file(`${TASK}/x`, { sum: 7 })], 'check sum'],
};

describe('a tar that is not to be trusted', () => {
  it.each(Object.entries(bad))('%s: one line, and nothing is written', async (_, [entries, found]) => {
    const { error, there } = await unpack(tarOf(entries));
    expect(error).toBeInstanceOf(ScnasError);
    expect(String(error)).toContain(found);
    expect(String(error)).toMatch(/^ScnasError: .+: expected .+, found .+; .+$/);
    expect(there().filter((name) => !['a.tar', 'inner', 'inner/out'].includes(name))).toEqual([]);
  });

  it('macOS’s ._ files are left out, wherever they are', async () => {
    const entries = [file('._Task09_Tiny'), good, file(`${TASK}/._a`), file(`${TASK}/a`)];
    const { folder } = await unpack(tarOf(entries));
    expect(readdirSync(folder ?? '').sort()).toEqual(['a', 'dataset.json']);
  });

  it('a folder that is there is left as it is', async () => {
    const { error, out } = await unpack(tarOf([good]), {}, (dir) =>
      mkdirSync(path.join(dir, TASK), { recursive: true }),
    );
    expect(String(error)).toContain('no such folder yet');
    expect(readdirSync(path.join(out, TASK))).toEqual([]);
  });

  it('an abort leaves nothing', async () => {
    const stop = new AbortController();
    const { error, out } = await unpack(tarOf([good, file(`${TASK}/b`)]), {
      signal: stop.signal,
      onBytes: () => stop.abort(new Error('enough')),
    });
    expect(String(error)).toContain('enough');
    expect(readdirSync(out)).toEqual([]);
  });

  it('a terabyte of zeros ends at its first block, a text is no tar', () => {
    const tar = path.join(freshFolder(), 'a.tar');
    writeFileSync(tar, '');
    truncateSync(tar, 2 ** 40);
    expect(listTar(tar)).toEqual([]);
    writeFileSync(tar, 'no tar '.repeat(200));
    expect(() => listTar(tar)).toThrow(ScnasError);
    expect(existsSync(tar)).toBe(true);
  });
});
