/**
 * How the native kernels reach TensorFlow: the addon that makes our C++ ops known to it, ops by name, and entries on the tape.
 *
 * An entry's gradients are lazy, one function an input, and free what they have used at once: tfjs would hold every saved
 * activation and every gradient on the way until the whole backward pass has ended, twice the memory of the step.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from './errors';
import { mayDepend, outlives, standsApart } from './gradients';
import { tf } from './tf';

/** build/native/scnas.node. */
interface Addon {
  /** Sets the number of threads if given, and returns it. */
  threads(count?: number): number;
  /** Multiply-adds that convolutions were asked for since the last call. */
  multiplyAdds(): number;
}

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number;
}

/** What we use of tfjs's TensorFlow backend. */
interface TensorFlowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_ATTR_INT: number; readonly TF_ATTR_FLOAT: number };
  executeMultipleOutputs(
    name: string,
    attributes: Attribute[],
    inputs: tf.Tensor[],
    outputs: number,
  ): tf.Tensor[];
}

/** What we use of tfjs's engine beyond its public face: customGrad computes all gradients, this takes one function each. */
interface Tape {
  readonly state: { readonly gradientDepth: number; readonly activeScope: { readonly id: number } };
  isTapeOn(): boolean;
  runKernelFunc(call: {
    readonly inputs: Readonly<Record<string, tf.Tensor>>;
    readonly forwardFunc: (backend: unknown, save: (tensors: tf.Tensor[]) => void) => tf.Tensor;
    readonly backwardsFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => Record<string, () => tf.Tensor>;
  }): tf.Tensor;
}

const backend = () => tf.backend() as unknown as TensorFlowBackend;
const tape = () => tf.engine() as unknown as Tape;

/** The addon; undefined where it is not built, or where there is a GPU, which its kernels do not run on. */
export const addon = loadAddon();

function loadAddon(): Addon | undefined {
  const path = join(__dirname, '..', '..', 'build', 'native', 'scnas.node');
  if (!existsSync(path) || tf.getBackend() !== 'tensorflow' || backend().isUsingGpuDevice) return undefined;
  try {
    return require(path) as Addon;
  } catch (error) {
    return fail({
      where: path,
      expected: 'kernels built for this machine and its TensorFlow',
      found: error instanceof Error ? error.message : String(error),
      next: 'run `node native/build.mjs`, or set SCNAS_KERNELS=portable',
    });
  }
}

/** Attributes of an op of ours. */
export interface Attributes {
  readonly ints?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
}

/** Runs the op `name` of native/ops*.cc and returns its outputs. */
export function runMany(
  name: string,
  inputs: readonly tf.Tensor[],
  outputs: number,
  { ints = {}, floats = {} }: Attributes = {},
): tf.Tensor[] {
  const { TF_ATTR_INT, TF_ATTR_FLOAT } = backend().binding;
  const list: Attribute[] = [];
  for (const key of Object.keys(ints)) list.push({ name: key, type: TF_ATTR_INT, value: ints[key] });
  for (const key of Object.keys(floats)) list.push({ name: key, type: TF_ATTR_FLOAT, value: floats[key] });
  return backend().executeMultipleOutputs(name, list, [...inputs], outputs);
}

/** Runs the op `name` of native/ops*.cc, which has one output. */
export function run<T extends tf.Tensor = tf.Tensor>(
  name: string,
  inputs: readonly tf.Tensor[],
  attributes?: Attributes,
): T {
  return runMany(name, inputs, 1, attributes)[0] as T;
}

/** One entry on the tape. */
interface Entry<Saved extends readonly tf.Tensor[]> {
  readonly inputs: readonly tf.Tensor[];
  /**
   * The result, and what the gradients need: held until they have run, or freed at once if nothing is recorded.
   * `wanted`: of each input, whether its gradient may be asked for.
   */
  forward(wanted: readonly boolean[]): { readonly y: tf.Tensor; readonly saved: Saved };
  /** One function an input, run only if its gradient is wanted. What is made outside of them is freed after the last has run. */
  gradient(dy: tf.Tensor, saved: Saved, wanted: readonly boolean[]): readonly (() => tf.Tensor)[];
}

/** Runs an entry and records it if gradients are being taken. */
export function record<T extends tf.Tensor, Saved extends readonly tf.Tensor[]>(entry: Entry<Saved>): T {
  const recording = tape().isTapeOn();
  const wanted = recording ? mayDepend(entry.inputs) : entry.inputs.map(() => false);
  // What was there before needs no tensor of its own that keeps it: of a search step's two in five would be for weights.
  let needed: readonly tf.Tensor[] = [];
  const result = tape().runKernelFunc({
    inputs: Object.fromEntries(entry.inputs.map((input, place) => [place, input])),
    forwardFunc: (_, save) => {
      const { y, saved } = entry.forward(wanted);
      needed = recording ? saved : [];
      save(saved.filter((tensor) => !outlives(tensor)));
      return y;
    },
    backwardsFunc: (dy, kept) => {
      releaseSpent();
      let at = 0;
      const saved = needed.map((tensor) => (outlives(tensor) ? tensor : kept[at++]));
      const made = collect(() => entry.gradient(dy, saved as unknown as Saved, wanted));
      if (tape().state.gradientDepth === 0) spent = [...made.tensors, ...kept, ...(isOurs(dy) ? [dy] : [])];
      return Object.fromEntries(made.result.map((f, place) => [place, f]));
    },
  }) as T;
  if (recording && !wanted.includes(true)) standsApart(result);
  return result;
}

/* tfjs runs an entry's functions before it comes to the next entry, so then the last one's tensors are spent. */
let spent: readonly tf.Tensor[] = [];

function releaseSpent(): void {
  for (const tensor of spent) tensor.dispose();
  spent = [];
}

/** A gradient that the backward pass has made, not one that a caller gave. */
const isOurs = (dy: tf.Tensor) =>
  (dy as unknown as { scopeId: number }).scopeId === tape().state.activeScope.id;

let collecting: tf.Tensor[] | undefined;

/** Runs `f` and tells which tensors {@link shared} made in it. */
function collect<R>(f: () => R): { readonly result: R; readonly tensors: readonly tf.Tensor[] } {
  const tensors: tf.Tensor[] = [];
  collecting = tensors;
  const result = f();
  collecting = undefined;
  return { result, tensors };
}

/** Marks a tensor as made for several of an entry's gradient functions. */
export function shared<T extends tf.Tensor>(tensor: T): T {
  collecting?.push(tensor);
  return tensor;
}

/** No values: the affine part or the ẑ that is not given. */
const nothing = tf.tidy(() => tf.keep(tf.tensor1d([])));

/** An optional input of an op. */
export const orNothing = (tensor?: tf.Tensor1D): tf.Tensor1D => tensor ?? nothing;
