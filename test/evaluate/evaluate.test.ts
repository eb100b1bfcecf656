import { describe, expect, it } from 'vitest';
import { plainGeometry } from '../../src/data/nifti';
import { key, normal } from '../../src/engine/keys';
import type { Network, Shape3, Tensor5D } from '../../src/engine/model';
import { tf } from '../../src/engine/tf';
import { dice, meanDice, scoreCase } from '../../src/evaluate/dice';
import { mostProbable, predictLabels, predictProbabilities } from '../../src/evaluate/predict';
import { gaussianWeights, windowStarts } from '../../src/evaluate/window';
import { errorOf } from '../data/folder';
import diceOracle from '../fixtures/data/dice.json';
import oracle from '../fixtures/data/windows.json';
import monai from '../fixtures/evaluate/monai-dice.json';

describe('windows', () => {
  it.each(Object.entries(oracle.starts))(
    'size and patch %s stand where nnU-Net v1 puts them',
    (name, expected) => {
      const [size, patch] = name.split(' ').map(Number);
      expect(windowStarts(size, patch)).toEqual(expected);
    },
  );

  it('a volume no larger than the patch has one window', () => {
    expect([windowStarts(35, 40), windowStarts(40, 40)]).toEqual([[0], [0]]);
  });

  it.each(Object.entries(oracle.maps))(
    'weights of %s are scipy’s blurred delta within 1e-6',
    (name, { every, values, sum }) => {
      const weights = gaussianWeights(name.split('x').map(Number) as unknown as Shape3);
      expect(Array.from(weights.filter((_, i) => i % every === 0))).toEqual(
        values.map((v) => expect.closeTo(v, 6)),
      );
      expect(weights.reduce((a, b) => a + b, 0) / sum).toBeCloseTo(1, 5);
      expect(Math.min(...weights)).toBeGreaterThan(0);
    },
  );
});

/** A network that looks at single voxels only: logits are a fixed linear map of the channels. */
const pointwise: Network = {
  name: 'pointwise',
  inputs: 2,
  classes: 3,
  parameters: [],
  cost: () => [],
  forward: (theta, x) =>
    tf.tidy(() =>
      tf.reshape(tf.matMul(tf.reshape(x, [-1, 2]), theta.w as tf.Tensor2D), [
        x.shape[0],
        x.shape[1],
        x.shape[2],
        x.shape[3],
        3,
      ]),
    ) as Tensor5D,
};

/** One whose output depends on where in the window a voxel lies: the class follows the sign of x's slope. */
const directed: Network = {
  ...pointwise,
  name: 'directed',
  inputs: 1,
  classes: 2,
  forward: (_, x) =>
    tf.tidy(() => {
      const ramp = tf.reshape(tf.linspace(-1, 1, x.shape[1]), [1, -1, 1, 1, 1]);
      const map = tf.mul(tf.onesLike(x), ramp);
      return tf.concat([map, tf.neg(map)], 4);
    }) as Tensor5D,
};

const shape: Shape3 = [19, 33, 12];
const n = shape[0] * shape[1] * shape[2];
const image = normal(key(1, 'image'), n * 2);

function softmaxOf(voxel: number, w: Float32Array): number[] {
  const logits = [0, 1, 2].map((c) => image[2 * voxel] * w[c] + image[2 * voxel + 1] * w[3 + c]);
  const powers = logits.map((v) => Math.exp(v - Math.max(...logits)));
  return powers.map((v) => v / powers.reduce((a, b) => a + b, 0));
}

describe('prediction', () => {
  const weights = normal(key(2, 'w'), 6);

  it.each([
    [[16, 16, 16], true],
    [[16, 16, 16], false],
    [[24, 40, 16], true],
    [[8, 16, 8], false],
  ] as [Shape3, boolean][])(
    'with patch %j, flips %s, a voxelwise network is the softmax of each voxel',
    (patch, flips) => {
      const theta = { w: tf.tensor2d(weights, [2, 3]) };
      const before = tf.memory().numTensors;
      const tiles: string[] = [];
      const onTile = (done: number, all: number) => tiles.push(`${done}/${all}`);
      const out = predictProbabilities(pointwise, theta, image, shape, 2, { patch, flips, onTile });
      expect(tf.memory().numTensors).toBe(before);
      const worst = Array.from({ length: n }, (_, i) =>
        Math.max(...softmaxOf(i, weights).map((v, c) => Math.abs(v - out[3 * i + c]))),
      ).reduce((a, b) => Math.max(a, b), 0);
      expect(worst).toBeLessThan(1e-5);
      const count = shape.reduce(
        (product, size, axis) => product * windowStarts(size, patch[axis]).length,
        1,
      );
      expect(tiles).toEqual(Array.from({ length: count }, (_, i) => `${i + 1}/${count}`));
      tf.dispose(theta);
    },
  );

  it('each flip is turned back: what depends on direction averages out, and does not without flips', () => {
    const patch: Shape3 = [16, 16, 16];
    const flat = new Float32Array(16 ** 3);
    const both = predictProbabilities(directed, {}, flat, patch, 1, { patch, flips: true });
    expect(both.every((v) => Math.abs(v - 0.5) < 1e-6)).toBe(true);
    const one = predictProbabilities(directed, {}, flat, patch, 1, { patch, flips: false });
    expect(one[0]).toBeCloseTo(Math.exp(-1) / (Math.exp(-1) + Math.exp(1)), 5);
  });

  it('the eight flips are all there, each once', () => {
    const patch: Shape3 = [16, 16, 16];
    const corners: number[] = [];
    const watching: Network = {
      ...directed,
      forward: (theta, x) => {
        const samples = x.arraySync();
        corners.push(...samples.map((sample) => sample[0][0][0][0]));
        return directed.forward(theta, x);
      },
    };
    const counting = Float32Array.from({ length: 4096 }, (_, i) => i);
    predictProbabilities(watching, {}, counting, patch, 1, { patch, flips: true });
    const expected = [0, 15].flatMap((x) =>
      [0, 15].flatMap((y) => [0, 15].map((z) => (x * 16 + y) * 16 + z)),
    );
    expect(corners.sort((a, b) => a - b)).toEqual(expected);
  });

  it('overlapping windows are averaged by their Gaussian weights', () => {
    const patch: Shape3 = [16, 16, 16];
    const size: Shape3 = [24, 16, 16];
    const out = predictProbabilities(directed, {}, new Float32Array(24 * 256), size, 1, {
      patch,
      flips: false,
    });
    const map = gaussianWeights(patch);
    const at = (x: number) => 1 / (1 + Math.exp(-2 * (-1 + (2 * x) / 15)));
    for (const x of [3, 8, 11, 15, 20]) {
      const terms = [0, 8]
        .filter((start) => x >= start && x < start + 16)
        .map((s) => [map[(x - s) * 256 + 85], at(x - s)]);
      const expected = terms.reduce((a, [w, p]) => a + w * p, 0) / terms.reduce((a, [w]) => a + w, 0);
      expect(out[(x * 256 + 85) * 2]).toBeCloseTo(expected, 5);
    }
  });

  it('labels return to the shape on disk, 0 outside the crop', () => {
    const theta = { w: tf.tensor2d(weights, [2, 3]) };
    const crop = { origin: [2, 1, 3] as Shape3, shape: [25, 36, 16] as Shape3, box: shape };
    const spacing = [1, 1, 1] as const;
    const prepared = {
      id: 'a',
      shape,
      channels: 2,
      image,
      classVoxels: [],
      spacing,
      crop,
      geometry: plainGeometry(spacing),
    };
    const labels = predictLabels(pointwise, theta, prepared, { patch: [16, 16, 16], flips: false });
    const expected = new Uint8Array(25 * 36 * 16);
    for (let i = 0; i < n; i++) {
      const p = softmaxOf(i, weights);
      const [x, y, z] = [Math.floor(i / (33 * 12)), Math.floor(i / 12) % 33, i % 12];
      expected[((x + 2) * 36 + y + 1) * 16 + z + 3] = p.indexOf(Math.max(...p));
    }
    expect(labels).toEqual(expected);
    tf.dispose(theta);
  });

  it('refuses other channels than the network has', () => {
    const run = () =>
      predictProbabilities(pointwise, {}, image, shape, 3, { patch: [16, 16, 16], flips: false });
    expect(errorOf(run)).toContain('expected 2 channels');
  });

  it('argmax takes the first of equals', () => {
    expect(Array.from(mostProbable(Float32Array.of(0.4, 0.4, 0.2, 0.1, 0.2, 0.7), 3))).toEqual([0, 2]);
  });
});

describe('Dice', () => {
  it.each(Object.entries(diceOracle.dice))('label %s is numpy’s within 1e-12', (label, expected) => {
    const ours = dice(diceOracle.prediction, diceOracle.truth, Number(label));
    expect(ours).toEqual(expected === null ? Number.NaN : expect.closeTo(expected, 12));
  });

  it.each(monai.cases)('of $classes classes on $shape: MONAI’s within 1e-6', (row) => {
    const ours = scoreCase('a', row.prediction, row.truth, row.classes).dice.slice(1);
    expect(ours).toHaveLength(row.dice.length);
    // MONAI leaves out what is not in the truth; that is 0 here, or NaN where it is in neither map.
    for (const [i, theirs] of row.dice.entries())
      if (theirs === null) expect([0, Number.NaN]).toContain(ours[i]);
      else expect(ours[i]).toBeCloseTo(theirs, 6);
  });

  it('is NaN where both are empty, 0 where one is, and the mean leaves NaN out', () => {
    const rows = [
      scoreCase('a', [0, 1, 1, 0], [0, 1, 0, 0], 3),
      scoreCase('b', [0, 0, 2, 2], [0, 1, 2, 2], 3),
    ];
    expect(rows[0].dice).toEqual([Number.NaN, 2 / 3, Number.NaN]);
    expect(rows[1].dice).toEqual([Number.NaN, 0, 1]);
    expect(meanDice(rows)).toEqual({ perClass: [Number.NaN, 1 / 3, 1], mean: 2 / 3 });
    expect(meanDice([rows[0]]).mean).toBeCloseTo(2 / 3, 12);
    expect(meanDice([]).mean).toBeNaN();
  });

  it('maps of unlike size are an error', () => {
    expect(errorOf(() => dice([1], [1, 1], 1))).toContain('1 and 2 voxels');
  });
});
