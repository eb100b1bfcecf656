/**
 * The `scnas` command line. Each command is one file under commands/ and loads what it needs when it runs, so that --help is quick.
 */
import { Command, CommanderError } from 'commander';
import { ScnasError } from '../engine/errors';
import { addAblate } from './commands/ablate';
import { addAugment } from './commands/augment';
import { addCache } from './commands/cache';
import { addCompare } from './commands/compare';
import { addCost } from './commands/cost';
import { addData } from './commands/data';
import { addDerive } from './commands/derive';
import { addDoctor } from './commands/doctor';
import { addEvaluate } from './commands/evaluate';
import { addPhantom } from './commands/phantom';
import { addPlan } from './commands/plan';
import { addPredict } from './commands/predict';
import { addPublish } from './commands/publish';
import { addRetrain } from './commands/retrain';
import { addSearch } from './commands/search';
import { addStart } from './commands/start';
import { addTable } from './commands/table';
import { addTable1 } from './commands/table1';
import { addTransfer } from './commands/transfer';
import { INTERRUPTED, Interrupted } from './stop';

const commands = [
  addStart,
  addPlan,
  addSearch,
  addDerive,
  addRetrain,
  addEvaluate,
  addCompare,
  addTransfer,
  addAblate,
  addTable,
  addTable1,
  addPredict,
  addCost,
  addPublish,
  addData,
  addAugment,
  addPhantom,
  addCache,
  addDoctor,
];

/** Runs the command line; `argv` as process.argv. Returns the exit code: 0, 1 for an error, 130 for a stopped run. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('scnas')
    .description(
      'Neural architecture search for 3D medical image segmentation: search, derive, retrain, evaluate, predict.',
    )
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError('(--help shows the options)')
    .exitOverride();
  for (const add of commands) add(program);
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`(scnas ${command.name()} --help shows the options)`);
  const early = () => {
    process.exitCode = say('ended before its work was done; report this', 1);
  };
  process.on('exit', early);
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof Interrupted) return say(error.message, INTERRUPTED);
    if (error instanceof ScnasError) return say(error.message, 1);
    throw error;
  } finally {
    process.off('exit', early);
  }
}

function say(line: string, code: number): number {
  process.stderr.write(`scnas: ${line}\n`);
  return code;
}
