/** A page for NiiVue, the viewer of volumes: the page, its one script and the NIfTI files lie beside each other in a folder, so it needs no network. */
import fs from 'node:fs';
import path from 'node:path';
import { fail } from '../engine/errors';
import { writeWhole } from '../run/files';
import { classColor } from './palette';
import { escaped } from './scale';

/** What a page shows. */
export interface NiivueOptions {
  /** The image, a .nii or .nii.gz file. */
  readonly image: string;
  /** Label maps on the image's grid, by the name that the page gives them. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Names of the classes, the background first. */
  readonly classes: readonly string[];
  readonly title?: string;
}

/** NiiVue 0.69's bundle for browsers; its package names it in no entry point. */
const SCRIPT = path.join(__dirname, '..', '..', 'node_modules', '@niivue', 'niivue', 'dist', 'niivue.umd.js');

/**
 * Writes the page and copies what it loads beside it.
 *
 * A browser does not let a page that was opened from disk read files: open it through {@link serveFolder}, or from JupyterLab's file browser.
 * @param folder is made; files of the same names in it are replaced
 * @returns the page's file, index.html
 * @throws ScnasError where a volume is missing or no NIfTI file
 */
export function niivuePage(folder: string, options: NiivueOptions): string {
  const { image, labels = {}, classes, title = 'Volume' } = options;
  fs.mkdirSync(folder, { recursive: true });
  const beside = (file: string, name: string) => {
    const ending = /\.nii(\.gz)?$/.exec(file)?.[0];
    if (!ending || !fs.existsSync(file))
      return fail({
        where: file,
        expected: 'a .nii or .nii.gz file',
        found: ending ? 'none' : 'another kind of name',
        next: 'give the path of a volume',
      });
    if (path.resolve(file) !== path.resolve(folder, name + ending))
      fs.copyFileSync(file, path.join(folder, name + ending));
    return name + ending;
  };
  const maps = Object.entries(labels).map(([name, file], k) => ({ name, url: beside(file, `labels-${k}`) }));
  const shown = { image: beside(image, 'image'), maps, colors: colorsOf(classes) };
  fs.copyFileSync(SCRIPT, path.join(folder, 'niivue.js'));
  const page = path.join(folder, 'index.html');
  writeWhole(page, html(title, classes, shown));
  return page;
}

interface Shown {
  readonly image: string;
  readonly maps: readonly { readonly name: string; readonly url: string }[];
  readonly colors: Readonly<Record<'R' | 'G' | 'B' | 'A' | 'I', readonly number[]>> & {
    readonly labels: readonly string[];
  };
}

/** NiiVue's table of label colours; the background is clear. */
function colorsOf(classes: readonly string[]): Shown['colors'] {
  const channel = (at: number) =>
    classes.map((_, k) =>
      Number.parseInt((k === 0 ? '#000000' : classColor(k)).slice(1 + 2 * at, 3 + 2 * at), 16),
    );
  return {
    R: channel(0),
    G: channel(1),
    B: channel(2),
    A: classes.map((_, k) => (k === 0 ? 0 : 255)),
    I: classes.map((_, k) => k),
    labels: classes,
  };
}

function html(title: string, classes: readonly string[], shown: Shown): string {
  const key = classes
    .slice(1)
    .map((name, k) => `<span><i style="background:${classColor(k + 1)}"></i>${escaped(name)}</span>`);
  const maps = shown.maps.map(
    ({ name }, k) =>
      `<label>${escaped(name)} <input type="range" min="0" max="1" step="0.05" value="${k === 0 ? 0.6 : 0}" data-map="${k + 1}"></label>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>${escaped(title)}</title>
<style>
  html, body { margin: 0; height: 100%; background: #111; color: #eee; font: 14px sans-serif; }
  body { display: flex; flex-direction: column; }
  header { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; padding: 8px 12px; }
  header b { font-size: 15px; }
  header span, header label { display: inline-flex; gap: 6px; align-items: center; }
  i { width: 12px; height: 12px; display: inline-block; }
  main { flex: 1; min-height: 0; }
  #say { padding: 4px 12px 8px; min-height: 1em; }
</style>
<header>
  <b>${escaped(title)}</b>
  ${[...maps, ...key].join('\n  ')}
  <label>view <select id="view"><option value="3">all</option><option value="0">axial</option><option value="1">coronal</option>
  <option value="2">sagittal</option><option value="4">volume</option></select></label>
</header>
<main><canvas id="volume"></canvas></main>
<div id="say">loading …</div>
<script src="niivue.js"></script>
<script>${script(shown)}</script>
</html>
`;
}

/** The page's own script: loads the files that lie beside it, colours the classes, binds the controls. */
function script(shown: Shown): string {
  // "</" inside a string would end the script element.
  const data = JSON.stringify(shown).replace(/</g, '\\u003c');
  return `
(async () => {
  const { image, maps, colors } = ${data};
  const say = (words) => { document.getElementById('say').textContent = words; };
  const sliders = [...document.querySelectorAll('input[data-map]')];
  try {
    const viewer = new niivue.Niivue({ onLocationChange: ({ string }) => say(string), crosshairWidth: 0.4, show3Dcrosshair: true,
      multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID, multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS, multiplanarEqualSize: true });
    await viewer.attachTo('volume');
    const labels = maps.map(({ url }, k) => ({ url, opacity: Number(sliders[k].value) }));
    await viewer.loadVolumes([{ url: image, colormap: 'gray' }, ...labels]);
    for (const volume of viewer.volumes.slice(1)) volume.setColormapLabel(colors);
    viewer.setInterpolation(true);
    viewer.setSliceType(3);
    viewer.updateGLVolume();
    for (const slider of sliders) slider.oninput = () => viewer.setOpacity(Number(slider.dataset.map), Number(slider.value));
    document.getElementById('view').onchange = (event) => viewer.setSliceType(Number(event.target.value));
    say('Click moves the cross; drag with the right button sets brightness; scroll goes through the slices.');
    window.viewer = viewer;
    document.body.dataset.ready = 'yes';
  } catch (error) {
    say(location.protocol === 'file:'
      ? 'A browser does not let a page opened from disk read the files beside it. In this folder run: python3 -m http.server, then open http://localhost:8000/'
      : 'The volumes could not be shown: ' + error.message);
  }
})();
`;
}
