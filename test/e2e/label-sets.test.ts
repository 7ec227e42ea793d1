import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodePalettePng, encodePalettePng } from '../../src/formats/png/palette-png.ts';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { resizeLabels, resizePhoto } from '../../src/image/resize.ts';
import { celebamask19 } from '../../src/labels/celebamask-19.ts';
import { drawSyntheticFace } from '../../src/synthetic/face.ts';
import { makeUp, makeUpTable } from '../labels-fixture.ts';
import { runCli } from './run-cli.ts';
import { fileFolder, train } from './training-fixture.ts';

const root = await fileFolder();
const data = join(root, 'data');
const run = join(root, 'runs', 'mine');
const weights = join(root, 'elsewhere.safetensors');
const sizes = [
  [96, 60],
  [55, 90],
  [64, 64],
] as const;
const palette = celebamask19.classes.map(({ color }) => color);

async function writeSplit(split: string, count: number, seed: number): Promise<void> {
  const [images, masks] = ['images', 'masks'].map((name) => join(data, split, name));
  for (const folder of [images, masks]) await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const { photo, labels } = drawSyntheticFace(seed + index, 96);
    const [width, height] = sizes[index % sizes.length];
    const raw = { width, height, channels: 3 } as const;
    await sharp(resizePhoto(photo, width, height).data, { raw })
      .png()
      .toFile(join(images, `${index}.png`));
    await writeFile(join(masks, `${index}.png`), encodePalettePng(resizeLabels(labels, width, height), palette));
  }
}

async function idsOf(path: string) {
  const { width, height, data: ids } = decodePalettePng(await readFile(path));
  return { size: [width, height], ids: new Set(ids) };
}

describe('a run with a label set of its own on letterboxed photos', { timeout: 180_000 }, () => {
  const file = join(root, 'mine.yaml');
  beforeAll(async () => {
    await writeSplit('train', 8, 0);
    await writeSplit('val', 3, 50);
    const augmentation = { cutMix: 0.5 };
    const settings = { resize: 'letterbox', labels: makeUp, cacheSize: 64, augmentation, oversample: { lips: 2 } };
    const sizes = { size: 64, batchSize: 4, epochs: 2 };
    await writeFile(file, JSON.stringify({ data: settings, train: sizes, validation: { every: 1 } }));
    await train([file, '--out', join(root, 'runs'), '--data', data, 'engine.threads=1']);
    // Without the run folder and its configuration.
    await copyFile(join(run, 'weights', 'best.safetensors'), weights);
  }, 120_000);

  it('writes weights that contain the label set and the resize rule', async () => {
    const { metadata } = decodeSafetensors(await readFile(weights));
    expect(JSON.parse(metadata.labelSet)).toEqual(makeUpTable());
    expect(metadata).toMatchObject({ version: '3', labels: 'make-up', resize: 'letterbox-area-bilinear' });
  });

  it('scores its weights alone as it did in training', async () => {
    const { stdout, stderr } = await runCli(['evaluate', weights, '--data', join(data, 'val'), '--json']);
    expect(stderr).toBe('');
    const { fPerImage } = JSON.parse(stdout);
    const { metadata } = decodeSafetensors(await readFile(weights));
    expect(fPerImage).toBeCloseTo(Number(metadata['note.validationF']), 4);
  });

  it('predicts masks in its own ids, or in those of celebamask-19, at the size of the photos', async () => {
    const photos = join(data, 'val', 'images');
    const [own, back] = [join(root, 'own'), join(root, 'back')];
    expect((await runCli(['predict', weights, photos, '--out', own, '--overlay'])).code).toBe(0);
    expect((await runCli(['predict', weights, photos, '--out', back, '--labels', 'celebamask-19'])).code).toBe(0);
    const table = [0, 1, 4, 5, 11];
    for (const [index, size] of sizes.entries()) {
      const [mask, mapped] = [await idsOf(join(own, `${index}.png`)), await idsOf(join(back, `${index}.png`))];
      expect([mask.size, mapped.size]).toEqual([size, size]);
      expect(mapped.ids).toEqual(new Set([...mask.ids].map((id) => table[id])));
    }
    const wrong = await runCli(['predict', weights, photos, '--out', join(root, 'no'), '--labels', 'face-8']);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/only be written in celebamask-19, or make-up/),
    ]);
    const score = async (labels: string) =>
      JSON.parse(
        (await runCli(['evaluate', '--masks', own, '--data', join(data, 'val'), '--labels', labels, '--json'])).stdout,
      );
    const [byFile, byRun] = [await score(file), await score(run)];
    expect(byFile).toEqual(byRun);
    expect(byFile.labels).toBe('make-up');
  });

  it('counts ignored pixels of dropped classes', async () => {
    const words = ['data', 'stats', join(data, 'val'), '--labels', file, '--merge', '--json'];
    const { classes, pixels, ignoredPixels } = JSON.parse((await runCli(words)).stdout);
    expect(ignoredPixels).toBeGreaterThan(0);
    expect(classes.reduce((sum: number, entry: { pixels: number }) => sum + entry.pixels, 0)).toBe(pixels);
    expect(pixels + ignoredPixels).toBe(sizes.reduce((sum, [width, height]) => sum + width * height, 0));
  });

  it('resumes, but not with another label set, and starts no run of another one', async () => {
    await train(['--resume', run, 'train.epochs=3']);
    const other = await runCli(['train', '--resume', run, 'data.labels=face-8', 'data.oversample=null']);
    expect(other.stderr).toMatch(/cannot change from the table make-up to face-8 when a run is resumed/);
    const words = [
      'train',
      file,
      `train.init=${weights}`,
      '--out',
      join(root, 'runs'),
      '--data',
      data,
      '--name',
      'next',
    ];
    const started = await runCli([...words, 'data.labels=celebamask-19', 'data.oversample=null']);
    expect(started.stderr).toMatch(/weights for the label set make-up, but data\.labels is celebamask-19/);
    const recolored = {
      ...makeUp,
      classes: makeUp.classes.map((one) => (one.name === 'lips' ? { ...one, color: [9, 9, 9] } : one)),
    };
    const same = await runCli([...words, `data.labels=${JSON.stringify(recolored)}`]);
    expect(same.stderr).toMatch(/weights for another table named make-up than data\.labels/);
    expect((await runCli([...words, 'train.epochs=1'])).code).toBe(0);
  });

  it('cannot be submitted, and says why', async () => {
    await rm(join(root, 'entry'), { recursive: true, force: true });
    const { code, stderr } = await runCli([
      'submit',
      run,
      '--test',
      join(data, 'val', 'images'),
      '--out',
      join(root, 'entry'),
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/trained on the label set 'make-up'; the challenge uses celebamask-19/);
  });
});
