/**
 * Recomputation: a cell that keeps its inputs only and computes its activations anew in the backward pass.
 *
 * It makes 128³ fit: the paper had four GPUs, we have one machine. Gradients equal the stored path's bit for bit, since the same kernels run in the
 * same order and each input of a cell is read by exactly one unit.
 */
import { checkpointed } from '../engine/gradients';
import type { Tensor5D } from '../engine/model';
import type { tf } from '../engine/tf';
import type { Cell } from './cell';

/** What a step differentiates by: Θ, or ẑ (and with it α). The other is a constant. */
export type Wrt = 'theta' | 'alpha';

/**
 * The same cell with recomputed activations.
 *
 * Rule: the backward pass runs the forward pass once more, records it, and differentiates it by the inputs and by the used parameters or ẑ.
 * @param c the cell
 * @param wrt whether the parameters or ẑ get gradients
 * Departs from the paper: it keeps all activations, spread over four GPUs.
 * Source: §3 (batch and memory).
 */
export function recomputed(c: Cell, wrt: Wrt): Cell {
  return {
    ...c,
    run: (theta, sources, choices, zHat) => {
      const names = wrt === 'theta' ? c.used(choices) : [];
      const weights = wrt === 'alpha' && zHat ? [zHat] : [];
      const count = sources.length;
      const run = (values: readonly tf.Tensor[]) => {
        const rest = values.slice(count);
        const own = { ...theta, ...Object.fromEntries(names.map((name, i) => [name, rest[i]])) };
        const weight = weights.length > 0 ? (rest[0] as tf.Tensor1D) : zHat;
        return c.run(own, values.slice(0, count).reverse() as Tensor5D[], choices, weight);
      };
      // the newer input first: the order in which a stored tape, read backwards, adds up gradients of a tensor that is both inputs
      const values = [...[...sources].reverse(), ...names.map((name) => theta[name]), ...weights];
      return checkpointed(run, values) as Tensor5D;
    },
  };
}
