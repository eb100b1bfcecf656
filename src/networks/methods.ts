/**
 * The methods that are compared, one record each: where the network comes from and how it is trained. Configurations, the command line, retraining
 * and tables read this list; `build.ts` has their networks, apart because a command's help needs the names alone.
 */
import type { Training } from '../paper/training';

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
}

const paper: Training = { loss: 'jaccard', optimiser: 'adam' };
const nnUnet: Training = { loss: 'dice and cross-entropy', optimiser: 'amsgrad with weight decay' };

/** The methods, the paper's first. */
export const methodList = [
  {
    name: 'scnas',
    title: 'SCNAS',
    genotype: 'searched',
    width: 68,
    training: paper,
  },
  {
    name: 'transfer',
    title: 'SCNAS (transfer)',
    genotype: 'given',
    width: 68,
    training: paper,
  },
  {
    name: 'random',
    title: 'random genotype',
    genotype: 'drawn',
    width: 68,
    training: paper,
  },
  {
    name: 'uresnet',
    title: '3D U-ResNet',
    width: 32,
    training: paper,
  },
  {
    name: 'nnunet',
    title: '3D nnU-Net',
    width: 30,
    training: nnUnet,
  },
  {
    name: 'unet',
    title: 'plain 3D U-Net',
    width: 32,
    training: paper,
  },
] as const satisfies readonly MethodRecord[];

/** A method's name. */
export type Method = (typeof methodList)[number]['name'];

/** The record of a method. */
export function methodOf(name: Method): MethodRecord {
  return methodList.find((method) => method.name === name) as MethodRecord;
}
