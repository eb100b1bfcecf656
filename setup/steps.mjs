/** The set-up: its steps in order, each done when its inputs changed or its outputs are gone. */
import fs from 'node:fs';
import path from 'node:path';
import { SetupError, STATE, say, textOf, writeWhole } from './common.mjs';
import { notebookKernel, selfLink } from './links.mjs';
import { withLock } from './lock.mjs';
import { nativeAugment, nativeKernels, tfjsBinding } from './native-code.mjs';
import { needs } from './needs.mjs';
import { npmPackages, pythonPackages } from './packages.mjs';

/**
 * A step is `{ name, title, key?, missing?, run }`: `key(facts)` is a hash of its inputs, kept in .setup/NAME.json after success only,
 * so that a step killed half-way is done again; `missing()` names an output that is not there; a step with neither runs each time.
 */
const STEPS = [
  npmPackages,
  pythonPackages,
  selfLink,
  notebookKernel,
  tfjsBinding,
  nativeAugment,
  nativeKernels,
];

/** Milliseconds after which a step that always runs, and keeps a key of its own, must have done something. */
const LONG = 2000;

const stampOf = (step) => path.join(STATE, `${step.name}.json`);
const due = (step, facts) =>
  (step.key !== undefined && textOf(stampOf(step)) !== stampText(step.key(facts))) ||
  step.missing?.() !== undefined;
const stampText = (key) => `${JSON.stringify({ key })}\n`;
const always = (step) => step.key === undefined && step.missing === undefined;

/** Brings the folder to the state that the sources ask for; throws a SetupError that says what to do. */
export async function setUp() {
  const begin = Date.now();
  const facts = needs();
  say(
    `Node ${facts.node.slice(1)}, Python ${facts.python.version}, ${facts.compiler.version}${facts.gpu ? ', NVIDIA GPU' : ''}`,
  );
  const isDue = STEPS.some((step) => !always(step) && due(step, facts));
  if (isDue) await withLock(STATE, (noteChild) => runSteps(STEPS, facts, noteChild));
  else await runSteps(STEPS.filter(always), facts);
  const idle = !isDue && Date.now() - begin < LONG;
  say(`set-up ${idle ? 'unchanged' : 'done'}, ${seconds(begin)}`);
}

async function runSteps(steps, facts, noteChild) {
  for (const step of steps) {
    const begin = Date.now();
    const needed = always(step) || due(step, facts);
    if (needed) await runStep({ ...step, noteChild }, facts);
    if (!always(step) || Date.now() - begin > LONG) line(step.title, needed ? seconds(begin) : 'unchanged');
  }
}

async function runStep(step, facts) {
  const stamp = stampOf(step);
  const key = step.key?.(facts);
  fs.rmSync(stamp, { force: true });
  await step.run(step, facts);
  const missing = step.missing?.();
  if (missing)
    throw new SetupError(
      `${step.title}: it ended well, yet ${missing} is not there; delete .setup and run this again`,
    );
  if (key !== undefined) writeWhole(stamp, stampText(key));
}

const line = (title, text) => say(`  ${title.padEnd(20)}${text}`);
const seconds = (begin) => `${((Date.now() - begin) / 1000).toFixed(1)} s`;
