/** A search as a film: the cells that α would give at the end of each epoch. */
import { derive } from '../paper/derive';
import type { Alpha } from '../paper/first-order';
import { type CellType, cellTypes } from '../paper/genotype';
import type { Operation } from '../paper/operations';
import type { Readings } from '../paper/readings';
import { genotypeSvg } from './cells';
import type { FilmFigure } from './figure';
import { evenly } from './scale';

/**
 * The derived cells at each epoch, with a slider; every frame is laid out alike, and a line is the thicker the clearer its choice.
 *
 * @param alphas α before the first epoch and at the end of each, in order
 * @param operations candidate operations O
 * @param readings `derivation`
 * @param most frames at most, evenly chosen
 */
export async function genotypeFilm(
  alphas: readonly Alpha[],
  operations: readonly Operation[],
  readings: Readings,
  title = 'The cells at each epoch',
  most = 11,
): Promise<FilmFigure> {
  const epochs = evenly(alphas.length, most);
  const derived = epochs.map((epoch) => derive(alphas[epoch], operations, readings, {}));
  const widest = Math.max(...derived.flatMap((d) => cellTypes.flatMap((type) => d.margins[type])));
  const frames = await Promise.all(
    derived.map(async ({ genotype, margins }, i) => {
      const weigh = (type: CellType) => margins[type].map((margin) => (widest > 0 ? margin / widest : 0));
      const weights = { enc: weigh('enc'), red: weigh('red'), dec: weigh('dec'), exp: weigh('exp') };
      const look = { zero: 'pale', steady: true, weights } as const;
      const note = `The thickest line has the margin ${widest.toFixed(3)}.`;
      const name = `${title}: epoch ${epochs[i]}`;
      return { label: String(epochs[i]), svg: await genotypeSvg(genotype, name, look, note) };
    }),
  );
  return { kind: 'film', title, caption: '', slider: 'epoch', frames, start: frames.length - 1 };
}
