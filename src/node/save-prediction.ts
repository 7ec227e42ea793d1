import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { writeError, writeFileAtomic } from '../files/atomic-write.ts';
import type { Photo } from '../image/image.ts';
import { encodeLabelPng } from '../image/label-png.ts';
import { blendOverlay } from '../image/overlay.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { ParseResult } from '../parser/parse-result.ts';

/**
 * Writes the palette PNG `STEM.png` and, with `overlay`, `overlay/STEM.png`; a stem may contain subfolders.
 *
 * @returns the mask's path
 */
export async function savePrediction(
  folder: string,
  stem: string,
  photo: Photo,
  result: ParseResult,
  set: LabelSet,
  overlay: boolean,
): Promise<string> {
  const mask = join(folder, `${stem}.png`);
  await makeFolder(dirname(mask));
  await writeFileAtomic(mask, encodeLabelPng(result.labelMap, set));
  if (overlay) {
    const { data, width, height } = blendOverlay(photo, result.labelMap, set);
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const path = join(folder, 'overlay', `${stem}.png`);
    await makeFolder(dirname(path));
    await writeFileAtomic(path, png);
  }
  return mask;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((cause) => {
    throw writeError(path, cause);
  });
}
