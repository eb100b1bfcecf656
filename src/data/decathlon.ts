/** The tasks of the Medical Segmentation Decathlon as they can be fetched: one record a task. */
import { fail } from '../engine/errors';
import type { Shape3 } from '../engine/model';

/** One task; the .tar holds a folder of that name. */
export interface DecathlonTask {
  readonly name: string;
  /** MD5 of NAME.tar. */
  readonly md5: string;
  /** Labelled cases, and their median shape cropped to the nonzero box, voxels at the task's median spacing; where it is known. */
  readonly size?: { readonly cases: number; readonly shape: Shape3 };
}

/** The public mirror; NAME.tar is below it. Source: MONAI 1.6.1, `DecathlonDataset.resource`. */
export const MIRROR = 'https://msd-for-monai.s3-us-west-2.amazonaws.com';

/**
 * Source of the sums: MONAI 1.6.1, `DecathlonDataset.md5`; of the numbers of cases: the paper, §3; of the lung's shape: MIC-DKFZ/nnUNet#113. The
 * brain's and the heart's are nnU-Net's as remembered, not looked up.
 */
export const decathlonTasks: readonly DecathlonTask[] = [
  {
    name: 'Task01_BrainTumour',
    md5: '240a19d752f0d9e9101544901065d872',
    size: { cases: 484, shape: [138, 169, 138] },
  },
  {
    name: 'Task02_Heart',
    md5: '06ee59366e1e5124267b774dbd654057',
    size: { cases: 20, shape: [320, 232, 115] },
  },
  { name: 'Task03_Liver', md5: 'a90ec6c4aa7f6a3d087205e23d4e6397' },
  { name: 'Task04_Hippocampus', md5: '9d24dba78a72977dbd1d2e110310f31b' },
  { name: 'Task05_Prostate', md5: '35138f08b1efaef89d7424d2bcc928db' },
  {
    name: 'Task06_Lung',
    md5: '8afd997733c7fc0432f71255ba4e52dc',
    size: { cases: 64, shape: [512, 512, 252] },
  },
  { name: 'Task07_Pancreas', md5: '4f7080cfca169fa8066d17ce6eb061e4' },
  { name: 'Task08_HepaticVessel', md5: '641d79e80ec66453921d997fbf12a29c' },
  { name: 'Task09_Spleen', md5: '410d4a301da4e5b2f6f86ec3ddba524e' },
  { name: 'Task10_Colon', md5: 'bad7a188931dc2f6acf72b08eb6202d0' },
];

/** The task of that name; also by its number or its word, as 4 or hippocampus. An unknown one is an error that lists them all. */
export function decathlonTask(name: string): DecathlonTask {
  const wanted = name.toLowerCase();
  const found = decathlonTasks.find(({ name: own }) => {
    const [number, word] = own.toLowerCase().split('_');
    return [own.toLowerCase(), number, String(Number(number.slice(4))), word].includes(wanted);
  });
  return (
    found ??
    fail({
      where: 'scnas data get',
      expected: `one of ${decathlonTasks.map((task) => task.name).join(', ')}`,
      found: name,
      next: 'name one of them',
    })
  );
}
