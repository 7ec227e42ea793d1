import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Photo } from '../../image/image.ts';
import { decodePhoto } from '../../image/read-image.ts';
import { drawSyntheticFace } from '../../synthetic/face.ts';
import { findNearDuplicates, type ThumbnailEntry } from './duplicates.ts';
import { thumbnailOf } from './thumbnail.ts';

const photos = Array.from({ length: 12 }, (_, seed) => drawSyntheticFace(seed, 96).photo);

const entry = (stem: string, photo: Photo): ThumbnailEntry => ({
  stem,
  file: `images/${stem}.jpg`,
  thumbnail: thumbnailOf(photo),
});
const originals = photos.map((photo, index) => entry(`face-${index}`, photo));

async function changed(photo: Photo, change: (image: Sharp) => Sharp): Promise<Photo> {
  const { width, height, data } = photo;
  const bytes = await change(sharp(data, { raw: { width, height, channels: 3 } })).toBuffer();
  return decodePhoto(bytes, 'changed');
}

describe('findNearDuplicates', () => {
  it('different faces are no duplicates', async () => {
    expect(await findNearDuplicates(originals)).toEqual([]);
  });

  it.each<[string, boolean, (image: Sharp) => Sharp]>([
    ['the same pixels', false, (image) => image.png()],
    ['strong JPEG compression', false, (image) => image.jpeg({ quality: 40 })],
    ['another size', false, (image) => image.resize(61, 61).png()],
    ['more brightness', false, (image) => image.linear(1.1, 8).png()],
    ['no colour', false, (image) => image.greyscale().png()],
    ['a mirror image', true, (image) => image.flop().jpeg()],
    ['a small mirror image', true, (image) => image.flop().resize(48, 48).png()],
  ])('%s', async (_, mirrored, change) => {
    const copies = await Promise.all(photos.map(async (photo, i) => entry(`copy-${i}`, await changed(photo, change))));
    const found = await findNearDuplicates([...originals, ...copies]);
    expect(found.map(({ stem, original }) => [stem, original])).toEqual(
      photos.map((_photo, i) => [`copy-${i}`, `images/face-${i}.jpg`]),
    );
    for (const duplicate of found) {
      expect(duplicate.mirrored).toBe(mirrored);
      expect(duplicate.similarity).toBeGreaterThanOrEqual(0.97);
      expect(duplicate.similarity).toBeLessThanOrEqual(1);
    }
    expect(await findNearDuplicates(copies, originals)).toEqual(found);
  });

  it('every photo is named once, with the first that it repeats', async () => {
    const [one] = originals;
    const found = await findNearDuplicates([one, { ...one, stem: 'b' }, { ...one, stem: 'c' }]);
    expect(found.map(({ stem, original }) => [stem, original])).toEqual([
      ['b', one.file],
      ['c', one.file],
    ]);
  });

  it('photos of one tone are not compared', async () => {
    const flat = (value: number): Photo => ({ width: 40, height: 40, data: new Uint8Array(4800).fill(value) });
    expect(await findNearDuplicates([entry('a', flat(20)), entry('b', flat(20)), entry('c', flat(240))])).toEqual([]);
  });

  it('an aborted signal ends the search', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(findNearDuplicates(originals, undefined, signal)).rejects.toThrow('stop');
  });
});

describe('thumbnailOf', () => {
  it('is the luminance of the boxes, at any size', () => {
    const left = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (Math.floor(i / 3) % 64 < 32 ? 200 : 10));
    const thumbnail = thumbnailOf({ width: 64, height: 64, data: left });
    expect([thumbnail[0], thumbnail[15], thumbnail[16], thumbnail[31]]).toEqual([200, 200, 10, 10]);
    expect(thumbnailOf({ width: 1, height: 1, data: Uint8Array.of(255, 0, 0) })).toEqual(new Uint8Array(1024).fill(76));
  });
});
