/** Slices as pictures: a label map is laid over the grey image through a palette, a class and a grey value in one byte. */
import type { Overlay, SlicesFigure } from './figure';
import { box, legend, page, text } from './ink';
import { classColor, hex, mix, shade } from './palette';
import { dataUri, png } from './png';
import { short } from './scale';

/** Grey levels of an overlay's picture: 8 classes × 32 levels fit in a byte. */
const LEVELS = 32;
/** How strongly a class colours the grey below it. */
const STRENGTH = 0.5;

/** 256 greys, black to white. */
export const GREYS: readonly string[] = Array.from({ length: 256 }, (_, v) => hex([v, v, v]));

/** 256 colours of numbers, from the lower end of their range to the upper. */
export const SHADES: readonly string[] = Array.from({ length: 256 }, (_, v) => shade(v / 255));

/** The colours of {@link composed}'s bytes: 32 greys for the background, then 32 tints of each class. */
export const TINTS: readonly string[] = Array.from({ length: 8 * LEVELS }, (_, i) => {
  const grey = Math.round(((i % LEVELS) * 255) / (LEVELS - 1));
  const k = Math.floor(i / LEVELS);
  return k === 0 ? hex([grey, grey, grey]) : mix(hex([grey, grey, grey]), classColor(k), STRENGTH);
});

/** Image and label map as one byte a pixel: class · 32 + grey / 8. */
export function composed(image: Uint8Array, labels: Uint8Array): Uint8Array {
  return image.map((grey, i) => Math.min(labels[i], 7) * LEVELS + (grey >> 3));
}

/** The panels of the `i`-th slice, left to right: the image, then each overlay. */
export function panels(
  figure: SlicesFigure,
  i: number,
): { title: string; pixels: Uint8Array; palette: readonly string[] }[] {
  return [
    { title: 'image', pixels: figure.image[i], palette: GREYS },
    ...figure.overlays.map(({ name, slices, range }: Overlay) => ({
      title: name,
      pixels: range ? slices[i] : composed(figure.image[i], slices[i]),
      palette: range ? SHADES : TINTS,
    })),
  ];
}

/** The foreground classes with their colours, and both ends of the colours of numbers, as far as the figure shows them. */
export function classLegend({ overlays, classes }: SlicesFigure): { name: string; color: string }[] {
  const numbers = overlays.find(({ range }) => range)?.range ?? [];
  const ends = numbers.map((value, k) => ({ name: short(value), color: shade(k) }));
  const labels = overlays.some(({ range }) => !range) ? classes.slice(1) : [];
  return [...labels.map((name, k) => ({ name, color: classColor(k + 1) })), ...ends];
}

/** Which slices a still picture shows: the first-shown one between a lower and a higher one. */
function stills(figure: SlicesFigure): number[] {
  const last = figure.indices.length - 1;
  const apart = Math.max(1, Math.round(figure.indices.length / 6));
  return [
    ...new Set([Math.max(0, figure.start - apart), figure.start, Math.min(last, figure.start + apart)]),
  ];
}

/** Three slices as rows, panels as columns. */
export function slicesSvg(figure: SlicesFigure): string {
  const columns = 1 + figure.overlays.length;
  const shown = stills(figure);
  const scale = Math.min(4.5, 220 / figure.width, 200 / (figure.height * figure.aspect));
  const [width, height] = [figure.width * scale, figure.height * figure.aspect * scale];
  const left = 64;
  const whole = Math.max(480, left + columns * (width + 10) + 10);
  return page(figure, whole, 44 + shown.length * (height + 8), (top) => {
    const pictures = shown.map((place, row) => {
      const y = top + 34 + row * (height + 8);
      const drawn = panels(figure, place).map(({ title, pixels, palette }, column) => {
        const x = left + column * (width + 10);
        const head = row === 0 ? text(x + width / 2, y - 6, title, { anchor: 'middle', weight: 'bold' }) : '';
        const file = dataUri(png(upright(pixels, figure.width), figure.width, palette));
        const frame = box(x - 1, y - 1, width + 2, height + 2, '#000');
        return `${head}${frame}<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${file}"/>`;
      });
      return (
        text(left - 8, y + height / 2, `${figure.axis} = ${figure.indices[place]}`, { anchor: 'end' }) +
        drawn.join('')
      );
    });
    return legend(classLegend(figure), left, top + 8, whole - left) + pictures.join('');
  });
}

/** Rows from the top down, as a picture file wants them. */
function upright(pixels: Uint8Array, width: number): Uint8Array {
  const height = pixels.length / width;
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++)
    out.set(pixels.subarray((height - 1 - y) * width, (height - y) * width), y * width);
  return out;
}
