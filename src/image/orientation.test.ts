import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { turnUpright } from './orientation.ts';
import { readPhoto } from './read-image.ts';

describe('turnUpright', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'orientation %i turns as the photo is turned when it is read',
    async (orientation) => {
      const [width, height] = [7, 4];
      const data = Uint8Array.from({ length: width * height }, (_, i) => i * 8);
      const file = join(await temporaryFolder(), 'photo.png');
      const gray = [...data].flatMap((value) => [value, value, value]);
      await sharp(Buffer.from(gray), { raw: { width, height, channels: 3 } })
        .withMetadata({ orientation })
        .png()
        .toFile(file);
      const photo = await readPhoto(file);
      const turned = turnUpright({ width, height, data }, orientation);
      expect([turned.width, turned.height]).toEqual([photo.width, photo.height]);
      expect([...turned.data]).toEqual([...photo.data].filter((_, i) => i % 3 === 0));
    },
  );
});
