// JPEGs that are stored turned or mirrored and say so in their EXIF orientation, as phones write them.
import sharp from 'sharp';
import { readPhoto } from '../../dist/node.js';

/** How the upright photo is stored, by orientation: what undoes the turn that a reader makes. */
const store = {
  1: [],
  2: ['flop'],
  3: ['half'],
  4: ['flip'],
  5: ['right', 'flop'],
  6: ['left'],
  7: ['right', 'flip'],
  8: ['right'],
};
const operations = {
  flop: (image) => image.flop(),
  flip: (image) => image.flip(),
  right: (image) => image.rotate(90),
  half: (image) => image.rotate(180),
  left: (image) => image.rotate(270),
};

/**
 * A JPEG of a photo with an EXIF orientation.
 *
 * @throws Error if `readPhoto` does not make the upright photo of it
 */
export async function storedWithOrientation(photo, orientation) {
  let image = { data: photo.data, info: { width: photo.width, height: photo.height, channels: 3 } };
  for (const name of store[orientation]) {
    const step = operations[name](sharp(image.data, { raw: image.info }));
    image = await step.raw().toBuffer({ resolveWithObject: true });
  }
  const jpeg = await sharp(image.data, { raw: image.info })
    .withMetadata({ orientation })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
  const read = await readPhoto(jpeg);
  const difference = photo.data.reduce((sum, value, i) => sum + Math.abs(value - read.data[i]), 0) / photo.data.length;
  if (read.width !== photo.width || !(difference < 6)) {
    throw new Error(`a JPEG with orientation ${orientation} is read wrongly: mean difference ${difference}`);
  }
  return jpeg;
}
