/** The runs that Table 1 is built from: every record below a folder, checked, and what must be the same in a table, a column and a row. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import type { TableRun } from '../evaluate/table';
import { methodOf } from '../networks/methods';
import { EQUAL_COST } from '../paper/genotype';
import { type Config, wholeBatches } from './config';
import { openRun, readLines, readRecord } from './folder';
import { hashOf } from './hash';
import { configHash, type PhaseRecord, type RunRecord } from './record';
import { type CaseLine, diceOfLines } from './scores';

/** What was found below a folder. */
export interface FoundRuns {
  readonly runs: readonly TableRun[];
  /** What is no result, and why, a line each. */
  readonly left: readonly string[];
}

/** Files of a run that a table leads to, in this order. */
const linked = ['config.json', 'genotype.json', 'cases.jsonl', 'record.json'];

/**
 * Every run below a folder, sorted by its place. Runs that are not evaluated, that choices were made by, or that trained on every case are no
 * results: they are named in `left`.
 *
 * @param root folder that is searched for record.json
 * @param from folder that the links start at; `root` unless told otherwise
 * Errors: a ScnasError for a folder that is not there, a broken record, or a Dice that is not the mean over the run's cases.
 */
export function findRuns(root: string, from = root): FoundRuns {
  const there = fs.existsSync(root);
  if (!there || !fs.statSync(root).isDirectory())
    fail({
      where: root,
      expected: 'a folder with runs',
      found: there ? 'a file' : 'none',
      next: 'give one with --runs',
    });
  const found = runFolders(root).map((dir) => {
    const name = path.relative(root, dir).split(path.sep).join('/') || path.basename(path.resolve(root));
    const record = readRecord({ dir });
    const why = notAResult(record);
    if (why) return { left: `${name}: ${why}` };
    const href = path.relative(from, dir).split(path.sep).join('/') || '.';
    const files = linked.filter((file) => fs.existsSync(path.join(dir, file)));
    const cases = readLines<CaseLine>({ dir }, 'cases.jsonl');
    return { run: tableRun({ name, record, config: openRun(dir).config, cases, href, files }) };
  });
  return {
    runs: found.flatMap(({ run }) => (run ? [run] : [])),
    left: found.flatMap(({ left }) => (left ? [left] : [])),
  };
}

function runFolders(dir: string): string[] {
  const entries = fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  const below = entries.flatMap((e) => (e.isDirectory() ? runFolders(path.join(dir, e.name)) : []));
  return entries.some((e) => e.isFile() && e.name === 'record.json') ? [dir, ...below] : below;
}

function notAResult({ dice, inner, fold }: RunRecord): string | undefined {
  if (dice === null) return 'not evaluated';
  if (inner) return 'an inner split, which choices are made by';
  return fold === 'all' ? 'trained on every case' : undefined;
}

/** A run as it lies in a folder. */
export interface RunFiles {
  readonly name: string;
  readonly record: RunRecord;
  readonly config: Config;
  readonly cases: readonly CaseLine[];
  readonly href: string;
  readonly files: readonly string[];
}

/** An evaluated run as a table reads it. Errors: a ScnasError where record, configuration and cases do not belong together. */
export function tableRun({ name, record, config, cases, href, files }: RunFiles): TableRun {
  const classes = config.classes.slice(1);
  checkConfig(name, record, config);
  checkDice(name, record, classes, cases);
  const { multiplyAdds, phantom } = record.facts;
  const search = record.phases.search ?? (record.facts.givenSearch as PhaseRecord | undefined);
  const others = Object.entries(record.phases).filter(([phase]) => phase !== 'search');
  return {
    name,
    task: record.task,
    method: record.method,
    fold: Number(record.fold),
    seed: record.seed,
    classes,
    lines: cases.map(({ id, dice }) => ({ id, dice })),
    ...partsOf(config, record),
    phantom: phantom === true,
    seconds: others.reduce((sum, [, { seconds }]) => sum + seconds, search?.seconds ?? 0),
    withoutSearch: methodOf(config.method).genotype === 'searched' && !search,
    multiplyAdds: typeof multiplyAdds === 'number' ? multiplyAdds : null,
    commit: record.commit,
    href,
    files,
  };
}

/** Refuses a configuration that was changed after its run: a number would lead to settings that did not make it. */
function checkConfig(name: string, record: RunRecord, config: Config) {
  const now = configHash(config);
  if (record.configHash !== now)
    fail({
      where: `${name}, config.json`,
      expected: `the configuration that its record was made with, ${record.configHash}`,
      found: now,
      next: 'bring the file back, or run it again',
    });
}

/** Refuses a Dice that is not the mean over the cases that stand beside it: one over all voxels at once (global Dice) is another number. */
function checkDice(name: string, record: RunRecord, classes: readonly string[], cases: readonly CaseLine[]) {
  const means = diceOfLines(cases, ['background', ...classes]);
  const known = Object.keys(record.dice ?? {});
  for (const [label, value] of Object.entries(means)) {
    const said = record.dice?.[label] ?? null;
    const same = value === null || said === null ? value === said : Math.abs(value - said) < 1e-9;
    if (!known.includes(label) || !same)
      fail({
        where: `${name}, Dice of ${label}`,
        expected: `the mean over its ${cases.length} cases, ${value?.toFixed(6) ?? 'none'}`,
        found: said === null ? 'none' : `${said.toFixed(6)}, as of all voxels at once or of other cases`,
        next: 'evaluate the run again: a table holds means over cases only',
      });
  }
  if (record.cases !== cases.length)
    fail({
      where: name,
      expected: `${record.cases} cases, as its record says`,
      found: String(cases.length),
      next: 'evaluate the run again',
    });
}

/** Keys that move no number, or that say which of a row's runs it is. */
const indifferent = [
  ...['schema', 'name', 'data', 'task', 'plan', 'checkpoint', 'ahead', 'operationsFile'],
  ...['fold', 'inner', 'seed', 'method'],
];

/** What a table, a column and a row share: as hashes, and as words. */
export type RunParts = Pick<TableRun, 'budget' | 'plan' | 'own' | 'words'>;

/**
 * A configuration in three: what a table shares, what a column shares, and what is a method's own.
 *
 * A width is no setting of its own where it was chosen to meet a cost (`match`), and met it: seeds find other cells, which meet it at other widths.
 */
export function partsOf(config: Config, { facts }: Pick<RunRecord, 'facts'>): RunParts {
  const { dataHash, inputs, classes, patch, spacing, maskStatistics, intensities, ...others } =
    wholeBatches(config);
  const { folds, foreground, mirror, augment, flips, search, retrain, ...rest } = others;
  const { steps, batch, stem, ...trained } = retrain;
  const kept = Object.entries(rest).filter(([name]) => !indifferent.includes(name));
  const asked = config.match.multiplyAdds;
  const met = asked > 0 && Math.abs(Number(facts.multiplyAdds) / asked - 1) < EQUAL_COST;
  const width = met ? {} : { stem };
  return {
    budget: hashOf({ steps, batch, folds, foreground, mirror, augment, flips }),
    plan: hashOf({ dataHash, inputs, classes, patch, spacing, maskStatistics, intensities }),
    own: hashOf({
      ...Object.fromEntries(kept),
      retrain: { ...trained, ...width },
      // Only a method that searches has settings of a search.
      ...(config.method === 'scnas' ? { search } : {}),
    }),
    words: wordsOf(config, met ? `${(asked / 1e9).toPrecision(3)} G multiply-adds` : `stem ${stem}`),
  };
}

function wordsOf(
  { retrain, search, augment, flips, folds, dataHash, patch, spacing, method }: Config,
  size: string,
): TableRun['words'] {
  const mm = typeof spacing === 'string' ? spacing : `${spacing.join(' × ')} mm`;
  const found = method === 'scnas' ? `, search of ${search.steps} steps at stem ${search.stem}` : '';
  return {
    budget: `${retrain.steps} training steps of ${retrain.batch} patches, augmentation ${augment}, ${flips ? '8 flips' : 'no flips'} in prediction, ${folds} folds`,
    plan: `patch ${patch.join(' × ')}, spacing ${mm}, data ${dataHash.slice(0, 8)}`,
    own: `${size}, rate ${retrain.adam.rate}${found}`,
  };
}
