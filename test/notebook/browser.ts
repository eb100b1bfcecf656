/** The browser that tests look with: Chromium of the system, or the one that SCNAS_CHROMIUM names, driven by playwright-core. */
import { existsSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { expect, it } from 'vitest';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where the browser is; undefined where none is installed. */
export const browser = [process.env.SCNAS_CHROMIUM, ...PLACES].find((file) => file && existsSync(file));

/** A test that is skipped where there is no browser; where CI is set, that is a failure. */
export function browserThere(): void {
  it('Chromium is there where CI is set', () => {
    expect(process.env.CI === 'true' && !browser).toBe(false);
  });
}

/** A browser without a window; WebGL is drawn by the processor. */
export async function openBrowser(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  // Chromium has no sandbox for root, which is what containers run as.
  const args = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
  return chromium.launch({ executablePath: browser, args });
}
