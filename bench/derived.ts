/**
 * What bench/torch/train.py must know of a derived network: parameters with shapes and beginnings, and the operation of every edge.
 *
 *     node setup/run.mjs bench/derived.ts GENOTYPE STEM INPUTS CLASSES spec.json
 */
import { cellTypes, parseGenotype } from '../src/paper/genotype';
import { derivedNetwork } from '../src/paper/network';
import { operations } from '../src/paper/operations';
import { defaultReadings } from '../src/paper/readings';
import { readJson, writeJson } from '../src/run/files';

const [file, stem, inputs, classes, out] = process.argv.slice(2);
const genotype = parseGenotype(readJson(file, 'give a genotype.json'), operations, file);
const options = { inputs: Number(inputs), classes: Number(classes), stem: Number(stem) };
const { parameters } = derivedNetwork({ ...options, operations, readings: defaultReadings }, genotype);
const choices = Object.fromEntries(
  cellTypes.map((type) => [type, genotype.cells[type].map(({ op }) => [op])]),
);
writeJson(out, { ...options, poolNorm: false, choices, parameters });
