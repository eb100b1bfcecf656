/**
 * The methods that are compared, one record each: where the network comes from and how it is trained. Configurations, the command line, retraining
 * and tables read this list.
 */
import type { Network, Shape3 } from '../engine/model';
import type { Genotype } from '../paper/genotype';
import type { NetworkOptions } from '../paper/network';
import type { Training } from '../paper/training';

/** What a method's network may be built from. */
export interface MethodOptions extends NetworkOptions {
  readonly patch: Shape3;
  readonly genotype?: Genotype;
}

/** One method. */
export interface MethodRecord {
  readonly name: string;
  readonly title: string;
  /** Where its genotype comes from; absent: its network was designed by hand. */
  readonly genotype?: 'searched' | 'given' | 'drawn';
  /** Width that its authors give it: of the stem, or of the first level. */
  readonly width: number;
  /** Loss and optimiser. */
  readonly training: Training;
  /** Its network; `stem` is its first width. */
  network(options: MethodOptions): Network;
}

const paper: Training = { loss: 'jaccard', optimiser: 'adam' };
const nnUnet: Training = { loss: 'dice and cross-entropy', optimiser: 'amsgrad with weight decay' };

// Networks are loaded when one is built: a command's help needs the names alone.
const load = <M>(file: string): M => require(file) as M;

function ofGenotype({ genotype, ...options }: MethodOptions): Network {
  if (!genotype) throw new Error('a method with a genotype is built without one');
  return load<typeof import('../paper/network')>('../paper/network').derivedNetwork(options, genotype);
}

/** The methods, the paper's first. */
export const methodList = [
  {
    name: 'scnas',
    title: 'SCNAS',
    genotype: 'searched',
    width: 68,
    training: paper,
    network: ofGenotype,
  },
  {
    name: 'transfer',
    title: 'SCNAS (transfer)',
    genotype: 'given',
    width: 68,
    training: paper,
    network: ofGenotype,
  },
  {
    name: 'random',
    title: 'random genotype',
    genotype: 'drawn',
    width: 68,
    training: paper,
    network: ofGenotype,
  },
  {
    name: 'uresnet',
    title: '3D U-ResNet',
    width: 32,
    training: paper,
    network: ({ stem: width, ...options }) =>
      load<typeof import('./uresnet')>('./uresnet').uresnet({ ...options, width }),
  },
  {
    name: 'nnunet',
    title: '3D nnU-Net',
    width: 30,
    training: nnUnet,
    network: ({ stem: width, ...options }) =>
      load<typeof import('./nnunet')>('./nnunet').nnunet({ ...options, width }),
  },
  {
    name: 'unet',
    title: 'plain 3D U-Net',
    width: 32,
    training: paper,
    network: ({ stem: width, ...options }) =>
      load<typeof import('./unet')>('./unet').unet({ ...options, width }),
  },
] as const satisfies readonly MethodRecord[];

/** A method's name. */
export type Method = (typeof methodList)[number]['name'];

/** The record of a method. */
export function methodOf(name: Method): MethodRecord {
  return methodList.find((method) => method.name === name) as MethodRecord;
}
