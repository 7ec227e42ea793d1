import { describe, expect, it } from 'vitest';
import { errorColor, errorImage } from './error-image.ts';

describe('errorImage', () => {
  it('marks wrong pixels, keeps right ones pale and grey, and hatches ignored ones', () => {
    const map = (ids: number[]) => ({ width: ids.length, height: 1, data: Uint8Array.from(ids) });
    const photo = { width: 8, height: 1, data: new Uint8Array(24).fill(0).fill(255, 3, 4) };
    const { data } = errorImage(photo, map([1, 1, 0, 1, 255, 255, 255, 255]), map([1, 1, 1, 0, 1, 2, 3, 4]));
    const pixel = (x: number) => [...data.subarray(x * 3, x * 3 + 3)];
    expect(pixel(0)).toEqual([150, 150, 150]);
    expect(pixel(1)).toEqual([180, 180, 180]);
    expect(pixel(2)).toEqual([...errorColor]);
    expect(pixel(3)).toEqual([...errorColor]);
    expect(new Set([4, 5, 6, 7].map((x) => pixel(x).join())).size).toBe(2);
    expect([4, 5, 6, 7].map((x) => pixel(x).join())).not.toContain(errorColor.join());
  });

  it('refuses maps of another size', () => {
    const photo = { width: 2, height: 1, data: new Uint8Array(6) };
    const map = { width: 1, height: 2, data: new Uint8Array(2) };
    expect(() => errorImage(photo, map, map)).toThrow(/photo is 2×1, but a label map is 1×2/);
  });
});
