import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { expect, it } from 'vitest';
import { celebamask19 } from '../../src/labels/celebamask-19.ts';
import type { Suspect, SuspectPictures } from '../../src/suspects/suspect.ts';
import { suspectsPage } from '../../src/suspects/suspects-page.ts';
import { drawSyntheticFace } from '../../src/synthetic/face.ts';
import { temporaryFolder } from '../dataset-fixture.ts';
import { chromiumPath } from '../package/browser-app.ts';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const skipped = !existsSync(chromiumPath) && `${chromiumPath} is missing (Debian: apt-get install chromium)`;

/** A face whose mask has lost its hair. */
function picturesOf(seed: number): SuspectPictures {
  const { photo, labels } = drawSyntheticFace(seed, 128);
  const isHair = labels.data.map((id) => (id === 13 ? 1 : 0));
  const truth = { ...labels, data: labels.data.map((id) => (id === 13 ? 0 : id)) };
  const findings = [{ labelled: 'background', predicted: 'hair', pixels: 2000, score: 0.9 }];
  const stem = `${'a-very-long-name-without-a-space_'.repeat(3)}${seed}`;
  const suspect: Suspect = { stem, image: '', mask: '', score: 0.9, findings, runs: ['runs/fold0'] };
  return { suspect, photo, truth, prediction: labels, disagreement: isHair };
}

it.skipIf(skipped)(
  `the page of suspects in Chromium${skipped ? ` (skipped: ${skipped})` : ''}`,
  async () => {
    const pictures = [1, 2].map(picturesOf);
    const file = join(await temporaryFolder(), 'suspects.html');
    const html = await suspectsPage({
      folder: 'data/train',
      labelSet: celebamask19,
      pairs: 9,
      runs: [{ run: 'runs/fold0', weights: '', pairs: 5 }],
      unused: [{ run: `runs/${'long'.repeat(40)}`, reason: 'it was trained on all pairs of data/train' }],
      unjudged: ['x'],
      commands: [`faceparse train runs/fold0/config.yaml data.fold=1 --name ${'fold1'.repeat(30)} --data data`],
      failures: [],
      suspects: pictures.map(({ suspect }) => suspect),
      pictures,
    });
    await writeFile(file, html);
    const browser = await chromium.launch({ executablePath: chromiumPath, timeout: 60_000, args: ['--no-sandbox'] });
    try {
      for (const [width, colorScheme] of [
        [400, 'dark'],
        [1280, 'light'],
      ] as const) {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme, bypassCSP: true });
        const complaints: string[] = [];
        page.on('console', (message) => complaints.push(message.text()));
        await page.goto(pathToFileURL(file).href);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
        const widths = await page.evaluate(() =>
          [...document.images].map((image) => (image.naturalWidth === 0 ? 0 : image.getBoundingClientRect().width)),
        );
        expect(widths).toHaveLength(8);
        // Two beside each other on a telephone, four on a screen.
        expect(Math.min(...widths)).toBeGreaterThan(width === 400 ? 140 : 200);
        await page.addScriptTag({ path: axe });
        const found = await page.evaluate(async () => {
          const { violations } = await (
            window as unknown as {
              axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
            }
          ).axe.run();
          return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
        });
        expect(found).toEqual([]);
        expect(complaints).toEqual([]);
        await page.close();
      }
    } finally {
      await browser.close();
    }
  },
  120_000,
);
