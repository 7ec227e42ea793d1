import { describe, expect, it } from 'vitest';
import { chooseImages, differingShare, type RatedImage } from './choose-images.ts';

function image(stem: string, scores: readonly number[], disagreement = 0): RatedImage {
  return { stem, scores, disagreement };
}

/** Nine images, from the worst (0) to the best (8) by the mean over both runs. */
const images = Array.from({ length: 9 }, (_, index) =>
  image(String(index), [index / 10 + 0.1, index / 10], index === 3 ? 0.4 : index === 8 ? 0.5 : index === 2 ? 0.1 : 0),
);

describe('chooseImages', () => {
  it('takes the best, median and worst images, and those on which the runs disagree most, none of them twice', () => {
    expect(chooseImages(images)).toEqual([
      { stem: '8', reason: 'best' },
      { stem: '7', reason: 'best' },
      { stem: '5', reason: 'median' },
      { stem: '4', reason: 'median' },
      { stem: '0', reason: 'worst' },
      { stem: '1', reason: 'worst' },
      { stem: '3', reason: 'most disagreed' },
      { stem: '2', reason: 'most disagreed' },
    ]);
  });

  it('shows every image once if there are few, and no disagreement of a single run', () => {
    const few = images.slice(0, 3).map(({ stem, scores: [f] }) => image(stem, [f]));
    expect(chooseImages(few).map(({ stem, reason }) => `${stem} ${reason}`)).toEqual(['2 best', '1 best', '0 worst']);
    expect(chooseImages([image('a', [0.5])])).toEqual([{ stem: 'a', reason: 'best' }]);
  });

  it('takes images by name instead, and suggests names', () => {
    expect(chooseImages(images, ['4', '0', '4'])).toEqual([
      { stem: '4', reason: 'chosen by name' },
      { stem: '0', reason: 'chosen by name' },
    ]);
    expect(() => chooseImages([image('face-12', [1])], ['face-21'])).toThrow(
      "there is no image 'face-21'; did you mean 'face-12'?",
    );
  });
});

it('counts the pixels in which label maps differ', () => {
  expect(differingShare(Uint8Array.of(1, 2, 3, 4), Uint8Array.of(1, 2, 4, 255))).toBe(0.5);
});
