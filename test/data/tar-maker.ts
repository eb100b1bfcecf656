/** Tars that no honest program writes. */

export interface Entry {
  readonly name: string;
  readonly bytes?: Buffer;
  /** One character; '0' is a file. */
  readonly type?: string;
  readonly link?: string;
  /** What the header says, if not the length of `bytes`. */
  readonly size?: number;
  readonly sum?: number;
}

/** The bytes of a tar with these entries, ended by two blocks of zeros. */
export function tarOf(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(1024)]);
}

function blocks({
  name,
  bytes = Buffer.alloc(0),
  type = '0',
  link = '',
  size = bytes.length,
  sum,
}: Entry): Buffer[] {
  const header = Buffer.alloc(512);
  const octal = (at: number, length: number, value: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  header.write(name, 0, 100, 'utf8');
  for (const [at, value] of [
    [100, 0o644],
    [108, 0],
    [116, 0],
  ] as const)
    octal(at, 8, value);
  octal(124, 12, size);
  octal(136, 12, 0);
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(link, 157, 100, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  octal(148, 7, sum ?? header.reduce((n, byte) => n + byte, 0));
  return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
}

/** A pax header's bytes. */
export function pax(records: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest) + 1;
    while (Buffer.byteLength(`${length}${rest}`) !== length) length = Buffer.byteLength(`${length}${rest}`);
    return `${length}${rest}`;
  });
  return Buffer.from(lines.join(''));
}
