/** The main job in small: three networks on a phantom, the report and its figures. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/msd';
import { writePhantom } from '../../src/data/phantom';
import { tf } from '../../src/engine/tf';
import { toPlotly } from '../../src/notebook/plotly';
import { readRecord } from '../../src/run/folder';
import { reportFigures, writeReport } from '../../src/run/report';
import { type Contestant, finishedStart, runStart, startTable } from '../../src/run/start';
import { complaints } from '../notebook/plotly-node';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scnas-start-'));
const dir = path.join(folder, 'job');
const set = ['readings.nodes=two', 'search.steps=4', 'retrain.steps=4', 'retrain.stem=4'];
let data = '';
const start = (more: { resume?: boolean; signal?: AbortSignal } = {}, lines: string[] = []) =>
  runStart({ dir, data, config: 'smoke', set, resume: more.resume }, { signal: more.signal }, (line) =>
    lines.push(line),
  );
let done: readonly Contestant[] = [];

beforeAll(() => {
  data = writePhantom({ task: 'Task04_Hippocampus', cases: 6, seed: 3, size: [20, 24, 20], out: folder });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('the main job', () => {
  it('stops when asked, refuses to begin again over it, and goes on', { timeout: 120_000 }, async () => {
    const stopped = new AbortController();
    stopped.abort();
    await expect(start({ signal: stopped.signal })).rejects.toThrow(/search stopped after step 1 of 4/);
    await expect(start()).rejects.toThrow('npm start -- --resume');
    expect(finishedStart(dir)).toBe(false);
    const lines: string[] = [];
    const before = tf.memory().numTensors;
    done = await start({ resume: true }, lines);
    expect(tf.memory().numTensors).toBe(before);
    expect(lines).toEqual(['found network (1 of 3)', 'random genotype (2 of 3)', 'plain 3D U-Net (3 of 3)']);
    expect(finishedStart(dir)).toBe(true);
  });

  it('trains every network as long, on the same cases, the U-Net at about equal cost', () => {
    const records = done.map(({ run }) => readRecord(run));
    expect(records.map(({ method }) => method)).toEqual(['scnas', 'random', 'unet']);
    for (const { phases, dataHash, cases } of records) {
      expect(phases.retrain.steps).toBe(4);
      expect(cases).toBe(3);
      expect(dataHash).toBe(records[0].dataHash);
    }
    const [found, , unet] = done;
    expect(unet.run.config.match.multiplyAdds).toBe(found.multiplyAdds);
    // Widths are whole numbers, so the nearest U-Net of so small a network may be half as costly again.
    expect(unet.multiplyAdds / found.multiplyAdds).toBeGreaterThan(0.5);
    expect(unet.multiplyAdds / found.multiplyAdds).toBeLessThan(1.6);
    const table = startTable(done);
    expect(table[0]).toMatch(/Dice, % +Anterior +Posterior +mean/);
    expect(table).toHaveLength(4);
    for (const { evaluation } of done)
      expect(Object.values(evaluation.dice).every((d) => d !== null && d >= 0 && d <= 1)).toBe(true);
  });

  it('writes a report that opens from its file, with plotly beside it, once', async () => {
    const files = await writeReport(dir, openDataset(data), done);
    const html = fs.readFileSync(files.report, 'utf8');
    expect(html.match(/<script src="[^"]*"/g)).toEqual(['<script src="plotly.js"']);
    expect(fs.readFileSync(path.join(dir, 'plotly.js'), 'utf8').slice(0, 200)).toContain('plotly.js v4.1.1');
    expect(html.length).toBeLessThan(3e6);
    for (const strange of [folder, 'http://', 'https://'])
      expect(html.replaceAll('http://www.w3.org', '')).not.toContain(strange);
    for (const name of ['found network', 'random genotype', 'plain 3D U-Net', 'entropy of α'])
      expect(html).toContain(name);
    for (const svg of [files.cells, files.overlay])
      expect(fs.readFileSync(svg, 'utf8')).toMatch(/^<svg [^>]*xmlns=[\s\S]*<\/svg>\s*$/);
  });

  it('has figures that plotly finds valid', async () => {
    const figures = await reportFigures(openDataset(data), done);
    expect(figures.map(({ kind }) => kind)).toEqual([
      'table',
      'bars',
      'drawing',
      'bars',
      'lines',
      'lines',
      'lines',
      'slices',
    ]);
    const drawn = figures.flatMap((figure) => toPlotly(figure) ?? []);
    expect(drawn.length).toBeGreaterThanOrEqual(6);
    for (const figure of drawn) expect(complaints(figure)).toEqual([]);
    expect(complaints({ data: [{ type: 'bar', nonsense: 1 }], layout: {} })).not.toEqual([]);
  });

  it('repeats itself: another folder, the same numbers', { timeout: 120_000 }, async () => {
    const again = await runStart(
      { dir: path.join(folder, 'again'), data, config: 'smoke', set },
      {},
      () => undefined,
    );
    expect(again.map(({ evaluation }) => evaluation.dice)).toEqual(
      done.map(({ evaluation }) => evaluation.dice),
    );
    const model = (of: readonly Contestant[], i: number) =>
      fs.readFileSync(path.join(of[i].run.dir, 'model.safetensors'));
    for (let i = 0; i < 3; i++) expect(model(again, i).equals(model(done, i))).toBe(true);
  });
});
