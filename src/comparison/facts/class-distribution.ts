import { quantile } from '../../metrics/quantile.ts';
import type { ClassDistribution, ClassShare, SplitName } from '../comparison.ts';
import type { StoredImage } from '../scores/score-store.ts';

const quantileLevels = [0.05, 0.25, 0.5, 0.75, 0.95] as const;

/** The distribution of the classes over the truth of a split. */
export function classDistribution(
  split: SplitName,
  images: readonly StoredImage[],
  classes: number,
): ClassDistribution {
  const counted = images.map(({ pixels }) => pixels.reduce((sum, one) => sum + one, 0));
  const all = counted.reduce((sum, one) => sum + one, 0);
  return {
    split,
    images: images.length,
    classes: Array.from({ length: classes }, (_, id): ClassShare => {
      const shares = images
        .map(({ pixels }, index) => pixels[id] / counted[index])
        .filter((share) => share > 0)
        .sort((a, b) => a - b);
      const pixels = images.reduce((sum, image) => sum + image.pixels[id], 0);
      const [q5, q25, q50, q75, q95] = quantileLevels.map((level) => quantile(shares, level));
      return {
        id,
        share: pixels / all,
        images: shares.length / images.length,
        ...(shares.length > 0 && { quantiles: [q5, q25, q50, q75, q95] }),
      };
    }),
  };
}
