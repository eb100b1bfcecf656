/**
 * A plain 3D U-Net (Çiçek et al. 2016) to set beside a found network of equal cost: four levels, two convolutions a level, concatenated skips.
 *
 * Convolutions are InstanceNorm'd and LeakyReLU'd as the search's are, strided on the way down; the way up is a 1³ convolution and trilinear ×2.
 */
import type { Network } from '../engine/model';
import { IMAGE, type Layer, layered } from './layered';
import { concatenated, convolution, mapped, upsampled } from './layers';
import { channelsAt, type PeerOptions } from './width';

const LEVELS = 4;

/** The U-Net of a width. */
export function unet(options: PeerOptions): Network {
  const at = (level: number) => channelsAt(options.width, level);
  const levels = Array.from({ length: LEVELS }, (_, level) => level);
  const down = levels.flatMap((l): Layer[] => [
    l === 0
      ? convolution('down0a', IMAGE, { outputs: at(0), activate: false })
      : convolution(`down${l}a`, `down${l - 1}b`, { outputs: at(l), strides: [2, 2, 2] }),
    convolution(`down${l}b`, `down${l}a`, { outputs: at(l) }),
  ]);
  const up = levels
    .slice(0, -1)
    .reverse()
    .flatMap((l): Layer[] => [
      convolution(`up${l}`, l === LEVELS - 2 ? `down${l + 1}b` : `up${l + 1}b`, { outputs: at(l), side: 1 }),
      upsampled(`finer${l}`, `up${l}`),
      concatenated(`join${l}`, [`finer${l}`, `down${l}b`]),
      convolution(`up${l}a`, `join${l}`, { outputs: at(l) }),
      convolution(`up${l}b`, `up${l}a`, { outputs: at(l) }),
    ]);
  return layered('unet', options, [...down, ...up, mapped('out', 'up0b', options.classes)]);
}
