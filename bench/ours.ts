/**
 * Our side of a case: a process that runs one step each time it is asked, by the functions that a search and a retraining use.
 *
 *     node --require ./src/register.js bench/ours.ts KIND SETTING
 */
import { createInterface } from 'node:readline';
import { kernels } from '../src/engine/kernels';
import { parameterCount } from '../src/engine/model';
import { nativeThreads } from '../src/engine/native';
import { tf } from '../src/engine/tf';
import { adamStep, adamStepScalars, initialAdam, type ScalarAdamState } from '../src/paper/adam';
import { totalCost } from '../src/paper/cost';
import { alphaGradients, thetaGradients, zHatGradients } from '../src/paper/first-order';
import { cellTypes } from '../src/paper/genotype';
import type { Sample, Supernet } from '../src/paper/network';
import { defaultReadings } from '../src/paper/readings';
import { initialRetrain, type RetrainOptions, type RetrainState, retrainStep } from '../src/paper/retrain';
import type { Kind } from './cases';
import { batchOf, type Comparison, comparison, type Setting, startOf } from './export';

/** What a side says of itself before its first step. */
export interface Ready {
  readonly versions: Readonly<Record<string, string>>;
  readonly threads: number;
}

/** Ours also knows what the network costs. */
export interface OurReady extends Ready {
  readonly kernels: string;
  /** Of the whole batch, forward, each multiply-add once. */
  readonly multiplyAdds: number;
  /** Of the whole batch: what a backward pass needs kept, bytes. */
  readonly activationBytes: number;
  readonly parameterBytes: number;
}

/** What a step took; a search step's two halves beside their sum. */
export interface Step {
  readonly seconds: number;
  readonly parts?: Readonly<Record<string, number>>;
}

const RATE = 1e-3;

function seconds(f: () => void): number {
  const begin = process.hrtime.bigint();
  f();
  return Number(process.hrtime.bigint() - begin) / 1e9;
}

/** A search step with a given sample: what searchStep does after it has drawn one. */
function searchStepper(net: Supernet, sample: Sample, setting: Setting): () => Step {
  const batch = batchOf(setting);
  const groups = Object.fromEntries(net.parameters.map((p) => [p.name, p.group]));
  const adam = { rate: RATE, beta1: 0.9, beta2: 0.999 };
  let theta: Readonly<Record<string, tf.Tensor>> = startOf(net.parameters);
  let adamTheta = initialAdam(net.parameters);
  const count = net.options.operations.length;
  let alpha = new Array<number>(cellTypes.length * sample[0].length * count).fill(0);
  let adamAlpha: ScalarAdamState = { m: alpha, v: alpha, t: 0 };
  return () => {
    const parts = {
      theta: seconds(() => {
        const { gradients } = thetaGradients(net, theta, batch, sample, setting.batch);
        ({ theta, state: adamTheta } = adamStep(theta, adamTheta, gradients, groups, adam));
        tf.dispose(gradients);
      }),
      alpha: seconds(() => {
        const { gradient } = zHatGradients(net, theta, batch, sample, setting.batch);
        const byAlpha = alphaGradients(net, sample, gradient, 1);
        const flat = cellTypes.flatMap((type) => byAlpha[type].flat());
        ({ values: alpha, state: adamAlpha } = adamStepScalars(alpha, adamAlpha, flat, adam));
      }),
    };
    return { seconds: parts.theta + parts.alpha, parts };
  };
}

/** Runs one step of a case each time it is called. */
export function stepper(kind: Kind, setting: Setting, { of, ...made }: Comparison): () => Step {
  if ('search' in of) return searchStepper(of.search, of.sample, setting);
  const net = of.derived;
  const batch = batchOf(setting);
  if (kind === 'inference') {
    const theta = startOf(made.parameters);
    // In braces: tfjs looks through whatever a tidy returns for tensors, number by number.
    const forward = () => {
      net.forward(theta, batch.x).dataSync();
    };
    return () => ({ seconds: seconds(() => tf.tidy(forward)) });
  }
  const options: RetrainOptions = {
    steps: Number.MAX_SAFE_INTEGER,
    stepsPerEpoch: Number.MAX_SAFE_INTEGER,
    microBatch: setting.batch,
    adam: { rate: RATE, beta1: 0.9, beta2: 0.999 },
    plateau: { patience: 30, factor: 5 },
    minRate: 0,
  };
  const initial = initialRetrain(net, options, 0);
  tf.dispose(initial.theta);
  let state: RetrainState = { ...initial, theta: startOf(net.parameters) };
  return () => ({
    seconds: seconds(() => {
      ({ state } = retrainStep(net, options, state, batch, defaultReadings));
    }),
  });
}

/** What this side says first. */
export function ready(setting: Setting, { cost, parameters }: Comparison): OurReady {
  const { flops, activationBytes } = totalCost(cost);
  const { TF_Version } = (tf.backend() as unknown as { binding: { TF_Version: string } }).binding;
  return {
    versions: { node: process.versions.node, tfjs: tf.version['tfjs-core'], TensorFlow: TF_Version },
    threads: nativeThreads(),
    kernels: kernels().name,
    multiplyAdds: setting.batch * flops,
    activationBytes: setting.batch * activationBytes,
    parameterBytes: 4 * parameterCount(parameters),
  };
}

if (require.main === module) {
  const kind = process.argv[2] as Kind;
  const setting = JSON.parse(process.argv[3]) as Setting;
  const made = comparison(setting);
  const step = stepper(kind, setting, made);
  const answers: Readonly<Record<string, () => unknown>> = { ready: () => ready(setting, made), run: step };
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { ask } = JSON.parse(line) as { ask: string };
    process.stdout.write(`${JSON.stringify(answers[ask]())}\n`);
  });
}
