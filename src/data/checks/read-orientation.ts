import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

/** The names of EXIF data in JPEG and HEIF, PNG, and WebP; TIFF has no name for it. */
const exifMarks = ['Exif', 'eXIf', 'EXIF'];

/**
 * Reads the EXIF orientation of a photo from its header, 1 to 8. Photos without one, and files that cannot be read, have 1.
 *
 * @example await readOrientation('IMG_0001.jpg') // 6: stored sideways
 */
export async function readOrientation(path: string): Promise<number> {
  try {
    const bytes = await readFile(path);
    // Opening the image takes longer than this search, and few photos have EXIF data.
    const tiff = ['II', 'MM'].includes(bytes.toString('latin1', 0, 2));
    if (!tiff && !exifMarks.some((mark) => bytes.includes(mark))) return 1;
    const { orientation = 1 } = await sharp(bytes).metadata();
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  } catch {
    return 1;
  }
}
