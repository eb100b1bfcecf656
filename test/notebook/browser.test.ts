import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { joined, type Notebook } from '../../src/notebook/execute';
import { browser, browserThere, openBrowser } from './browser';
import {
  allRun,
  choose,
  codeCells,
  committedPlots,
  drag,
  type Lab,
  marks,
  pictured,
  prompts,
  startLab,
  stopButton,
} from './lab';

const MINUTES = 60_000;
/** What plotly keeps on the page of each of its plots. */
interface Plot {
  readonly data: readonly { readonly x: readonly number[] }[];
}

describe('JupyterLab in a browser', () => {
  let lab: Lab;
  let chrome: Browser;
  beforeAll(async () => {
    if (browser) [lab, chrome] = await Promise.all([startLab(), openBrowser()]);
  }, 2 * MINUTES);
  afterAll(async () => {
    await chrome?.close();
    await lab?.stop();
  });

  browserThere();

  it.skipIf(!browser)('is for this machine alone, behind a token', async () => {
    expect(lab.address.hostname).toBe('127.0.0.1');
    const contents = new URL('/api/contents', lab.address);
    expect((await fetch(contents)).status).toBe(403);
    expect((await fetch(`${contents}?${lab.address.searchParams}`)).status).toBe(200);
  });

  /** Opens a notebook on a page of its own; what goes wrong there is kept as a picture. */
  async function reading(
    name: string,
    steps: (page: Page, notebook: Notebook) => Promise<void>,
  ): Promise<void> {
    const page = await chrome.newPage({ viewport: { width: 1280, height: 1000 } });
    await pictured(page, name, async () => {
      const notebook = await lab.open(page, name);
      // What is seen from here on was not committed.
      await choose(page, 'Edit', 'Clear Outputs of All Cells');
      await steps(page, notebook);
    });
    await choose(page, 'Kernel', 'Shut Down Kernel');
    await page.close();
  }

  /** Every cell has run without an error, and plotly has drawn as many plots as the notebook is committed with. */
  async function drawn(page: Page, notebook: Notebook): Promise<void> {
    await allRun(page, notebook, 4 * MINUTES);
    const found = await marks(page);
    expect(found).toHaveLength(committedPlots(notebook));
    expect(Math.min(...found)).toBeGreaterThan(0);
  }

  /** The first slider is dragged: its word changes, and so does the picture that it chooses. */
  async function slides(page: Page): Promise<void> {
    const plot = page.locator('.jp-NotebookPanel .js-plotly-plot:has(.slider-grip-rect)').first();
    const shown = () => plot.locator('.slider-label').first().textContent();
    const pixels = () => plot.locator('.heatmaplayer image, .layer-above image').first().getAttribute('href');
    const [label, before] = [await shown(), await pixels()];
    // Again where the page moved below the mouse: cells that come into view get their height only then.
    const dragged = async () => {
      await drag(page, plot.locator('.slider-grip-rect'));
      return shown();
    };
    await expect.poll(dragged, { timeout: 20_000, interval: 1000 }).not.toBe(label);
    await expect.poll(pixels, { timeout: 20_000 }).not.toBe(before);
  }

  /** Where the page gets wider, its plots do, and keep their height. */
  async function widens(page: Page): Promise<void> {
    const first = page.locator('.jp-NotebookPanel .js-plotly-plot .main-svg').first();
    const sides = () => first.evaluate((svg) => [svg.clientWidth, svg.clientHeight]);
    const [width, height] = await sides();
    await page.setViewportSize({ width: 1440, height: 1000 });
    await expect.poll(sides, { timeout: 20_000 }).toEqual([width + 160, height]);
  }

  it.skipIf(!browser).each([
    [
      '00-quickstart',
      async (page: Page) => {
        await slides(page);
        await widens(page);
      },
    ],
    ['01-search-space', async () => {}],
  ] as const)('%s runs, and its plots are drawn', { timeout: 6 * MINUTES }, (name, then) =>
    reading(name, async (page, notebook) => {
      await choose(page, 'Run', 'Run All Cells');
      await drawn(page, notebook);
      await then(page);
    }),
  );

  it.skipIf(!browser)(
    '03-search: a search is interrupted within a step, keeps what it has, and goes on; its film moves',
    { timeout: 6 * MINUTES },
    () =>
      reading('03-search', async (page, notebook) => {
        const code = notebook.cells.filter((cell) => cell.cell_type === 'code');
        const at = code.findIndex((cell) => joined(cell.source).includes('watch(searching('));
        const search = codeCells(page).nth(at);
        /** Steps of the search that the cell's plot shows: of the static picture while it runs, of plotly's afterwards. */
        const steps = () =>
          search.evaluate((cell) => {
            const plot = cell.querySelector('.js-plotly-plot') as unknown as Plot | null;
            if (plot) return plot.data[0].x.length;
            const picture = cell.querySelector('img[src^="data:image/svg"]')?.getAttribute('src') ?? '';
            return / points="([^"]+)"/.exec(decodeURIComponent(picture))?.[1].split(' ').length ?? 0;
          });
        await choose(page, 'Run', 'Run All Cells');
        await expect.poll(steps, { timeout: 3 * MINUTES, interval: 200 }).toBeGreaterThan(2);
        await stopButton(page).click();
        await expect.poll(() => prompts(page), { timeout: 20_000, interval: 200 }).not.toContain('[*]:');
        const kept = await steps();
        expect(kept).toBeGreaterThan(2);
        expect((await prompts(page)).slice(at + 1).every((prompt) => prompt === '[ ]:')).toBe(true);

        await search.locator('.jp-InputArea-editor').click();
        await choose(page, 'Run', 'Run Selected Cell and All Below');
        await drawn(page, notebook);
        expect(await steps()).toBeGreaterThan(kept);

        // The film of the cells: its slider, from the last epoch back, shows another drawing.
        const film = page.locator('.jp-NotebookPanel .js-plotly-plot:has(.slider-grip-rect)').first();
        const drawing = () => film.locator('image').first().getAttribute('href');
        const before = await drawing();
        await expect
          .poll(
            async () => {
              await drag(page, film.locator('.slider-grip-rect'), -180);
              return drawing();
            },
            { timeout: 20_000, interval: 1000 },
          )
          .not.toBe(before);
        expect(await film.locator('image').count()).toBe(1);
      }),
  );
});
