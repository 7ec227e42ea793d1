import type { PhotoFile } from '../data/find-photos.ts';
import { readPhoto } from '../data/read-picture.ts';
import type { Engine } from '../engine/engine.ts';
import { FaceparseError } from '../errors.ts';
import { encodePalettePng } from '../formats/palette-png.ts';
import { FaceParser } from '../parser/face-parser.ts';
import { challengeRules } from './challenge-rules.ts';
import type { Entry } from './entry.ts';

/** How masks are made. */
export interface MaskOptions {
  readonly engine: Engine;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * The masks of the test pictures as palette PNGs, by file name (`7.png`).
 *
 * @throws FaceparseError for a picture that has not the size of the challenge, or cannot be read
 */
export async function predictMasks(
  { weights, file, averaging }: Entry,
  photos: readonly PhotoFile[],
  { engine, signal, onProgress }: MaskOptions,
): Promise<Map<string, Uint8Array>> {
  const { maskSide } = challengeRules;
  const parser = await FaceParser.create(weights, engine, { name: file, ...(averaging && { averaging }) });
  const masks = new Map<string, Uint8Array>();
  try {
    const colors = parser.labelSet.classes.map(({ color }) => color);
    for (const [index, { stem, path }] of photos.entries()) {
      signal?.throwIfAborted();
      const photo = await readPhoto(path);
      if (photo.width !== maskSide || photo.height !== maskSide) {
        throw new FaceparseError(
          `${path} is ${photo.width}×${photo.height}; the pictures of the challenge are ${maskSide}×${maskSide}, and so are the masks`,
        );
      }
      masks.set(`${stem}.png`, encodePalettePng(await parser.parse(photo), colors));
      onProgress?.(index + 1, photos.length);
    }
  } finally {
    await parser.dispose();
  }
  return masks;
}
