/** Plotly in Node: enough of a browser for it to load, so that its own schema judges our figures. */
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';

interface Complaint {
  readonly msg: string;
}
type Validate = (data: unknown, layout: unknown) => readonly Complaint[] | undefined;

/** Something that answers every question with itself. */
function anything(): unknown {
  const answer = (name: string | symbol): unknown => {
    if (name === Symbol.toPrimitive) return () => '';
    if (name === 'style') return {};
    if (name === 'sheet') return { insertRule: () => 0, cssRules: [] };
    if (name === 'length') return 0;
    if (name === 'prototype') return Function.prototype;
    return name === 'childNodes' ? [] : anything();
  };
  const target = () => undefined;
  return new Proxy(target, {
    get: (_, name) => answer(name),
    apply: () => anything(),
    set: () => true,
    construct: () => anything() as object,
  });
}

function load(): Validate {
  class Element {
    parseFromString() {
      return anything();
    }
    observe() {}
    setProperty() {}
  }
  const browser: Record<string, unknown> = {
    ...{
      console,
      setTimeout,
      clearTimeout,
      setInterval,
      clearInterval,
      queueMicrotask,
      performance,
      TextDecoder,
      atob,
      btoa,
    },
    ...Object.fromEntries(
      [
        'Element',
        'HTMLElement',
        'CSSStyleDeclaration',
        'Image',
        'DOMParser',
        'XMLSerializer',
        'MutationObserver',
        'Blob',
      ].map((name) => [name, Element]),
    ),
    document: anything(),
    navigator: { userAgent: 'node' },
    URL: { createObjectURL: () => '' },
    addEventListener: () => undefined,
    matchMedia: () => ({}),
    getComputedStyle: () => ({}),
    requestAnimationFrame: () => 0,
    module: { exports: {} },
  };
  const context = vm.createContext(browser);
  Object.assign(browser, {
    window: context,
    self: context,
    exports: (browser.module as { exports: object }).exports,
  });
  const file = path.join(__dirname, '..', '..', 'node_modules', 'plotly.js-dist', 'plotly.js');
  vm.runInContext(fs.readFileSync(file, 'utf8'), context, { filename: file });
  return (browser.module as { exports: { validate: Validate } }).exports.validate;
}

let validate: Validate | undefined;

/** Packed bytes as the nested numbers that they stand for: validate knows only those. */
function unpacked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpacked);
  if (typeof value !== 'object' || value === null) return value;
  const { bdata, shape } = value as { bdata?: string; shape?: string };
  if (bdata === undefined || shape === undefined) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unpacked(inner)]));
  }
  const bytes = [...Buffer.from(bdata, 'base64')];
  const [rows, columns] = shape.split(',').map(Number);
  if (bytes.length !== rows * columns) throw new Error(`${bytes.length} bytes for ${shape}`);
  return Array.from({ length: rows }, (_, i) => bytes.slice(i * columns, (i + 1) * columns));
}

/** What Plotly.validate says of a figure, as JSON carries it; the arguments of slider steps, which it cannot judge, are left out. */
export function complaints(figure: { readonly data: unknown; readonly layout: unknown }): string[] {
  validate ??= load();
  const { data, layout } = unpacked(JSON.parse(JSON.stringify(figure))) as { data: unknown; layout: unknown };
  return (validate(data, layout) ?? [])
    .map((c) => c.msg)
    .filter((msg) => !/sliders\[\d+\]\.steps\[\d+\]\.args/.test(msg));
}
