import fc from 'fast-check';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { decodePalettePng } from '../formats/png/palette-png.ts';
import type { LabelMap } from '../image/image.ts';
import { encodeLabelPng } from '../image/label-png.ts';
import { getLabelSet } from '../labels/registry.ts';
import { drawSyntheticFace } from '../synthetic/face.ts';
import { deflateLabelPng } from './deflate-label-png.ts';

const set = getLabelSet('celebamask-19');

function mapOf(width: number, height: number, idOf: (index: number) => number): LabelMap {
  return { width, height, data: Uint8Array.from({ length: width * height }, (_, index) => idOf(index)) };
}

it('keeps every id and the palette, whatever the map', async () => {
  const maps = fc
    .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) })
    .chain((size) =>
      fc
        .array(fc.constantFrom(0, 0, 0, 1, 5, 17, 18, 255), {
          minLength: size.width * size.height,
          maxLength: size.width * size.height,
        })
        .map((ids) => ({ ...size, data: Uint8Array.from(ids) })),
    );
  await fc.assert(
    fc.asyncProperty(maps, async (map) => {
      const decoded = decodePalettePng(await deflateLabelPng(map, set));
      expect(decoded).toEqual(decodePalettePng(encodeLabelPng(map, set)));
      expect(decoded.data).toEqual(map.data);
    }),
    { numRuns: 50 },
  );
});

it('keeps maps of several blocks, which libpng reads, too', async () => {
  const map = mapOf(900, 400, (index) => (index * 7 + Math.floor(index / 9000)) % 19);
  const png = await deflateLabelPng(map, set);
  expect(Buffer.compare(decodePalettePng(png).data, map.data)).toBe(0);
  const colors = await sharp(png).removeAlpha().raw().toBuffer();
  const wanted = Buffer.from([...map.data].flatMap((id) => set.classes[id].color));
  expect(Buffer.compare(colors, wanted)).toBe(0);
});

it('is at most a quarter larger than the smallest deflate for faces, and always the same', async () => {
  const { labels } = drawSyntheticFace(3, 192);
  const png = await deflateLabelPng(labels, set);
  expect(png.length).toBeLessThan(1.25 * encodeLabelPng(labels, set).length);
  expect(await deflateLabelPng(labels, set)).toEqual(png);
});

it('refuses ids outside of the set, and maps that are not full', async () => {
  await expect(
    deflateLabelPng(
      mapOf(2, 2, () => 19),
      set,
    ),
  ).rejects.toThrow(new RangeError('pixel 0 has the id 19, which is not in celebamask-19'));
  await expect(deflateLabelPng({ width: 2, height: 2, data: new Uint8Array(3) }, set)).rejects.toThrow(
    'a mask of 2×2 requires 4 class ids, but 3 were given',
  );
});
