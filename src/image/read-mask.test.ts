import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { schematicFace, temporaryFolder } from '../../test/dataset-fixture.ts';
import { readMask } from './read-image.ts';

/** The message of `readMask` for a PNG with these bytes. */
async function messageFor(bytes: Uint8Array): Promise<string> {
  const file = join(await temporaryFolder(), 'mask.png');
  await writeFile(file, bytes);
  return readMask(file).then(
    () => '',
    (error) => String(error.message),
  );
}

describe('readMask of RGB files with class ids', () => {
  test.each([3, 4] as const)('%i equal channels are recognized as class ids', async (channels) => {
    const face = schematicFace();
    const pixels = Uint8Array.from({ length: face.data.length * channels }, (_, at) =>
      at % channels === 3 ? 255 : face.data[Math.floor(at / channels)],
    );
    const bytes = (data: Uint8Array) =>
      sharp(data, { raw: { width: 32, height: 32, channels } })
        .png()
        .toBuffer();
    const equal = await messageFor(await bytes(pixels));
    expect(equal).toContain('all its colour channels are equal');
    expect(equal).toContain('save one channel as an 8-bit greyscale PNG');
    expect(equal).not.toContain('--palette');
    pixels[0] = 7;
    expect(await messageFor(await bytes(pixels))).toContain('--palette FILE');
  });

  test('a grey photo saved as RGB is no mask with equal channels', async () => {
    const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => Math.floor(at / 3) & 255);
    const bytes = await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toBuffer();
    expect(await messageFor(bytes)).toContain('--palette FILE');
  });
});
