/**
 * What bench/torch/train.py must know of a derived network: parameters with shapes and beginnings, and the operation of every edge.
 *
 *     node setup/run.mjs bench/derived.ts GENOTYPE STEM INPUTS CLASSES > spec.json
 */
import fs from 'node:fs';
import { cellTypes, parseGenotype } from '../src/paper/genotype';
import { derivedNetwork } from '../src/paper/network';
import { operations } from '../src/paper/operations';
import { defaultReadings } from '../src/paper/readings';

const [file, stem, inputs, classes] = process.argv.slice(2);
const genotype = parseGenotype(JSON.parse(fs.readFileSync(file, 'utf8')), operations, file);
const options = { inputs: Number(inputs), classes: Number(classes), stem: Number(stem) };
const { parameters } = derivedNetwork({ ...options, operations, readings: defaultReadings }, genotype);
const choices = Object.fromEntries(
  cellTypes.map((type) => [type, genotype.cells[type].map(({ op }) => [op])]),
);
process.stdout.write(`${JSON.stringify({ ...options, poolNorm: false, choices, parameters }, null, 1)}\n`);
