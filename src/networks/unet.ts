/**
 * A plain 3D U-Net (Çiçek et al. 2016) to set beside a found network of equal cost: four levels, two convolutions a level, concatenated skips.
 *
 * Convolutions are InstanceNorm'd and LeakyReLU'd as the search's are, strided on the way down; the way up is a 1³ convolution and trilinear ×2.
 */
import { kernels } from '../engine/kernels';
import {
  type LayerCost,
  type Network,
  type ParameterSpec,
  parameterCount,
  type Shape3,
  type Tensor5D,
  type Theta,
} from '../engine/model';
import { tf } from '../engine/tf';
import { totalCost } from '../paper/cost';

/** A convolution of the network: LeakyReLU-Conv-InstanceNorm, the first without LeakyReLU. */
interface Unit {
  readonly name: string;
  readonly k: 1 | 3;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
  /** Level of its output. */
  readonly level: number;
}

export interface UnetOptions {
  readonly inputs: number;
  readonly classes: number;
  /** Channels at full resolution; doubled with each level, then rounded, so that a width between whole numbers lies between them in cost. */
  readonly width: number;
}

const LEVELS = 4;

const channelsAt = (width: number, level: number): number => Math.round(width * 2 ** level);

function unitsOf({ inputs, width }: UnetOptions): readonly Unit[] {
  const at = (level: number) => channelsAt(width, level);
  const levels = Array.from({ length: LEVELS }, (_, l) => l);
  const down = levels.flatMap((l): Unit[] => [
    {
      name: `down${l}a`,
      k: 3,
      inputs: l === 0 ? inputs : at(l - 1),
      outputs: at(l),
      stride: l === 0 ? 1 : 2,
      level: l,
    },
    { name: `down${l}b`, k: 3, inputs: at(l), outputs: at(l), stride: 1, level: l },
  ]);
  const up = levels
    .slice(0, -1)
    .reverse()
    .flatMap((l): Unit[] => [
      { name: `up${l}`, k: 1, inputs: at(l + 1), outputs: at(l), stride: 1, level: l + 1 },
      { name: `up${l}a`, k: 3, inputs: 2 * at(l), outputs: at(l), stride: 1, level: l },
      { name: `up${l}b`, k: 3, inputs: at(l), outputs: at(l), stride: 1, level: l },
    ]);
  return [...down, ...up];
}

/** The U-Net of a width. */
export function unet(options: UnetOptions): Network {
  const { inputs, classes } = options;
  const width = channelsAt(options.width, 0);
  const units = unitsOf(options);
  const byName = new Map(units.map((u) => [u.name, u]));
  const specs = (u: Unit): ParameterSpec[] => [
    {
      name: `${u.name}/weight`,
      shape: [u.k, u.k, u.k, u.inputs, u.outputs],
      init: 'he',
      fanIn: u.k ** 3 * u.inputs,
      group: u.name,
    },
    { name: `${u.name}/gamma`, shape: [u.outputs], init: 'ones', group: u.name },
    { name: `${u.name}/beta`, shape: [u.outputs], init: 'zeros', group: u.name },
  ];
  const out: ParameterSpec[] = [
    { name: 'out/weight', shape: [1, 1, 1, width, classes], init: 'he', fanIn: width, group: 'out' },
    { name: 'out/bias', shape: [classes], init: 'zeros', group: 'out' },
  ];
  const parameters = [...units.flatMap(specs), ...out];
  const size = (name: string) => parameterCount(parameters.filter((p) => p.group === name));

  const run = (theta: Theta, name: string, x: Tensor5D): Tensor5D => {
    const stride = byName.get(name)?.stride ?? 1;
    const weight = theta[`${name}/weight`] as tf.Tensor5D;
    const affine = {
      gamma: theta[`${name}/gamma`] as tf.Tensor1D,
      beta: theta[`${name}/beta`] as tf.Tensor1D,
    };
    const step = { stride, dilation: 1 } as const;
    return name === 'down0a'
      ? kernels().instanceNorm(kernels().conv3d(x, weight, step), affine)
      : kernels().convUnit(x, weight, step, affine);
  };

  return {
    name: 'unet',
    inputs,
    classes,
    parameters,
    forward: (theta, x) => {
      const skips: Tensor5D[] = [];
      let y = x;
      for (let l = 0; l < LEVELS; l++) {
        y = run(theta, `down${l}b`, run(theta, `down${l}a`, y));
        skips.push(y);
      }
      for (let l = LEVELS - 2; l >= 0; l--) {
        const finer = kernels().upsample(run(theta, `up${l}`, y));
        y = run(theta, `up${l}b`, run(theta, `up${l}a`, tf.concat([finer, skips[l]], 4)));
      }
      const weight = theta['out/weight'] as tf.Tensor5D;
      return kernels().outUnit(y, weight, theta['out/bias'] as tf.Tensor1D);
    },
    cost: (patch) => {
      const voxels = (level: number) => patch.reduce((n, s) => n * Math.ceil(s / 2 ** level), 1);
      const layer = (u: Unit): LayerCost => ({
        name: u.name,
        multiplyAdds: u.k ** 3 * u.inputs * u.outputs * voxels(u.level),
        parameters: size(u.name),
        activationBytes: 8 * u.outputs * voxels(u.level),
      });
      const last = { name: 'out', multiplyAdds: width * classes * voxels(0), parameters: size('out') };
      return [...units.map(layer), { ...last, activationBytes: 4 * (width + classes) * voxels(0) }];
    },
  };
}

/** The U-Net whose multiply-adds for a patch come nearest to a number. */
export function unetOfCost(
  options: Omit<UnetOptions, 'width'> & { multiplyAdds: number; patch: Shape3 },
): Network {
  const candidates = Array.from({ length: 8 * 64 }, (_, i) => unet({ ...options, width: 1 + i / 8 }));
  const distance = (net: Network) =>
    Math.abs(totalCost(net.cost(options.patch)).flops / options.multiplyAdds - 1);
  return candidates.reduce((best, net) => (distance(net) < distance(best) ? net : best));
}
