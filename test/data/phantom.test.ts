import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadCase, openDataset } from '../../src/data/msd';
import { phantomCase, phantomTasks, writePhantom } from '../../src/data/phantom';
import { key } from '../../src/engine/keys';
import { errorOf, freshFolder } from './folder';
import { bestWindowDice } from './threshold';

describe.each(phantomTasks.map((task) => [task.name, task] as const))('%s', (name, task) => {
  const one = phantomCase(name, key(1, 'phantom', name, 0));

  it('has every class, the task’s channels and spacing, and finite whole numbers', () => {
    expect(one.channels).toBe(task.modalities.length);
    expect(one.spacing).toEqual(task.spacing);
    expect(new Set(one.label).size).toBe(task.classes.length);
    expect(one.image.every((v) => Number.isInteger(v) && v >= -1024 && v <= 32767)).toBe(true);
    expect(one.image).toHaveLength(one.label.length * one.channels);
  });

  it('the best intensity window, chosen with the labels for this case, class and channel, stays under 0.5 Dice', () => {
    for (let label = 1; label < task.classes.length; label++)
      for (let c = 0; c < one.channels; c++)
        expect(
          bestWindowDice(one.image, one.channels, c, one.label, label),
          `${task.classes[label]} by ${task.modalities[c]}`,
        ).toBeLessThan(0.5);
  });

  it('is a function of the key; other keys give another anatomy', () => {
    const small = [24, 32, 24] as const;
    const [a, b, c] = [0, 0, 1].map((i) => phantomCase(name, key(1, 'phantom', name, i), small));
    expect(a).toEqual(b);
    expect(a.shape).toEqual(small);
    expect(a.label).not.toEqual(c.label);
  });
});

describe('the bar itself', () => {
  it('a class that stands out by brightness reaches 1, and one inside a wider range what the formula says', () => {
    const labels = Uint8Array.from({ length: 1000 }, (_, i) => Number(i < 100));
    const apart = Float32Array.from(labels, (l, i) => (l ? 5000 + i : i));
    expect(bestWindowDice(apart, 1, 0, labels, 1)).toBeGreaterThan(0.97);
    const mixed = Float32Array.from({ length: 1000 }, (_, i) => (i * 617) % 1000);
    expect(bestWindowDice(mixed, 1, 0, labels, 1)).toBeLessThan(0.3);
  });
});

describe('a written task', () => {
  const size = [24, 32, 24] as const;

  it('is read back as it was drawn, and a longer one begins with the same cases', () => {
    const out = freshFolder();
    const seen: string[] = [];
    const onCase = (done: number, all: number) => seen.push(`${done}/${all}`);
    const root = writePhantom({ task: 'Task01_BrainTumour', cases: 2, seed: 3, out, size, onCase });
    expect(root).toBe(path.join(out, 'Task01_BrainTumour'));
    expect(seen).toEqual(['1/2', '2/2']);
    expect(readdirSync(out)).toEqual(['Task01_BrainTumour']);
    const dataset = openDataset(out);
    expect(dataset.modalities).toHaveLength(4);
    const raw = loadCase(dataset, dataset.cases[1].id);
    const drawn = phantomCase('Task01_BrainTumour', key(3, 'phantom', 'Task01_BrainTumour', 1), size);
    expect(raw.image).toEqual(drawn.image);
    expect(raw.label).toEqual(drawn.label);
    const longer = writePhantom({
      task: 'Task01_BrainTumour',
      cases: 3,
      seed: 3,
      out: path.join(out, 'more'),
      size,
    });
    const file = path.join('imagesTr', path.basename(dataset.cases[1].image));
    expect(readFileSync(path.join(longer, file))).toEqual(readFileSync(path.join(root, file)));
  });

  it('a folder named as the task is the task’s folder', () => {
    const out = path.join(freshFolder(), 'Task02_Heart');
    expect(writePhantom({ task: 'Task02_Heart', cases: 1, seed: 0, out, size })).toBe(out);
    expect(existsSync(path.join(out, 'dataset.json'))).toBe(true);
  });

  it('nothing is overwritten, and wrong wishes are one clear error', () => {
    const out = freshFolder();
    const wish = { task: 'Task02_Heart', cases: 1, seed: 0, out: path.join(out, 'Task02_Heart'), size };
    writePhantom(wish);
    writeFileSync(path.join(wish.out, 'note'), 'mine');
    expect(errorOf(() => writePhantom(wish))).toContain('a new or empty folder');
    expect(readFileSync(path.join(wish.out, 'note'), 'utf8')).toBe('mine');
    expect(errorOf(() => writePhantom({ ...wish, task: 'Task09_Spleen' }))).toContain(
      'one of Task01_BrainTumour',
    );
    expect(errorOf(() => writePhantom({ ...wish, cases: 0 }))).toContain('1 to 9999 cases');
    expect(errorOf(() => writePhantom({ ...wish, size: [4, 32, 32] }))).toContain('sides of 16 to 512');
    expect(readdirSync(out)).toEqual(['Task02_Heart']);
  });
});
