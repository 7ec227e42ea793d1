import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

/**
 * Reads the EXIF orientation of a photo from its header, 1 to 8. Photos without one, and files that cannot be read, have 1.
 *
 * @example await readOrientation('IMG_0001.jpg') // 6: stored sideways
 */
export async function readOrientation(path: string): Promise<number> {
  try {
    const { orientation = 1 } = await sharp(await readFile(path)).metadata();
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  } catch {
    return 1;
  }
}
