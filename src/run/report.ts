/** The main job's report: one HTML page that opens from its file, plotly beside it, the cells and an overlay also as pictures of their own. */
import fs from 'node:fs';
import path from 'node:path';
import { type Dataset, loadCase } from '../data/msd';
import { readNifti } from '../data/nifti';
import { fail } from '../engine/errors';
import { genotypeFigure } from '../notebook/cells';
import { edgeNames } from '../notebook/charts';
import { barFigure, type Figure, lineFigure, type SlicesFigure, tableFigure } from '../notebook/figure';
import { plotlyScript, toHtml } from '../notebook/html';
import { sliceFigure } from '../notebook/slices';
import { toSvg } from '../notebook/svg';
import { cellTypes } from '../paper/genotype';
import { writeWhole } from './files';
import { type Metric, type RunFolder, readGenotype, readLines, readRecord } from './folder';
import { loadOperations } from './operations';
import { type Contestant, percent, predictions } from './start';

/** Where the report's files are. */
export interface ReportFiles {
  readonly report: string;
  readonly cells: string;
  readonly overlay: string;
}

/** Writes report.html, cells.svg and overlay.svg into the main job's folder. */
export async function writeReport(
  dir: string,
  dataset: Dataset,
  done: readonly Contestant[],
): Promise<ReportFiles> {
  const files = {
    report: path.join(dir, 'report.html'),
    cells: path.join(dir, 'cells.svg'),
    overlay: path.join(dir, 'overlay.svg'),
  };
  const figures = await reportFigures(dataset, done);
  for (const figure of figures) {
    if (figure.kind === 'drawing') writeWhole(files.cells, figure.svg);
    if (figure.kind === 'slices') writeWhole(files.overlay, toSvg(figure));
  }
  const plotly = path.join(dir, 'plotly.js');
  if (!fs.existsSync(plotly))
    fs.copyFileSync(require.resolve('plotly.js-dist'), plotly, fs.constants.COPYFILE_FICLONE);
  writeWhole(files.report, page(done, figures));
  return files;
}

/** Every figure of the report, in its order. */
export async function reportFigures(
  dataset: Dataset,
  done: readonly Contestant[],
): Promise<readonly Figure[]> {
  const found = done[0].run;
  const { operations } = loadOperations(found.config.operationsFile);
  const genotype = readGenotype(found, operations);
  const cells = genotype ? [await genotypeFigure(genotype, 'The cells that were found')] : [];
  return [
    diceTable(done),
    diceBars(done),
    ...cells,
    marginBars(found),
    ...searchCurves(found),
    trainingCurves(done),
    overlay(dataset, done),
  ];
}

function diceTable(done: readonly Contestant[]): Figure {
  const names = Object.keys(done[0].evaluation.dice);
  const rows = done.map(({ title, evaluation, multiplyAdds, parameters, run }) => [
    title,
    ...names.map((name) => percent(evaluation.dice[name])),
    `${(multiplyAdds / 1e9).toFixed(3)} G`,
    `${(parameters / 1e3).toFixed(0)} k`,
    Object.values(readRecord(run).phases)
      .reduce((sum, { seconds }) => sum + seconds, 0)
      .toFixed(0),
  ]);
  const cases = done[0].evaluation.cases.length;
  return tableFigure(
    ['network', ...names.map((name) => `${name}, %`), 'multiply-adds', 'parameters', 'seconds'],
    rows,
    {
      title: `Dice on ${cases} validation cases`,
      caption: 'A job this short shows that everything works; it says little about which network is better.',
    },
  );
}

function diceBars(done: readonly Contestant[]): Figure {
  const categories = done[0].evaluation.cases.map(({ id }) => id);
  const means = done.map(({ title, evaluation }): [string, number[]] => [
    title,
    categories.map((id) => evaluation.cases.find((line) => line.id === id)?.mean ?? 0),
  ]);
  return barFigure(Object.fromEntries(means), {
    title: 'Dice of each case',
    caption: 'Mean over the classes.',
    categories,
    yTitle: 'Dice',
  });
}

function marginBars(found: RunFolder): Figure {
  const margins = readRecord(found).facts.margins as Readonly<Record<string, readonly number[]>>;
  return barFigure(margins, {
    title: 'Margin of each choice',
    caption:
      'Probability of the chosen operation less that of the next; near 0 another seed may choose otherwise.',
    categories: edgeNames(margins[cellTypes[0]].length),
    yTitle: 'margin',
  });
}

function searchCurves(found: RunFolder): Figure[] {
  const lines = readLines<Metric>(found, 'metrics.jsonl').filter(({ phase }) => phase === 'search');
  const x = lines.map(({ step }) => step);
  const curve = (name: string) => ({ x, y: lines.map((line) => Number(line[name])) });
  return [
    lineFigure(
      { 'Θ loss': curve('lossTheta'), 'α loss': curve('lossAlpha') },
      { title: 'Search: loss on the two sets', yTitle: 'Jaccard distance' },
    ),
    lineFigure(
      {
        τ: curve('tau'),
        'entropy of α': curve('entropyAlpha'),
        'entropy of Z̄': curve('entropyZBar'),
        'operations an edge': curve('operationsPerEdge'),
      },
      {
        title: 'Search: temperature and entropies',
        caption: 'τ falls, Z̄ sharpens, and the two draws of an edge coincide; α itself moves slowly.',
        yTitle: 'τ; nats; operations',
      },
    ),
  ];
}

function trainingCurves(done: readonly Contestant[]): Figure {
  const curves = done.map(({ title, run }) => {
    const lines = readLines<Metric>(run, 'metrics.jsonl').filter(({ phase }) => phase === 'retrain');
    return [title, { x: lines.map(({ step }) => step), y: lines.map(({ loss }) => Number(loss)) }] as const;
  });
  return lineFigure(Object.fromEntries(curves), { title: 'Retraining: loss', yTitle: 'Jaccard distance' });
}

/** The found network's label map beside the truth, on the validation case in the middle of its ranking. */
function overlay(dataset: Dataset, done: readonly Contestant[]): SlicesFigure {
  const { run, evaluation } = done[0];
  const ranked = [...evaluation.cases].sort((a, b) => (a.mean ?? 0) - (b.mean ?? 0));
  const { id, mean } = ranked[ranked.length >> 1];
  const { image, label, shape, channels, spacing } = loadCase(dataset, id);
  const first = channels === 1 ? image : image.filter((_, i) => i % channels === 0);
  if (!label) return fail({ where: id, expected: 'a label', found: 'none', next: 'evaluate labelled cases' });
  return sliceFigure(
    { data: first, shape, spacing },
    {
      title: `${id}: truth and found network`,
      caption: `The case in the middle of the found network's ranking, Dice ${percent(mean)} %.`,
      classes: run.config.classes,
      overlays: { truth: label, 'found network': readNifti(predictions(run)(id)).data },
    },
  );
}

function page(done: readonly Contestant[], figures: readonly Figure[]): string {
  const { task, name, seed, fold, patch, search, retrain } = done[0].run.config;
  const { kernels, threads, cpu } = readRecord(done[0].run);
  const facts = `${task}, configuration ${name}, fold ${fold}, seed ${seed}; patch ${patch.join(' × ')}; ${search.steps} search steps, ${retrain.steps} training steps each; ${kernels} kernels, ${threads} threads, ${cpu}.`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>SCNAS: ${task}</title>
${plotlyScript('plotly.js')}
<style>
body { font: 15px/1.5 Helvetica, Arial, sans-serif; color: #222; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
figure { margin: 2rem 0; overflow-x: auto; }
figure svg { max-width: 100%; height: auto; }
figcaption { color: #555; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: bold; }
th, td { padding: 0.2rem 1rem 0.2rem 0; text-align: left; border-bottom: 1px solid #ddd; }
</style>
</head>
<body>
<h1>Search → derive → retrain → evaluate</h1>
<p>${facts}</p>
${figures.map((figure, i) => toHtml(figure, `figure-${i + 1}`)).join('\n')}
</body>
</html>
`;
}
