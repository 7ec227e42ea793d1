import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import { upsampledArgmax } from '../grid/argmax.ts';
import { cropFace } from './crop-face.ts';

const random = new Random(3);
const photo = { width: 40, height: 30, data: Uint8Array.from({ length: 3600 }, () => random.integer(256)) };
const scores = { shape: [3, 4, 4] as const, data: Float32Array.from({ length: 48 }, () => random.normal()) };

describe('cropFace', () => {
  it('turns the face upright', async () => {
    const { photo: crop } = await cropFace(photo, { framing: { x: 20, y: 15, side: 20, angle: 90 }, scores });
    expect([crop.width, crop.height]).toEqual([20, 20]);
    // The top of a head turned clockwise is on the right: its row of pixels is the last column, from top to bottom.
    for (let x = 0; x < 20; x++) {
      const at = ((5 + x) * 40 + 29) * 3;
      expect([...crop.data.subarray(3 * x, 3 * x + 3)]).toEqual([...photo.data.subarray(at, at + 3)]);
    }
  });

  it('has the labels of the scores at the size of the crop', async () => {
    const { labels, photo: crop } = await cropFace(
      photo,
      { framing: { x: 5, y: 3, side: 33.4, angle: 12 }, scores },
      { size: 64 },
    );
    expect([labels.width, crop.width, crop.data.length]).toEqual([64, 64, 64 * 64 * 3]);
    expect(labels.data).toEqual(upsampledArgmax(scores, 64, 64).data);
    const large = await cropFace(photo, { framing: { x: 5, y: 3, side: 3000, angle: 0 }, scores });
    expect(large.labels.width).toBe(1024);
    expect((await cropFace(photo, { framing: { x: 5, y: 3, side: 0.2, angle: 0 }, scores })).labels.width).toBe(1);
  });

  it.each([0, 1.5, 5000, Number.NaN])('refuses the size %d', async (size) => {
    await expect(
      cropFace(photo, { framing: { x: 5, y: 3, side: 9, angle: 0 }, scores }, { size }),
    ).rejects.toMatchObject({ exitCode: 2 });
  });
});
