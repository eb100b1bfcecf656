/** The process of {@link measureMixture}: takes its options as JSON, prints what was measured as JSON. */
import { gradients } from '../engine/gradients';
import { key, normal } from '../engine/keys';
import { initialise, type Shape3 } from '../engine/model';
import { tf } from '../engine/tf';
import type { Cell } from '../paper/cell';
import { totalCost } from '../paper/cost';
import { cellPlans } from '../paper/layout';
import { operations } from '../paper/operations';
import { defaultReadings } from '../paper/readings';
import { type MixtureCost, type MixtureOptions, mixtureChoices, searchCell } from './mixture';

const ROUNDS = 5;

/** Seconds of a forward and backward pass, by all parameters in use and by ẑ. */
function pass(c: Cell, count: number, patch: Shape3): number {
  const choices = mixtureChoices(count);
  const theta = initialise(c.parameters, key(1, 'mixture'));
  const zHat = tf.fill([choices.length * count], 1 / count) as tf.Tensor1D;
  const sources = c.plan.inputs.flatMap((input) => (input.skip === undefined ? [input] : [input, input]));
  const inputs = sources.map(({ channels, level }, i) => {
    const shape = patch.map((s) => Math.ceil(s / 2 ** level));
    const n = channels * shape[0] * shape[1] * shape[2];
    return tf.tensor5d(normal(key(1, 'mixture', i), n), [1, shape[0], shape[1], shape[2], channels]);
  });
  const began = performance.now();
  const { value, gradients: found } = gradients(
    () => c.run(theta, inputs, choices, zHat).square().mean(),
    [zHat, ...c.used(choices).map((name) => theta[name])],
  );
  value.dataSync();
  found[0]?.dataSync();
  const seconds = (performance.now() - began) / 1000;
  tf.dispose([value, found as tf.Tensor[], theta, zHat, inputs]);
  return seconds;
}

function measure({ stem, patch, counts }: MixtureOptions): MixtureCost[] {
  const plan = cellPlans(stem, 4, defaultReadings).slice(-1)[0];
  const c = searchCell(plan);
  pass(c, operations.length, [8, 8, 8]); // everything is loaded before anything is measured
  const peak = () => 1024 * process.resourceUsage().maxRSS;
  const before = process.memoryUsage().rss;
  return counts.map((count) => ({
    operations: count,
    cost: totalCost(c.cost(mixtureChoices(count), patch)),
    seconds: Math.min(...Array.from({ length: ROUNDS }, () => pass(c, count, patch))),
    bytes: peak() - before,
  }));
}

console.log(JSON.stringify(measure(JSON.parse(process.argv[2]) as MixtureOptions)));
