/** The few marks that static pictures are made of: a page with its title, texts, boxes, a legend. */
import { escaped, wrap } from './scale';

/** A page of the given size with title and caption; `body` is told where its own area begins, and how wide the page is. */
export function page(
  { title, caption }: { title: string; caption: string },
  width: number,
  height: number,
  body: (top: number) => string,
): string {
  const lines = wrap(caption, Math.floor(width / 6.2));
  const top = 30 + 15 * lines.length;
  const words = lines.map((line, i) => text(12, 38 + 15 * i, line, { size: 12, color: '#555' })).join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top + height}" viewBox="0 0 ${width} ${top + height}" ` +
    `font-family="Helvetica, Arial, sans-serif"><title>${escaped(title)}</title>` +
    `<rect width="100%" height="100%" fill="#fff"/>` +
    `${text(12, 20, title, { size: 15, weight: 'bold' })}${words}${body(top)}</svg>`
  );
}

/** One text; `turn` is in degrees about its own place. */
export function text(
  x: number,
  y: number,
  words: string,
  {
    size = 11,
    color = '#222',
    anchor = 'start',
    weight = 'normal',
    turn = 0,
  }: {
    size?: number;
    color?: string;
    anchor?: 'start' | 'middle' | 'end';
    weight?: string;
    turn?: number;
  } = {},
): string {
  const rotate = turn ? ` transform="rotate(${turn} ${n(x)} ${n(y)})"` : '';
  return `<text x="${n(x)}" y="${n(y)}" font-size="${size}" fill="${color}" text-anchor="${anchor}" font-weight="${weight}"${rotate}>${escaped(words)}</text>`;
}

/** A rectangle filled with one colour. */
export function box(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${fill}"/>`;
}

/** A length with at most two decimals. */
export const n = (value: number) => String(Math.round(value * 100) / 100);

/** Names with their colours in one row, wrapped where the row is full. */
export function legend(
  items: readonly { name: string; color: string }[],
  x: number,
  y: number,
  width: number,
): string {
  let [left, top] = [x, y];
  return items
    .map(({ name, color }) => {
      const needed = 24 + name.length * 6.4;
      if (left > x && left + needed > x + width) [left, top] = [x, top + 16];
      const item = box(left, top - 9, 10, 10, color) + text(left + 14, top, name);
      left += needed;
      return item;
    })
    .join('');
}
