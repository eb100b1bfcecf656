/** Single kernels as the network runs them: which, at what channels, at what volume. */
import type { Shape3 } from '../src/engine/model';
import { operations } from '../src/paper/operations';

/** What is timed, on both sides. */
export interface KernelSpec {
  readonly kernel: KernelName;
  /** x, [n, x, y, z, channels]. */
  readonly shape: readonly [number, number, number, number, number];
  /** Also the gradients to x and to the weights. */
  readonly backward: boolean;
}

/** Channels of a node with the level at which the networks have them. */
const volumes: readonly { readonly channels: number; readonly batch: number; readonly patch: Shape3 }[] = [
  // stem 16, 40×56×40: levels 0 to 2
  { channels: 4, batch: 2, patch: [40, 56, 40] },
  { channels: 8, batch: 2, patch: [20, 28, 20] },
  { channels: 16, batch: 2, patch: [10, 14, 10] },
  // stem 48, 64³
  { channels: 12, batch: 1, patch: [64, 64, 64] },
  { channels: 24, batch: 1, patch: [32, 32, 32] },
  { channels: 48, batch: 1, patch: [16, 16, 16] },
  // stem 68, 64³: levels 0 to 3
  { channels: 17, batch: 1, patch: [64, 64, 64] },
  { channels: 34, batch: 1, patch: [32, 32, 32] },
  { channels: 68, batch: 1, patch: [16, 16, 16] },
  { channels: 136, batch: 1, patch: [8, 8, 8] },
];

/** Channel counts, rising. */
export const channelCounts: readonly number[] = volumes.map((v) => v.channels).sort((a, b) => a - b);

/** Units are LeakyReLU → operation → InstanceNorm, as every edge and entry of the network has them; the others stand alone. */
export const kernelNames = [
  'conv3 unit',
  'conv3 unit, stride 2',
  'separable unit, dilation 2',
  'separable unit, dilation 3',
  'separable unit, dilation 4',
  'separable unit, dilation 2, stride 2',
  'pointwise unit',
  'factorized reduce unit',
  'max pool',
  'max pool, stride 2',
  'average pool',
  'average pool, stride 2',
  'instance norm',
  'upsample ×2',
] as const;
export type KernelName = (typeof kernelNames)[number];

/** Every kernel at every channel count, forward and with its gradients. */
export const kernelSpecs: readonly KernelSpec[] = kernelNames.flatMap((kernel) =>
  [...volumes]
    .sort((a, b) => a.channels - b.channels)
    .flatMap(({ channels, batch, patch }) =>
      [false, true].map((backward): KernelSpec => ({ kernel, shape: [batch, ...patch, channels], backward })),
    ),
);

/** Where each channel count stands, in words. */
export const volumesInWords = [...volumes]
  .sort((a, b) => a.channels - b.channels)
  .map(({ channels, batch, patch }) => `${channels}: ${batch}×${patch.join('×')}`)
  .join(', ');

/** Stride and dilation of a kernel's name. */
export function steppingOf(kernel: KernelName): { readonly stride: 1 | 2; readonly dilation: number } {
  const stride = kernel.endsWith('stride 2') || kernel.startsWith('factorized') ? 2 : 1;
  return { stride, dilation: Number(/dilation (\d)/.exec(kernel)?.[1] ?? 1) };
}

/** Multiply-adds of a forward pass by the paper's operations' own cost functions; 0 for those that only move data. */
export function multiplyAddsOf({ kernel, shape: [n, x, y, z, width] }: KernelSpec): number {
  const { stride } = steppingOf(kernel);
  const voxels = [x, y, z].reduce((product, side) => product * Math.ceil(side / stride), n);
  const site = { width, stride, affine: false, poolNorm: false, identity: 'factorized reduce' } as const;
  const cost = (name: string) => operations.find((o) => o.name === name)?.cost(site).multiplyAdds ?? 0;
  if (kernel.startsWith('conv3')) return cost('conv3') * voxels;
  if (kernel.startsWith('separable')) return cost('sep2') * voxels;
  if (kernel === 'factorized reduce unit') return cost('identity') * voxels;
  return kernel === 'pointwise unit' ? width * width * voxels : 0;
}
