/**
 * 3D U-ResNet, the paper's own baseline (§3): "residual blocks [Yu et al. 2017], multiple segmentation maps [Kayalibay et al. 2017], attention gates
 * [Oktay et al. 2018]", 32 first channels, 419.59 G for the brain task.
 *
 * The paper gives no more. This plain reading comes to 418.66 G multiply-adds at 4×128³ with four classes; the number does not identify the network.
 */
import type { Network } from '../engine/model';
import { IMAGE, type Layer, layered } from './layered';
import { convolution, gated, mapped, sum, transposed, upsampled } from './layers';
import { channelsAt, type PeerOptions } from './width';

const LEVELS = 4;

/**
 * A residual block of two convolutions; where channels or resolution change, the first convolution changes them and a 1³ convolution is the shortcut.
 *
 * $y = s(x) + f_2(f_1(x))$
 */
function block(name: string, from: string, outputs: number, change: 'none' | 'down'): readonly Layer[] {
  const strides = change === 'down' ? ([2, 2, 2] as const) : ([1, 1, 1] as const);
  const shortcut = change === 'down' ? `${name}s` : from;
  return [
    convolution(`${name}a`, from, { outputs, strides }),
    convolution(`${name}b`, `${name}a`, { outputs }),
    ...(change === 'down' ? [convolution(shortcut, from, { outputs, side: 1, strides })] : []),
    sum(name, [`${name}b`, shortcut]),
  ];
}

/**
 * The way up to a level: transposed convolution, the encoder's map through an attention gate, their sum, a residual block.
 *
 * $a = \sigma(\psi(\theta(x) + \varphi(g))),\quad y = g + a\,x$ with the encoder's map x and the gate g, both at full resolution of the level
 */
function upward(level: number, outputs: number): readonly Layer[] {
  const [x, g] = [`down${level}`, `up${level}`];
  const below = level === LEVELS - 2 ? `down${level + 1}` : `dec${level + 1}`;
  return [
    transposed(g, below, { outputs, strides: [2, 2, 2], norm: true }),
    convolution(`theta${level}`, x, { outputs, side: 1 }),
    convolution(`phi${level}`, g, { outputs, side: 1 }),
    sum(`attention${level}`, [`theta${level}`, `phi${level}`]),
    mapped(`psi${level}`, `attention${level}`, 1),
    gated(`gate${level}`, x, `psi${level}`),
    sum(`join${level}`, [g, `gate${level}`]),
    ...block(`dec${level}`, `join${level}`, outputs, 'none'),
  ];
}

/** Class logits at 1/4, 1/2 and full resolution; a coarser map is upsampled and added to the next. */
function maps(classes: number): readonly Layer[] {
  return [
    mapped('map2', 'dec2', classes),
    upsampled('map2up', 'map2'),
    mapped('map1', 'dec1', classes),
    sum('maps1', ['map1', 'map2up']),
    upsampled('map1up', 'maps1'),
    mapped('map0', 'dec0', classes),
    sum('maps0', ['map0', 'map1up']),
  ];
}

/**
 * The U-ResNet of a width.
 *
 * Rule: stem 3³ to w; residual blocks of w, 2w, 4w, 8w, strided down; up by 2³ transposed convolutions, gated skips added; three summed maps.
 * @param options image channels, classes, width w (32 in the paper)
 * Departs from the paper: nothing that it says; LeakyReLU before each convolution and InstanceNorm after it, as in its operations, also in the gates.
 * Source: §3; reading: 3D U-ResNet.
 */
export function uresnet(options: PeerOptions): Network {
  const at = (level: number) => channelsAt(options.width, level);
  return layered('uresnet', options, [
    convolution('stem', IMAGE, { outputs: at(0), activate: false }),
    ...block('down0', 'stem', at(0), 'none'),
    ...[1, 2, 3].flatMap((level) => block(`down${level}`, `down${level - 1}`, at(level), 'down')),
    ...[2, 1, 0].flatMap((level) => upward(level, at(level))),
    ...maps(options.classes),
  ]);
}
