/**
 * The readings: every place where the paper is silent or odd, as an option with our default.
 *
 * One record a question; the first option is the default. PAPER.md lists them with their effect, a configuration sets them under `readings`.
 */

/** The questions, in the paper's order. */
export const readingTable = [
  { name: 'nodes', question: 'intermediate nodes of a cell', options: ['four', 'two'], section: '§3' },
  { name: 'stem', question: 'convolutions of the stem', options: ['one', 'two'], section: '§2.1' },
  {
    name: 'identity',
    question: 'identity at stride two',
    options: ['factorized reduce', 'strided convolution'],
    section: '§3',
  },
  { name: 'poolNorm', question: 'norm after pooling', options: ['search', 'none'], section: '§3' },
  { name: 'affine', question: 'affine InstanceNorm', options: ['retrain', 'always', 'never'], section: '§3' },
  {
    name: 'decoderSum',
    question: "footnote 4: which outputs get the encoder's map",
    options: ['every', 'expansion'],
    section: '§2.1',
  },
  { name: 'upsampling', question: 'trilinear ×2', options: ['half-pixel', 'corners'], section: '§3' },
  {
    name: 'samples',
    question: "Algorithm 1's two samples",
    options: ['with replacement', 'without replacement', 'top two'],
    section: 'Algorithm 1',
  },
  { name: 'share', question: 'who shares a sample', options: ['cell type', 'cell'], section: '§2.2' },
  { name: 'order', question: 'order in a step', options: ['theta first', 'alpha first'], section: '§2.2' },
  {
    name: 'unsampled',
    question: 'Adam for operations that a step did not sample',
    options: ['untouched', 'zero gradient'],
    section: '§2.2',
  },
  {
    name: 'thetaBetas',
    question: "Adam's (0.1, 0.001) for Θ",
    options: ['old notation', 'literal'],
    section: '§3',
  },
  { name: 'plateauCuts', question: 'rates that a plateau cuts', options: ['both', 'theta'], section: '§3' },
  {
    name: 'plateauOn',
    question: 'what a plateau is seen on',
    options: ['moving average', 'raw'],
    section: '§3',
  },
  {
    name: 'derivation',
    question: 'from α to a genotype',
    options: ['argmax', 'top two edges'],
    section: '§2.2',
  },
  { name: 'jaccard', question: 'Jaccard distance', options: ['squared', 'plain'], section: '§3' },
  {
    name: 'background',
    question: 'background in the loss',
    options: ['included', 'left out'],
    section: '§3',
  },
  {
    name: 'lossOver',
    question: 'what a ratio of the loss sums over',
    options: ['sample', 'batch'],
    section: '§3',
  },
  { name: 'epoch', question: 'length of an epoch', options: ['batches', 'pass'], section: '§3' },
  { name: 'flops', question: 'a multiply-add counts', options: ['once', 'twice'], section: '§3' },
] as const;

type Question = (typeof readingTable)[number];

/** A choice for every question. */
export type Readings = { readonly [Q in Question as Q['name']]: Q['options'][number] };

/** The default of every question. */
export const defaultReadings: Readings = Object.fromEntries(
  readingTable.map(({ name, options }) => [name, options[0]]),
) as Readings;
