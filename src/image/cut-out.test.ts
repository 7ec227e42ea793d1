import { describe, expect, it } from 'vitest';
import { cutOut } from './cut-out.ts';

describe('cutOut', () => {
  it('takes the mask as alpha and keeps nothing of transparent pixels', async () => {
    const photo = { width: 3, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9) };
    const image = await cutOut(photo, { width: 3, height: 1, data: Uint8Array.of(255, 0, 9) });
    expect(image).toMatchObject({ width: 3, height: 1, channels: 4 });
    expect([...image.data]).toEqual([1, 2, 3, 255, 0, 0, 0, 0, 7, 8, 9, 9]);
  });

  it('refuses a mask of another size', async () => {
    const photo = { width: 2, height: 1, data: new Uint8Array(6) };
    await expect(cutOut(photo, { width: 1, height: 2, data: new Uint8Array(2) })).rejects.toThrow(
      'the photo is 2×1, but its mask is 1×2',
    );
  });
});
