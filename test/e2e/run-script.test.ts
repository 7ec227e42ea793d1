import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { solutionFiles } from '../../src/challenge/solution.ts';
import { type DatasetItem, openDataset } from '../../src/data/dataset/dataset.ts';
import { selectEngine } from '../../src/engine/select-engine.ts';
import { readTruth } from '../../src/evaluation/evaluate-parser.ts';
import { decodePalettePng } from '../../src/formats/png/palette-png.ts';
import { readPhoto } from '../../src/image/read-image.ts';
import { getLabelSet } from '../../src/labels/registry.ts';
import { FaceScore } from '../../src/metrics/face-score.ts';
import type { Weights } from '../../src/models/weights-file.ts';
import { bundledWeights } from '../../src/node/bundled-weights.ts';
import { loadWeights } from '../../src/node/face-parser.ts';
import { FaceParser } from '../../src/parser/face-parser.ts';
import { type Averaging, defaultAveraging } from '../../src/parser/grid/averaging.ts';
import { drawPhoto, photoPng, shareOfEqual } from '../image-fixture.ts';
import { atSize, letterboxed, randomWeights } from '../random-weights.ts';
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

/** Runs run.py of several solutions in one process, which loads torch once. */
function runPythons(runs: readonly { solution: string; words: readonly string[] }[]): void {
  const script = `import json, os, runpy, sys
for solution, words in json.loads(sys.argv[1]):
    os.chdir(solution)
    sys.argv = ['run.py', *words]
    runpy.run_path('run.py', run_name='__main__')`;
  const listed = JSON.stringify(runs.map(({ solution, words }) => [solution, words]));
  const child = spawnSync(python, ['-c', script, listed], { encoding: 'utf8' });
  expect(child.status, child.stderr).toBe(0);
}

/** Images of gradients in forms that programs read in unlike ways; gives their paths. */
async function writeUnusualPhotos(folder: string): Promise<string[]> {
  const side = 32;
  await mkdir(folder);
  const gradient = (channels: 1 | 3 | 4, deep = false) => {
    const values = Array.from({ length: side * side * channels }, (_, at) => {
      const [x, y] = [Math.floor(at / channels) % side, Math.floor(at / channels / side)];
      return [8 * x, 8 * y, 4 * (x + y), 255 - 4 * x - 3 * y][at % channels];
    });
    // Low bytes above the half: whoever rounds, and does not cut, sees another image.
    const data = deep ? Uint16Array.from(values, (value) => 256 * value + 200) : Uint8Array.from(values);
    return sharp(data, { raw: { width: side, height: side, channels } });
  };
  const images = {
    'alpha.png': gradient(4).png(),
    'alpha.webp': gradient(4).webp({ lossless: true }),
    'palette.png': gradient(4).png({ palette: true }),
    'grey.jpg': gradient(1).toColourspace('b-w').jpeg(),
    'grey-16.png': gradient(1, true).toColourspace('grey16').png(),
    'rgb-16.png': gradient(3, true).toColourspace('rgb16').png(),
    'profile.png': gradient(4).withIccProfile('p3').png(),
    'profile.jpg': gradient(3).withIccProfile('p3').jpeg(),
  };
  for (const [name, image] of Object.entries(images)) await image.toFile(join(folder, name));
  return Object.keys(images).map((name) => join(folder, name));
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
    const views: readonly (readonly [string, Averaging | undefined, typeof letterboxed | undefined])[] = [
      ['the photo alone', undefined, undefined],
      ['a mirror image', { flip: true, scales: [1] }, undefined],
      ['several sizes', { flip: false, scales: [0.5, 1, 1.5] }, undefined],
      ['both', { flip: true, scales: [1, 1.5] }, undefined],
      ['the photo in a letterbox', undefined, letterboxed],
      ['all of it in letterboxes', { flip: true, scales: [1, 1.5] }, letterboxed],
    ];
    const weightsOf = new Map<string, Weights>();
    beforeAll(async () => {
      await mkdir(photos);
      for (const [index, [width, height]] of sizes.entries()) {
        await writeFile(join(photos, `${index}.png`), await photoPng(drawPhoto(width, height, index + 1)));
      }
      // Untrained weights are unsuitable: they barely distinguish left from right, so their averages are ties.
      const stretched = atSize((await loadWeights()).weights, 128);
      const runs = [];
      for (const [name, averaging, change] of views) {
        const weights = change ? change(stretched) : stretched;
        weightsOf.set(name, weights);
        runs.push({
          solution: await writeSolution(name, weights, averaging),
          words: ['--input', photos, '--output', 'masks'],
        });
      }
      runPythons(runs);
    }, torchTimeout);

    it.each(views)(
      'gives the masks of faceparse for photos of any size, seeing %s',
      async (name, averaging, change) => {
        const weights = weightsOf.get(name)!;
        const masks = join(root, name, 'masks');
        const parser = await FaceParser.create(weights, await selectEngine(), averaging ? { averaging } : {});
        for (const [index, [width, height]] of sizes.entries()) {
          const { labels } = await parser.parse(drawPhoto(width, height, index + 1));
          const seen = await readMaskOf(masks, String(index));
          expect([seen.width, seen.height]).toEqual([width, height]);
          expect(shareOfEqual(seen.data, labels), `${width}×${height}`).toBeGreaterThanOrEqual(leastEqual);
          // The network was not trained on letterboxes and finds less in them.
          if (Math.min(width, height) > 50) expect(new Set(labels).size).toBeGreaterThan(change ? 1 : 2);
        }
        await parser.dispose();
      },
    );

    it('reads photos as faceparse does: transparency, 16 bits, colour profiles', async () => {
      const { weights } = randomWeights({ model: 'mobile-unet', size: 64 });
      const solution = await writeSolution('reading', weights);
      const files = await writeUnusualPhotos(join(solution, 'unusual'));
      const probe = 'import sys, run\nfor path in sys.argv[1:]: run.read_photo(path).tofile(path + ".rgb")';
      const child = spawnSync(python, ['-c', probe, ...files], { cwd: solution, encoding: 'utf8' });
      expect(child.status, child.stderr).toBe(0);
      for (const file of files) {
        const [{ data }, seen] = [await readPhoto(file), await readFile(`${file}.rgb`)];
        expect(seen.length, file).toBe(data.length);
        const largest = data.reduce((most, value, at) => Math.max(most, Math.abs(value - seen[at])), 0);
        // Two programs convert colours with unlike rounding.
        expect(largest, file).toBeLessThanOrEqual(/profile|16/.test(file) ? 2 : 0);
      }
    });

    it('skips hidden files, creates folders and accepts any mask name', async () => {
      const { weights } = randomWeights({ model: 'mobile-unet', size: 64 });
      const solution = await writeSolution('names', weights);
      const folder = join(solution, 'photos');
      await mkdir(folder);
      await symlink(join(photos, '0.png'), join(folder, 'a.png'));
      await writeFile(join(folder, '._a.jpg'), 'what macOS leaves');
      runPython(solution, ['--input', folder, '--output', 'deep/masks']);
      expect(await readdir(join(solution, 'deep', 'masks'))).toEqual(['a.png']);
      runPython(solution, ['--input', join(folder, 'a.png'), '--output', 'new/folder/mask.out']);
      const [named, plain] = ['new/folder/mask.out', 'deep/masks/a.png'].map((path) => readFile(join(solution, path)));
      expect((await named).equals(await plain)).toBe(true);
    });

    it('reads one photo and writes a palette PNG with the colours of the challenge', async () => {
      const { weights } = randomWeights({ model: 'mobile-unet', size: 64 });
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
  'run.py on real images (skipped where torch, the weights or the images are missing)',
  { timeout: torchTimeout },
  () => {
    const cases: readonly (readonly [string, Averaging | undefined, number])[] = [
      ['plain', undefined, 8],
      ['averaged', defaultAveraging, 3],
    ];
    let weights: Weights;
    let all: readonly DatasetItem[];
    beforeAll(async () => {
      ({ weights } = await loadWeights());
      ({ items: all } = await openDataset(realPairs));
      const runs = [];
      for (const [name, averaging, count] of cases) {
        const solution = await writeSolution(`real ${name}`, weights, averaging);
        const photos = join(solution, 'photos');
        await mkdir(photos);
        for (const { imagePath, stem } of all.slice(0, count)) await symlink(imagePath, join(photos, `${stem}.jpg`));
        runs.push({ solution, words: ['--input', photos, '--output', 'masks'] });
      }
      runPythons(runs);
    }, torchTimeout);

    it.each(cases)('gives the masks and the score of faceparse, %s', async (name, averaging, count) => {
      const solution = join(root, `real ${name}`);
      const items = all.slice(0, count);
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
      expect(Math.abs(f - own)).toBeLessThan(0.0005);
      expect(own).toBeGreaterThan(0.8);
      await parser.dispose();
    });
  },
);
