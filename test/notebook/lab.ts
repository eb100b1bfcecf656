/** JupyterLab as `npm run lab` starts it, and what a reader does in it: open a notebook, run cells, press the stop button. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { type Notebook, readNotebook, shown } from '../../src/notebook/execute';

const ROOT = path.join(__dirname, '..', '..');
const BUILD = path.join(ROOT, 'build');

export interface Lab {
  /** Address of the server, with its token. */
  readonly address: URL;
  /** Opens a copy of a notebook of notebooks/ and waits for its kernel. */
  open(page: Page, name: string): Promise<Notebook>;
  stop(): Promise<void>;
}

/** Starts JupyterLab on a free port; its settings and copies of notebooks lie in a folder below build/ that goes with it. */
export async function startLab(): Promise<Lab> {
  fs.mkdirSync(BUILD, { recursive: true });
  const folder = fs.mkdtempSync(path.join(BUILD, 'lab-'));
  const own = (name: string) => path.join(folder, name);
  // No question about news, which would be fetched from another host.
  const settings = own('config/lab/user-settings/@jupyterlab/apputils-extension');
  fs.mkdirSync(settings, { recursive: true });
  fs.writeFileSync(path.join(settings, 'notification.jupyterlab-settings'), '{ "fetchNews": "false" }');
  const { SCNAS_DATA: _, SCNAS_SIZE: __, ...given } = process.env;
  const folders = {
    JUPYTER_CONFIG_DIR: own('config'),
    JUPYTER_DATA_DIR: own('data'),
    JUPYTER_RUNTIME_DIR: own('run'),
  };
  const lab = spawn(process.execPath, [path.join(ROOT, 'setup', 'lab.mjs'), '--no-browser', '--port=0'], {
    env: { ...given, ...folders },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise((resolve) => lab.once('exit', resolve));
  const stop = async () => {
    // A signal to the whole group where asking does not help, so that no kernel stays behind.
    const late = setTimeout(() => process.kill(-(lab.pid ?? 0), 'SIGKILL'), 15_000);
    lab.kill('SIGTERM');
    await gone;
    clearTimeout(late);
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const address = await addressOf(lab).catch(async (error) => {
    await stop();
    throw error;
  });
  return {
    address,
    stop,
    async open(page, name) {
      const file = own(`${name}.ipynb`);
      fs.copyFileSync(path.join(ROOT, 'notebooks', `${name}.ipynb`), file);
      const place = path.relative(ROOT, file).split(path.sep).join('/');
      await page.goto(new URL(`/lab/tree/${place}?reset&${address.searchParams}`, address).href);
      await page.locator('.jp-NotebookPanel .jp-CodeCell').first().waitFor({ timeout: 60_000 });
      // Cells that are run before the page has its kernel make it ask for one.
      await expect.poll(() => kernelOf(address, place), { timeout: 60_000, interval: 500 }).toBe('idle');
      await page.getByText('TypeScript (scnas) | Idle').waitFor({ timeout: 60_000 });
      return readNotebook(file);
    },
  };
}

/** What the kernel of a notebook does, once a page listens to it. */
async function kernelOf(address: URL, notebook: string): Promise<string> {
  const answer = await fetch(new URL(`/api/sessions?${address.searchParams}`, address));
  const sessions = (await answer.json()) as {
    readonly path: string;
    readonly kernel: { readonly execution_state: string; readonly connections: number };
  }[];
  const kernel = sessions.find((session) => session.path === notebook)?.kernel;
  return kernel && kernel.connections > 0 ? kernel.execution_state : 'none';
}

/** The address that the server prints when it listens. */
function addressOf(lab: ChildProcess): Promise<URL> {
  return new Promise((resolve, reject) => {
    let words = '';
    const hear = (piece: Buffer) => {
      words += piece;
      const found = /http:\/\/127\.0\.0\.1:\d+\/lab\?token=\w+/.exec(words);
      if (found) resolve(new URL(found[0]));
    };
    lab.stdout?.on('data', hear);
    lab.stderr?.on('data', hear);
    lab.once('exit', (code) => reject(new Error(`JupyterLab ended with ${code}:\n${words.slice(-2000)}`)));
  });
}

/** The code cells of the notebook on the page. */
export const codeCells = (page: Page): Locator => page.locator('.jp-NotebookPanel .jp-CodeCell');

/** Chooses an entry of one of JupyterLab's menus. */
export async function choose(page: Page, menu: string, entry: string): Promise<void> {
  await page.getByRole('menuitem', { name: menu, exact: true }).click();
  await page.getByRole('menuitem', { name: entry, exact: true }).click();
}

/** The toolbar's stop button. */
export const stopButton = (page: Page): Locator =>
  page.locator('.jp-NotebookPanel-toolbar [data-command="notebook:interrupt-kernel"]').first();

/** Takes something with the mouse and moves it to the right, or by fewer than no pixels to the left. */
export async function drag(page: Page, what: Locator, by = 90): Promise<void> {
  await what.scrollIntoViewIfNeeded();
  const box = await what.boundingBox();
  if (!box) throw new Error('nothing to drag is on the page');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + by, y, { steps: 6 });
  await page.mouse.up();
}

/** What stands before each code cell: `[3]:` when it has run, `[*]:` while it waits or runs, `[ ]:` before. */
export const prompts = (page: Page): Promise<string[]> =>
  page.locator('.jp-NotebookPanel .jp-CodeCell .jp-InputArea-prompt').allTextContents();

const WRONG = ['error', 'stderr'].map(
  (kind) => `.jp-NotebookPanel [data-mime-type="application/vnd.jupyter.${kind}"]`,
);

/** Waits until every code cell has run; an error or words on stderr end the wait. */
export async function allRun(page: Page, { cells }: Notebook, timeout: number): Promise<void> {
  const expected = cells.filter((cell) => cell.cell_type === 'code').length;
  const state = async () => {
    const wrong = await page.locator(WRONG.join()).allTextContents();
    if (wrong.length > 0) return wrong.join('\n');
    const run = (await prompts(page)).filter((prompt) => /\d/.test(prompt)).length;
    return run === expected ? 'all have run' : `${run} of ${expected} have run`;
  };
  await expect.poll(state, { timeout, interval: 500 }).not.toMatch(/^\d+ of \d+ have run$/);
  expect(await state()).toBe('all have run');
}

/** How many marks plotly has drawn in each of its plots: lines, bars, pictures; none where the plot has no height on the page. */
export const marks = (page: Page): Promise<number[]> =>
  page
    .locator('.jp-NotebookPanel .js-plotly-plot')
    .evaluateAll((plots) =>
      plots.map((plot) =>
        plot.getBoundingClientRect().height < 100
          ? 0
          : plot.querySelectorAll(
              '.cartesianlayer path, .cartesianlayer image, .layer-above image, .layer-below image',
            ).length,
      ),
    );

/** How many plots a notebook shows as it is committed. */
export const committedPlots = ({ cells }: Notebook): number =>
  cells.flatMap(shown).filter((forms) => forms.includes('application/vnd.plotly.v1+json')).length;

/** Runs a test's steps on a page; where one fails, a picture of the page is kept and its place told. */
export async function pictured(page: Page, name: string, steps: () => Promise<void>): Promise<void> {
  try {
    await steps();
  } catch (error) {
    const picture = path.join(BUILD, 'browser', `${name}.png`);
    await page.screenshot({ path: picture }).catch(() => {});
    console.error(
      `what the browser showed: ${picture}; cells ${(await prompts(page).catch(() => [])).join(' ')}`,
    );
    throw error;
  }
}
