import fc from 'fast-check';
import { expect, test } from 'vitest';
import { meanFacePrediction } from './mean-face.ts';

const bytes = (...ids: number[]): Uint8Array => Uint8Array.from(ids);

test('the most frequent class of each pixel; ties to the lower id', () => {
  const masks = [bytes(0, 1, 2, 3, 255), bytes(0, 2, 1, 3, 255), bytes(3, 2, 255, 0, 255)];
  expect(meanFacePrediction(masks, 4)).toEqual(bytes(0, 2, 1, 3, 0));
});

test('no class has more votes than the winner, no lower id as many', () => {
  const anyMasks = fc
    .integer({ min: 1, max: 6 })
    .chain((pixels) => fc.array(fc.uint8Array({ minLength: pixels, maxLength: pixels, max: 4 }), { minLength: 1 }));
  fc.assert(
    fc.property(anyMasks, (masks) => {
      const winners = meanFacePrediction(masks, 5);
      expect(winners.length).toBe(masks[0].length);
      winners.forEach((winner, pixel) => {
        const votes = (id: number) => masks.filter((mask) => mask[pixel] === id).length;
        for (let id = 0; id < 5; id++) {
          if (id < winner) expect(votes(id)).toBeLessThan(votes(winner));
          else expect(votes(id)).toBeLessThanOrEqual(votes(winner));
        }
      });
    }),
  );
});

test.each<[string, Uint8Array[], number, RegExp]>([
  ['no masks', [], 4, /at least one mask/],
  ['lengths', [bytes(0, 1), bytes(0)], 4, /mask 1 has 1 pixels, but mask 0 has 2/],
  ['an id past the classes', [bytes(0, 1), bytes(0, 4)], 4, /mask 1 has class id 4 at pixel 1/],
  ['no classes', [bytes(0)], 0, /from 1 to 255, not 0/],
])('refuses: %s', (_, masks, classes, message) => {
  expect(() => meanFacePrediction(masks, classes)).toThrow(message);
});
