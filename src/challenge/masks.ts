import type { PhotoFile } from '../data/dataset/find-photos.ts';
import type { Engine } from '../engine/engine.ts';
import { encodeLabelPng } from '../image/label-png.ts';
import { readPhoto, readPhotoSize } from '../image/read-image.ts';
import { pixelKernels } from '../native-pixels/pixel-kernels.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { FaceparseError } from '../text/errors.ts';
import type { Entry } from './entry.ts';
import { challengeRules } from './rules.ts';

/** How to predict masks. */
export interface MaskOptions {
  readonly engine: Engine;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Predicts the masks of the test images as palette PNGs, by file name (`7.png`).
 *
 * @throws FaceparseError for an image that has the wrong size or cannot be read
 */
export async function predictMasks(
  { weights, file, averaging }: Entry,
  photos: readonly PhotoFile[],
  { engine, signal, onProgress }: MaskOptions,
): Promise<Map<string, Uint8Array>> {
  const parser = await FaceParser.create(weights, engine, {
    name: file,
    ...(averaging && { averaging }),
    kernels: pixelKernels(),
  });
  const masks = new Map<string, Uint8Array>();
  try {
    for (const [index, { stem, path }] of photos.entries()) {
      signal?.throwIfAborted();
      const photo = await readPhoto(path);
      requireSize(path, photo);
      masks.set(
        `${stem}.png`,
        encodeLabelPng((await parser.parse(photo, { faces: 'whole' })).labelMap, parser.labelSet),
      );
      onProgress?.(index + 1, photos.length);
    }
  } finally {
    await parser.dispose();
  }
  return masks;
}

/**
 * Checks the sizes of all test images, which is fast, before any slow work.
 *
 * @throws FaceparseError for the first image that has the wrong size or cannot be read
 */
export async function requirePhotoSizes(photos: readonly PhotoFile[]): Promise<void> {
  for (const { path } of photos) requireSize(path, await readPhotoSize(path));
}

function requireSize(path: string, { width, height }: { readonly width: number; readonly height: number }): void {
  const { maskSide } = challengeRules;
  if (width === maskSide && height === maskSide) return;
  throw new FaceparseError(
    `${path} is ${width}×${height}; the images and masks of the challenge are ${maskSide}×${maskSide}`,
  );
}
