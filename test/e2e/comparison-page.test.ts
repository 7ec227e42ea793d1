import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparisonPage } from '../../src/comparison/page/comparison-page.ts';
import { comparisonTables } from '../../src/comparison/tables/comparison-tables.ts';
import { face8 } from '../../src/labels/face-8.ts';
import { madeUpComparison } from '../comparison-fixture.ts';
import { chromiumPath } from '../package/browser-app.ts';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const skipped = !existsSync(chromiumPath) && `${chromiumPath} is missing (Debian: apt-get install chromium)`;

interface Axe {
  run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

/** A run name without a place to break, which would widen the page. */
const longName = 'deeplabv3plus_resnet101_dice_cross_entropy_jaccard_sgd_plateau_0001';

describe.skipIf(skipped)(
  `the page of a comparison in Chromium${skipped ? ` (skipped: ${skipped})` : ''}`,
  { timeout: 180_000 },
  () => {
    let folder: string;
    let url: string;
    let browser: Browser;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
      const comparison = madeUpComparison({
        runs: ['שלום 👩🏽‍🔬 <i>', longName],
        labelSet: face8,
        splits: ['val', 'test'],
        images: 3,
        epochs: 4,
        panels: 1,
      });
      const file = join(folder, 'comparison.html');
      await writeFile(file, await comparisonPage(comparison, comparisonTables(comparison)));
      url = pathToFileURL(file).href;
      browser = await chromium.launch({ executablePath: chromiumPath, timeout: 60_000, args: ['--no-sandbox'] });
    });
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    /** Opens the page, and gives what it said and asked for. */
    async function open(width: number, colorScheme: 'light' | 'dark') {
      // The page's policy forbids all scripts, also that of axe.
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
      const complaints: string[] = [];
      const requests: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('request', (request) => requests.push(request.url()));
      await page.goto(url);
      return { page, complaints, requests };
    }

    /** What axe finds; colours alone, or everything. */
    async function violations(page: Page, colorsOnly: boolean): Promise<string[]> {
      await page.evaluate(() => {
        for (const section of document.querySelectorAll('section'))
          section.querySelector('details')?.toggleAttribute('open');
      });
      await page.addScriptTag({ path: axe });
      const { violations: found } = await page.evaluate(
        (only) => (window as unknown as { axe: Axe }).axe.run(only ? { runOnly: ['color-contrast'] } : {}),
        colorsOnly,
      );
      return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
    }

    it.each(['light', 'dark'] as const)('has no fault that axe finds, %s', async (scheme) => {
      const { page, complaints, requests } = await open(1280, scheme);
      expect(requests.filter((request) => !request.startsWith('data:'))).toEqual([url]);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      expect(background).toBe(scheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 28)');
      expect(await violations(page, scheme === 'dark')).toEqual([]);
      expect(complaints).toEqual([]);
      await page.close();
    });

    it.each([400, 768, 1280])('never scrolls sideways as a whole at %i pixels', async (width) => {
      const { page } = await open(width, 'light');
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      const broken = await page.evaluate(
        () => [...document.images].filter(({ naturalWidth }) => naturalWidth === 0).length,
      );
      expect(broken).toBe(0);
      await page.close();
    });

    it('can be used with the keyboard, and printed', async () => {
      const { page } = await open(400, 'dark');
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the results');
      await page.keyboard.press('Enter');
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
      await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
      expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(255, 255, 255)');
      // The width of A4 between the margins of the page.
      await page.setViewportSize({ width: 688, height: 900 });
      expect(
        await page.evaluate(() =>
          [...document.querySelectorAll('main table')]
            .filter((table) => table.getBoundingClientRect().right > innerWidth + 1)
            .map(({ parentElement }) => parentElement?.parentElement?.id),
        ),
      ).toEqual([]);
      expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
      await page.close();
    });
  },
);
