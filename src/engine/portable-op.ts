/**
 * How the portable kernels reach TensorFlow: raw ops by name, and ops of our own that tfjs can differentiate.
 *
 * tfjs offers fewer ops than TensorFlow has, and its gradients are composed of many small ones. A raw op is called as TensorFlow
 * knows it; a rule gives it a name on the tape and one lazy gradient an input, so that a step which needs only input gradients
 * never computes filter gradients.
 */
import { tf } from './tf';

type AttributeValue = number | boolean | string | readonly number[];
interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: AttributeValue;
}

/** What we use of tfjs's TensorFlow backend. */
interface TensorFlowBackend {
  readonly binding: Readonly<Record<string, number>>;
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
}

/** Attributes of a raw op, by kind: types (always float or int32), ints, floats, bools, strings. */
export interface Attributes {
  readonly types?: Readonly<Record<string, 'TF_FLOAT' | 'TF_INT32'>>;
  readonly ints?: Readonly<Record<string, number | readonly number[]>>;
  readonly floats?: Readonly<Record<string, number>>;
  readonly bools?: Readonly<Record<string, boolean>>;
  readonly strings?: Readonly<Record<string, string>>;
}

/** Runs the TensorFlow op `name`; `T` is float32 unless given. Returns its first `outputs` outputs. */
export function rawMany(
  name: string,
  attributes: Attributes,
  inputs: readonly tf.Tensor[],
  outputs: number,
): tf.Tensor[] {
  const backend = tf.backend() as unknown as TensorFlowBackend;
  const { binding } = backend;
  const list: Attribute[] = [];
  const put = (type: string, values: Readonly<Record<string, AttributeValue>> = {}) => {
    for (const key of Object.keys(values)) list.push({ name: key, type: binding[type], value: values[key] });
  };
  const types = { T: 'TF_FLOAT', ...attributes.types };
  put('TF_ATTR_TYPE', Object.fromEntries(Object.entries(types).map(([key, type]) => [key, binding[type]])));
  put('TF_ATTR_INT', attributes.ints);
  put('TF_ATTR_FLOAT', attributes.floats);
  put('TF_ATTR_BOOL', attributes.bools);
  put('TF_ATTR_STRING', attributes.strings);
  return backend.executeMultipleOutputs(name, list, [...inputs], outputs);
}

/** Runs the TensorFlow op `name`, which has one output. */
export function raw<T extends tf.Tensor = tf.Tensor>(
  name: string,
  attributes: Attributes,
  inputs: readonly tf.Tensor[],
): T {
  return rawMany(name, attributes, inputs, 1)[0] as T;
}

/** An op of ours. Tensors made on the way are freed; `gradient` gets the saved inputs, then the saved outputs, in the order of their lists. */
export interface Rule<A> {
  readonly name: string;
  forward(inputs: readonly tf.Tensor[], attrs: A): tf.Tensor[];
  /** Places of the inputs that the gradient needs; default all. */
  readonly saveInputs?: readonly number[];
  /** Places of the outputs that the gradient needs; default none. */
  readonly saveOutputs?: readonly number[];
  /** One function for each input, called only if that input's gradient is wanted; dy belongs to the first output. */
  gradient(dy: tf.Tensor, saved: readonly tf.Tensor[], attrs: A): (() => tf.Tensor)[];
}

/** Makes a rule known to tfjs and returns the function that runs it: inputs and attributes in, outputs out. */
export function define<A>(rule: Rule<A>): (inputs: readonly tf.Tensor[], attrs: A) => tf.Tensor[] {
  // tfjs saves tensors by name or all of them; a list kept apart, by place, says which we need.
  tf.registerKernel({
    kernelName: rule.name,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => rule.forward(Object.values(inputs) as tf.Tensor[], attrs as unknown as A)),
  });
  const saveInputs = rule.saveInputs?.map(String);
  tf.registerGradient({
    kernelName: rule.name,
    inputsToSave: saveInputs,
    saveAllInputs: saveInputs === undefined,
    outputsToSave:
      rule.saveOutputs &&
      Array.from(
        { length: 1 + Math.max(...rule.saveOutputs) },
        (_, i) => rule.saveOutputs?.includes(i) ?? false,
      ),
    gradFunc: (dy, saved, attrs) => {
      const first = Array.isArray(dy) ? dy[0] : dy;
      const functions = rule.gradient(first, saved, attrs as unknown as A);
      return Object.fromEntries(functions.map((f, i) => [String(i), f]));
    },
  });
  return (inputs, attrs) => {
    const out = tf
      .engine()
      .runKernel(rule.name, inputs as unknown as tf.NamedTensorMap, attrs as unknown as tf.NamedAttrMap);
    return (Array.isArray(out) ? out : [out]) as tf.Tensor[];
  };
}
