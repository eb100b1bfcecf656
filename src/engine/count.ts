/** Multiply-adds of the convolutions that really run, counted as they do: what a cost table is held against. */
import { addon } from './native-op';
import { tf } from './tf';

/** What runs an op of TensorFlow by its name. */
interface Executes {
  executeMultipleOutputs(
    name: string,
    attributes: unknown[],
    inputs: tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Kernel taps · channels · results of one of TensorFlow's own convolutions or their gradients; 0 for any other op. */
function ofStockOp(name: string, inputs: readonly tf.Tensor[], [output]: readonly tf.Tensor[]): number {
  const result = name === 'Conv3D' ? output : inputs[2];
  const filters = { Conv3D: inputs[1], Conv3DBackpropInputV2: inputs[1], Conv3DBackpropFilterV2: output };
  const filter = filters[name as keyof typeof filters];
  return filter ? size(filter.shape) * size(result.shape.slice(0, 4)) : 0;
}

/**
 * Runs `f` and counts the multiply-adds of the convolutions in it, forward and backward, of the native kernels and of TensorFlow's own.
 *
 * Rule: each convolution counts its kernel's taps times its channels times its results, so a dense convolution in place of a separable one counts as dense.
 * @param f work that has run when it returns
 */
export function countMultiplyAdds<R>(f: () => R): { result: R; multiplyAdds: number } {
  const backend = tf.backend() as unknown as Executes;
  const execute = backend.executeMultipleOutputs;
  let stock = 0;
  backend.executeMultipleOutputs = (name, attributes, inputs, outputs) => {
    const made = execute.call(backend, name, attributes, inputs, outputs);
    stock += ofStockOp(name, inputs, made);
    return made;
  };
  addon?.multiplyAdds();
  try {
    const result = f();
    return { result, multiplyAdds: stock + (addon?.multiplyAdds() ?? 0) };
  } finally {
    backend.executeMultipleOutputs = execute;
  }
}
