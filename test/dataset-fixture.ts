import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { encodePalettePng } from '../src/formats/png/palette-png.ts';
import type { LabelMap } from '../src/image/image.ts';

/** 256 greys, so that masks with stray labels can be written too. */
const greys = Array.from({ length: 256 }, (_, i): [number, number, number] => [i, i, i]);

/** A new folder that is removed when the test is finished. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Pseudo-random RGB, so that a JPEG of it is large enough to cut anywhere; other photos for other seeds. */
export function noiseRgb(width: number, height: number, seed = 0): Buffer {
  const shift = seed * 7919 * 12289;
  return Buffer.from(Uint8Array.from({ length: width * height * 3 }, (_, i) => ((i + shift) * 2654435761) >>> 13));
}

export function jpegBytes(width: number, height: number, seed = 0): Promise<Buffer> {
  return sharp(noiseRgb(width, height, seed), { raw: { width, height, channels: 3 } })
    .jpeg()
    .toBuffer();
}

export function maskBytes(map: LabelMap): Uint8Array {
  return encodePalettePng(map, greys);
}

/** Parts of `schematicFace` that can be left out; the ids are those of celebamask-19. */
export interface FaceOptions {
  /** Exchange the labels of left and right. */
  swapped?: boolean;
  without?: readonly number[];
}

/** A face of rectangles, 32×32 in celebamask-19: hair, skin, nose, eyes, brows, ears, upper and lower lip. */
export function schematicFace({ swapped = false, without = [] }: FaceOptions = {}): LabelMap {
  const [width, height] = [32, 32];
  const data = new Uint8Array(width * height);
  const paint = (id: number, x0: number, x1: number, y0: number, y1: number): void => {
    if (without.includes(id)) return;
    for (let y = y0; y < y1; y++) data.fill(id, y * width + x0, y * width + x1);
  };
  const [left, right] = swapped ? [0, 1] : [1, 0];
  // In order of the image's x: what stands at the smaller x is the person's right.
  const parts = (first: number): [number, number] => [first + left, first + right];
  paint(13, 4, 28, 2, 9);
  paint(1, 6, 26, 8, 30);
  paint(2, 15, 18, 14, 20);
  const [eyeA, eyeB] = parts(4);
  paint(eyeA, 9, 13, 13, 15);
  paint(eyeB, 20, 24, 13, 15);
  const [browA, browB] = parts(6);
  paint(browA, 9, 13, 10, 11);
  paint(browB, 20, 24, 10, 11);
  const [earA, earB] = parts(8);
  paint(earA, 4, 6, 13, 19);
  paint(earB, 26, 28, 13, 19);
  paint(11, 13, 20, 23, 24);
  paint(12, 13, 20, 24, 26);
  return { width, height, data };
}

/** Write a dataset folder of 32×32 noise photos and the given masks. */
export async function writeDataset(folder: string, masks: Record<string, LabelMap>): Promise<string> {
  await mkdir(join(folder, 'images'), { recursive: true });
  await mkdir(join(folder, 'masks'), { recursive: true });
  for (const [index, [stem, map]] of Object.entries(masks).entries()) {
    await writeFile(join(folder, 'images', `${stem}.jpg`), await jpegBytes(map.width, map.height, index));
    await writeFile(join(folder, 'masks', `${stem}.png`), maskBytes(map));
  }
  return folder;
}
