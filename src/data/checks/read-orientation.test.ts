import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { readOrientation } from './read-orientation.ts';

describe('readOrientation', () => {
  it.each(['jpeg', 'png', 'webp', 'tiff'] as const)('reads the EXIF orientation of %s', async (format) => {
    const file = join(await temporaryFolder(), 'photo');
    await sharp({ create: { width: 4, height: 4, channels: 3, background: '#888' } })
      .withMetadata({ orientation: 6 })
      .toFormat(format)
      .toFile(file);
    expect(await readOrientation(file)).toBe(6);
  });

  it('is 1 without EXIF, and for files that are no photo', async () => {
    const folder = await temporaryFolder();
    await sharp({ create: { width: 4, height: 4, channels: 3, background: '#888' } })
      .jpeg()
      .toFile(join(folder, 'a.jpg'));
    await writeFile(join(folder, 'b.jpg'), '<html>');
    expect(await readOrientation(join(folder, 'a.jpg'))).toBe(1);
    expect(await readOrientation(join(folder, 'b.jpg'))).toBe(1);
    expect(await readOrientation(join(folder, 'missing.jpg'))).toBe(1);
  });
});
