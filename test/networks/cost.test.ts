/** What the peers cost, and what they are made of at other patches. */
import { describe, expect, it } from 'vitest';
import type { Network, Shape3 } from '../../src/engine/model';
import { parameterCount } from '../../src/engine/model';
import { methodList, methodOf } from '../../src/networks/methods';
import { nnunet, poolings } from '../../src/networks/nnunet';
import { unet } from '../../src/networks/unet';
import { uresnet } from '../../src/networks/uresnet';
import { widthOfCost } from '../../src/networks/width';
import { totalCost } from '../../src/paper/cost';
import { losses, optimisers } from '../../src/paper/training';

const ends = { inputs: 4, classes: 4 };
const brain: Shape3 = [128, 128, 128];
const hippocampus: Shape3 = [40, 56, 40];

describe('3D U-ResNet', () => {
  it('at 4×128³, four classes and width 32 takes 418.66 G multiply-adds, 0.2 % from the paper’s 419.59 G', () => {
    const { flops } = totalCost(uresnet({ ...ends, width: 32 }).cost(brain));
    expect((flops / 1e9).toFixed(2)).toBe('418.66');
    expect(Math.abs(flops / 419.59e9 - 1)).toBeLessThan(0.0023);
  });
});

describe('3D nnU-Net', () => {
  it('halves an axis while it stays at least 4 voxels long, a shorter axis last', () => {
    expect(poolings(brain)).toEqual(Array(5).fill([2, 2, 2]));
    expect(poolings(hippocampus)).toEqual(Array(3).fill([2, 2, 2]));
    expect(poolings([80, 192, 160])).toEqual([[1, 2, 2], ...Array(4).fill([2, 2, 2])]);
    expect(poolings([16, 16, 64])).toEqual([[1, 1, 2], [1, 1, 2], ...Array(2).fill([2, 2, 2])]);
  });

  it('has 30 · 2^level channels, 320 at most', () => {
    const { parameters } = nnunet({ ...ends, width: 30, patch: brain });
    const channels = parameters
      .filter(({ name }) => /down\db\/weight/.test(name))
      .map(({ shape }) => shape[4]);
    expect(channels).toEqual([30, 60, 120, 240, 320, 320]);
  });
});

const builds: readonly [string, (width: number) => Network][] = [
  ['unet', (width) => unet({ inputs: 1, classes: 3, width })],
  ['uresnet', (width) => uresnet({ inputs: 1, classes: 3, width })],
  ['nnunet', (width) => nnunet({ inputs: 1, classes: 3, width, patch: hippocampus })],
];

describe.each(builds)('%s', (_, build) => {
  it.each([0.3, 0.8, 5])('is brought to %f G multiply-adds within 10 %% by its width', (giga) => {
    const { flops } = totalCost(build(widthOfCost(giga * 1e9, hippocampus, build)).cost(hippocampus));
    expect(Math.abs(flops / (giga * 1e9) - 1)).toBeLessThan(0.1);
  });

  it('is brought to what each width costs by that very width', () => {
    for (const width of [1, 5.5, 30]) {
      const network = build(width);
      const found = widthOfCost(totalCost(network.cost(hippocampus)).flops, hippocampus, build);
      expect(totalCost(build(found).cost(hippocampus)).flops).toBe(
        totalCost(network.cost(hippocampus)).flops,
      );
    }
  });

  it('counts the parameters that it has', () => {
    const network = build(5);
    expect(totalCost(network.cost(hippocampus)).parameters).toBe(parameterCount(network.parameters));
  });
});

describe('the list of methods', () => {
  it('names each once, with a loss and an optimiser that there are', () => {
    expect(new Set(methodList.map(({ name }) => name)).size).toBe(methodList.length);
    for (const { name } of methodList) {
      const { training } = methodOf(name);
      expect(losses[training.loss]).toBeTypeOf('function');
      expect(optimisers[training.optimiser]).toBeDefined();
    }
    expect(methodOf('uresnet').training).toEqual(methodOf('scnas').training);
  });
});
