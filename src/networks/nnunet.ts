/**
 * 3D nnU-Net of 2018 (Isensee et al., version 1), the paper's second baseline: 30 first channels, at most 320, two convolutions a level, strided
 * convolutions down, transposed convolutions up, concatenated skips; no deep supervision.
 */
import type { Network, Shape3 } from '../engine/model';
import { IMAGE, type Layer, layered } from './layered';
import { activated, concatenated, convolution, mapped, transposed } from './layers';
import { channelsAt, type PeerOptions } from './width';

/** No level has more channels than this. */
const MOST = 320;
/** An axis is halved while it keeps this many voxels. */
const LEAST = 4;

/** How often an axis is halved: while it stays at least 4 voxels long, and whole. */
function halvings(side: number): number {
  let n = 0;
  while (side % 2 ** (n + 1) === 0 && side / 2 ** (n + 1) >= LEAST) n++;
  return n;
}

/**
 * The strides between the levels, the finest first: an axis that can be halved less often than others is halved in the last steps only.
 *
 * Rule: an axis of n voxels is halved ⌊log₂(n/4)⌋ times.
 * @param patch sides, voxels
 * Departs from nnU-Net: a side that cannot be halved so often is halved less often, where version 1 makes the patch larger; all kernels are 3³, as
 * for spacings that are about equal (version 1 takes kernels of one voxel along a coarse axis).
 * Source: nnU-Net 1, get_pool_and_conv_props_poolLateV2.
 */
export function poolings(patch: Shape3): readonly Shape3[] {
  const each = patch.map(halvings);
  const most = Math.max(...each);
  return Array.from(
    { length: most },
    (_, step) => each.map((n) => (n + step >= most ? 2 : 1)) as unknown as Shape3,
  );
}

/**
 * The nnU-Net of a width for a patch.
 *
 * Rule: level l has min(320, w·2^l) channels and two convolutions, the first strided; on the way up the transposed convolution's result stands
 * beside the encoder's map, after its LeakyReLU.
 * @param options image channels, classes, width w (30 in nnU-Net 1), patch
 * Departs from nnU-Net: convolutions have no bias, which an InstanceNorm would take away.
 * Source: nnU-Net 1, Generic_UNet with convolutional pooling and upsampling.
 */
export function nnunet(options: PeerOptions & { readonly patch: Shape3 }): Network {
  const steps = poolings(options.patch);
  const at = (level: number) => Math.min(MOST, channelsAt(options.width, level));
  const bottom = steps.length;
  const down = [undefined, ...steps].flatMap((strides, l): Layer[] => [
    strides === undefined
      ? convolution('down0a', IMAGE, { outputs: at(0), activate: false })
      : convolution(`down${l}a`, `down${l - 1}b`, { outputs: at(l), strides }),
    convolution(`down${l}b`, `down${l}a`, { outputs: at(l) }),
  ]);
  const up = steps
    .map((strides, l): Layer[] => [
      transposed(`up${l}`, l === bottom - 1 ? `down${bottom}b` : `dec${l + 1}b`, {
        outputs: at(l),
        strides,
        norm: false,
      }),
      activated(`skip${l}`, `down${l}b`),
      concatenated(`join${l}`, [`up${l}`, `skip${l}`]),
      convolution(`dec${l}a`, `join${l}`, { outputs: at(l), activate: false }),
      convolution(`dec${l}b`, `dec${l}a`, { outputs: at(l) }),
    ])
    .reverse()
    .flat();
  const last = bottom === 0 ? 'down0b' : 'dec0b';
  return layered('nnunet', options, [...down, ...up, mapped('out', last, options.classes, false)]);
}
