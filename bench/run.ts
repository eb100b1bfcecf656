/**
 * `npm run bench`: our networks and kernels beside PyTorch's, on the same weights, threads and batch.
 *
 * bench/run-case.ts says how a case is timed, bench/statistics.ts how work and bounds are counted.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { fail, ScnasError } from '../src/engine/errors';
import { progressLine } from '../src/run/progress';
import { chosen } from './cases';
import { check } from './check';
import { better, machineFacts, measurePeak } from './machine';
import { pythonWithTorch } from './python';
import { type CaseResult, type Plan, runCase } from './run-case';
import { type KernelResult, runKernels } from './run-kernels';
import { type BenchRecord, chartSvg, readmePart, report, withPart } from './tables';

const ROOT = path.join(__dirname, '..');

interface Options {
  readonly only?: string;
  readonly rounds?: number;
  readonly threads: number;
  readonly seconds: number;
  readonly compile: number;
  readonly out: string;
  readonly check?: boolean;
  readonly readme?: boolean;
}

function wholeNumber(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 0) throw new InvalidArgumentError('a whole number was expected');
  return n;
}

const command = new Command('npm run bench --')
  .description('Times search, retraining, inference and single kernels beside PyTorch, on the same weights.')
  .option('--only <names>', 'some of search16, retrain16, inference16, … 24, … 48, kernels; a comma between')
  .option('--rounds <n>', 'turns of each side; default: 3 to 9, as time allows', wholeNumber)
  .option('--threads <n>', 'threads of both sides', wholeNumber, os.availableParallelism())
  .option('--seconds <n>', 'what the rounds of a case may take where --rounds is not given', wholeNumber, 40)
  .option('--compile <seconds>', 'limit of torch.compile for a case, 0: not tried', wholeNumber, 150)
  .option(
    '--out <file>',
    'where the record goes; beside it the chart, as .svg',
    path.join('results', 'bench.json'),
  )
  .option('--check', 'only compare logits, loss and gradients on small networks')
  .option('--readme', 'only put the tables of --out into README.md')
  .addHelpText('after', '\nExample:\n  npm run bench -- --only search16,kernels --rounds 5');

/** Writes beside and renames. */
function writeWhole(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.partial`, text);
  fs.renameSync(`${file}.partial`, file);
}

function readme(from: string): void {
  const file = path.join(ROOT, 'README.md');
  const record = JSON.parse(fs.readFileSync(from, 'utf8')) as BenchRecord;
  const text: string | undefined = withPart(fs.readFileSync(file, 'utf8'), readmePart(record));
  if (text === undefined)
    fail({
      where: 'README.md',
      expected: 'the two bench markers',
      found: 'none',
      next: 'put them back',
    });
  writeWhole(file, text);
}

/** torch.compile is tried on the small networks only: theirs are the smallest times to compile for, on graphs of the same size. */
const COMPILED_STEM = 16;

async function bench(options: Options): Promise<BenchRecord> {
  const parts = chosen(options.only);
  const threads = Math.max(1, options.threads);
  const machine = machineFacts();
  const say = (line: string) => process.stderr.write(`${line}\n`);
  if (machine.load > 0.5)
    say(
      `other programs are at work here (load ${machine.load.toFixed(1)}): these times are not to be trusted`,
    );
  const python = pythonWithTorch(say);
  const peak = measurePeak(threads);

  // a unit of progress is about a second on two cores
  const weights = parts.cases.map(({ kind, setting }) =>
    Math.round(options.seconds + (kind === 'search' ? 40 : 15) * (setting.stem / 24)),
  );
  const forKernels = parts.kernels ? 150 : 0;
  const total = weights.reduce((a, b) => a + b, forKernels);
  const bar = progressLine({ phase: 'bench', total });
  const plan: Plan = {
    threads,
    rounds: options.rounds || undefined,
    seconds: options.seconds,
    compileSeconds: options.compile,
    python,
    say: (line) => bar.say(line),
  };
  let at = 0;
  const results: CaseResult[] = [];
  const kernels: KernelResult[] = [];
  let compiles: string | true = options.compile > 0 || 'not tried (--compile 0)';
  try {
    // inference first: where its graph does not compile in time, a training graph does not either
    const order = parts.cases
      .map((c, i) => ({ c, weight: weights[i] }))
      .sort(
        (a, b) =>
          a.c.setting.stem - b.c.setting.stem ||
          Number(b.c.kind === 'inference') - Number(a.c.kind === 'inference'),
      );
    for (const { c, weight } of order) {
      bar.say(`${c.name} …`);
      const small = c.setting.stem === COMPILED_STEM;
      const result = await runCase(c, plan, small ? compiles : `tried at stem ${COMPILED_STEM} only`);
      if (small && compiles === true && typeof result.compiled === 'string')
        compiles = `not tried: ${c.name} was ${result.compiled}`;
      results.push(result);
      at += weight;
      bar.update(at, { ours: result.ours.median, PyTorch: result.torch.median });
    }
    if (parts.kernels)
      kernels.push(
        ...(await runKernels(plan, (count, all) =>
          bar.update(at + Math.round((forKernels * count) / all), {}),
        )),
      );
  } finally {
    bar.done();
  }
  return {
    schema: 1,
    date: new Date().toISOString().slice(0, 10),
    machine,
    threads,
    versions: results[0]?.versions ?? {},
    peak: better(peak, measurePeak(threads)),
    cases: parts.cases.flatMap((c) => results.filter((r) => r.name === c.name)),
    kernels,
  };
}

async function main(argv: readonly string[]): Promise<void> {
  const options = command.parse(argv as string[], { from: 'user' }).opts<Options>();
  if (options.readme) return readme(options.out);
  if (options.check) return check(pythonWithTorch((line) => process.stderr.write(`${line}\n`)));
  const record = await bench(options);
  process.stdout.write(`${report(record)}\n`);
  writeWhole(options.out, `${JSON.stringify(record, null, 1)}\n`);
  if (record.cases.length > 0) writeWhole(`${options.out.replace(/\.json$/, '')}.svg`, chartSvg(record));
  process.stdout.write(`\n${options.out} has every sample\n`);
}

if (require.main === module)
  main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`${error instanceof ScnasError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  });
