import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/dataset.ts';
import { readPhoto } from '../../src/data/read-picture.ts';
import { selectEngine } from '../../src/engine/select-engine.ts';
import { decodePalettePng } from '../../src/formats/palette-png.ts';
import { getLabelSet } from '../../src/labels/registry.ts';
import { FaceScore } from '../../src/metrics/face-score.ts';
import { bundledWeights } from '../../src/node/bundled-weights.ts';
import { loadWeights } from '../../src/node/face-parser.ts';
import { type Averaging, defaultAveraging } from '../../src/parser/averaging.ts';
import { FaceParser } from '../../src/parser/face-parser.ts';
import type { Weights } from '../../src/parser/weights-file.ts';
import { solutionFiles } from '../../src/submission/solution.ts';
import { readTruth } from '../../src/training/evaluation.ts';
import { drawPhoto, photoPng, shareOfEqual } from '../picture-fixture.ts';
import { randomWeights } from '../random-weights.ts';
import { python, torchIsThere, torchTimeout } from './python.ts';
import { fileFolder } from './training-fixture.ts';

const realPairs = join(import.meta.dirname, '../../../shared/data/celebamask-mini/val');
/** Of the pixels that must have the same class; the rest are near ties, which the last digit of a float decides. */
const leastEqual = 0.999;

const root = await fileFolder();

/** Writes run.py and its weights for a network into a folder. */
async function writeSolution(name: string, weights: Weights, averaging?: Averaging): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  const files = solutionFiles({ weights, file: name, ...(averaging && { averaging }) });
  for (const [file, content] of files) await writeFile(join(folder, file), content);
  return folder;
}

function runPython(solution: string, words: readonly string[]): void {
  const child = spawnSync(python, ['run.py', ...words], { cwd: solution, encoding: 'utf8' });
  expect(child.status, child.stderr).toBe(0);
}

async function readMaskOf(folder: string, stem: string) {
  return decodePalettePng(await readFile(join(folder, `${stem}.png`)));
}

describe.skipIf(!torchIsThere || !existsSync(bundledWeights))(
  'run.py (skipped where /usr/bin/python3 has no torch, numpy or Pillow, or the weights are missing)',
  { timeout: torchTimeout },
  () => {
    const sizes = [
      [64, 64],
      [512, 512],
      [97, 131],
      [41, 53],
      [200, 40],
      [1, 1],
    ] as const;
    const photos = join(root, 'photos');
    beforeAll(async () => {
      await mkdir(photos);
      for (const [index, [width, height]] of sizes.entries()) {
        await writeFile(join(photos, `${index}.png`), await photoPng(drawPhoto(width, height, index + 1)));
      }
    });

    it.each([
      ['the photo alone', undefined],
      ['a mirror image', { flip: true, scales: [1] }],
      ['several sizes', { flip: false, scales: [0.5, 1, 1.5] }],
      ['both', { flip: true, scales: [1, 1.5] }],
    ] as const)('gives the masks of faceparse for photos of any size, seeing %s', async (name, averaging) => {
      // Untrained weights would not do: they hardly tell left from right, whose averages then are ties.
      const weights = { ...(await loadWeights()).weights, size: 128 };
      const solution = await writeSolution(name, weights, averaging);
      const masks = join(solution, 'masks');
      runPython(solution, ['--input', photos, '--output', masks]);
      const parser = await FaceParser.create(weights, await selectEngine(), averaging ? { averaging } : {});
      for (const [index, [width, height]] of sizes.entries()) {
        const { labels } = await parser.parse(drawPhoto(width, height, index + 1));
        const seen = await readMaskOf(masks, String(index));
        expect([seen.width, seen.height]).toEqual([width, height]);
        expect(shareOfEqual(seen.data, labels), `${width}×${height}`).toBeGreaterThanOrEqual(leastEqual);
        if (width > 50) expect(new Set(labels).size).toBeGreaterThan(2);
      }
      await parser.dispose();
    });

    it('takes one photo and writes a palette PNG with the colours of the challenge', async () => {
      const { weights } = randomWeights({ model: 'unet', size: 64 });
      const solution = await writeSolution('one', weights);
      runPython(solution, ['--input', join(photos, '1.png'), '--output', 'mask.png', '--weights', 'ckpt.pth']);
      const probe =
        'import sys; from PIL import Image; m = Image.open(sys.argv[1]); print(m.mode, m.size, m.getpalette()[:57])';
      const seen = spawnSync(python, ['-c', probe, join(solution, 'mask.png')], { encoding: 'utf8' }).stdout.trim();
      const colors = getLabelSet('celebamask-19').classes.flatMap(({ color }) => color);
      expect(seen).toBe(`P (512, 512) [${colors.join(', ')}]`);
    });
  },
);

describe.skipIf(!torchIsThere || !existsSync(bundledWeights) || !existsSync(realPairs))(
  'run.py on real pictures (skipped where torch, the weights or the pictures are missing)',
  { timeout: torchTimeout },
  () => {
    it.each([
      ['plain', undefined, 24],
      ['averaged', defaultAveraging, 6],
    ] as const)('gives the masks and the score of faceparse, %s', async (name, averaging, count) => {
      const { weights } = await loadWeights();
      const solution = await writeSolution(`real ${name}`, weights, averaging);
      const { items: all } = await openDataset(realPairs);
      const items = all.slice(0, count);
      const photos = join(solution, 'photos');
      await mkdir(photos);
      for (const { imagePath, stem } of items) await symlink(imagePath, join(photos, `${stem}.jpg`));
      runPython(solution, ['--input', photos, '--output', join(solution, 'masks')]);
      const parser = await FaceParser.create(weights, await selectEngine(), averaging ? { averaging } : {});
      const scores = { python: new FaceScore(19), faceparse: new FaceScore(19) };
      for (const item of items) {
        const truth = await readTruth(item, parser.labelSet);
        const { labels } = await parser.parse(await readPhoto(item.imagePath));
        const { data } = await readMaskOf(join(solution, 'masks'), item.stem);
        expect(shareOfEqual(data, labels), item.stem).toBeGreaterThanOrEqual(leastEqual);
        scores.python.add(truth.data, data);
        scores.faceparse.add(truth.data, labels);
      }
      const [f, own] = [scores.python, scores.faceparse].map((score) => score.summary().fPerImage);
      expect(Math.abs(f! - own!)).toBeLessThan(0.0005);
      expect(own).toBeGreaterThan(0.8);
      await parser.dispose();
    });
  },
);
