/** Table 1 of the paper: its numbers, in the one place that every table of ours quotes them from. */

/** A column: a task of the Decathlon and one of its classes. */
export interface Table1Column {
  readonly title: string;
  /** The task's folder, as the Decathlon names it. */
  readonly task: string;
  /** What the class's name must match, spelled as data sets spell it; null: the mean over the classes. */
  readonly label: RegExp | null;
}

/** A row: a method as configurations name it, and the paper's Dice, %, by column; null where the paper has none. */
export interface Table1Row {
  readonly method: string;
  readonly title: string;
  readonly dice: readonly (number | null)[];
}

/**
 * The columns of Table 1. A task fits them only if its classes are these and no others: regions (whole tumour, core) are other numbers.
 *
 * Source: Table 1; the classes as MSD's dataset.json names them.
 */
export const table1Columns: readonly Table1Column[] = [
  { title: 'edema', task: 'Task01_BrainTumour', label: /^o?edema$/i },
  { title: 'non-enhancing', task: 'Task01_BrainTumour', label: /^non-enhancing( tumou?r)?$/i },
  { title: 'enhancing', task: 'Task01_BrainTumour', label: /^enhancing( tumou?r)?$/i },
  { title: 'average', task: 'Task01_BrainTumour', label: null },
  { title: 'heart', task: 'Task02_Heart', label: /^left atrium$/i },
  { title: 'lung', task: 'Task06_Lung', label: /^(cancer|lung tumou?rs?)$/i },
];

/**
 * The rows of Table 1, by 5-fold cross-validation.
 *
 * Source: Table 1.
 */
export const table1Rows: readonly Table1Row[] = [
  { method: 'nnunet', title: '3D nnU-Net', dice: [80.71, 62.22, 79.07, 74.0, 92.45, 55.87] },
  { method: 'uresnet', title: '3D U-ResNet', dice: [70.74, 56.69, 73.23, 66.89, 91.48, 63.28] },
  { method: 'scnas', title: 'SCNAS', dice: [80.41, 59.85, 78.5, 72.92, 91.29, 64.82] },
  { method: 'transfer', title: 'SCNAS (transfer)', dice: [null, null, null, null, 91.91, 68.62] },
];

/**
 * What belongs under every table made from Table 1.
 *
 * Source: Table 1 and §3.
 */
export const table1Caveat =
  'The paper’s caveat: its nnU-Net row was obtained by model selection on the validation loss; its other rows used no validation result in training.';
