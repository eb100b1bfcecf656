/** The network of each method of `methods.ts`. */
import type { Network, Shape3 } from '../engine/model';
import type { Genotype } from '../paper/genotype';
import { derivedNetwork, type NetworkOptions } from '../paper/network';
import type { Method } from './methods';
import { nnunet } from './nnunet';
import { unet } from './unet';
import { uresnet } from './uresnet';

/** What a method's network may be built from. */
export interface MethodOptions extends NetworkOptions {
  readonly patch: Shape3;
  readonly genotype?: Genotype;
}

function ofGenotype({ genotype, ...options }: MethodOptions): Network {
  if (!genotype) throw new Error('a method with a genotype is built without one');
  return derivedNetwork(options, genotype);
}

/** Builds the network of a method; `stem` is its first width. */
export const networkBy: Readonly<Record<Method, (options: MethodOptions) => Network>> = {
  scnas: ofGenotype,
  transfer: ofGenotype,
  random: ofGenotype,
  uresnet: ({ stem: width, ...options }) => uresnet({ ...options, width }),
  nnunet: ({ stem: width, ...options }) => nnunet({ ...options, width }),
  unet: ({ stem: width, ...options }) => unet({ ...options, width }),
};
