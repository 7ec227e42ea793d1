/** A term and what it means, in plain text. */
export type Definition = readonly [term: string, meaning: string];

/** The metrics of a comparison, as its page explains them. @param tolerance of boundary F, in pixels */
export function definitions(tolerance: number): readonly Definition[] {
  return [
    [
      'F (per image)',
      'For each image, the mean F1 of the classes in its ground truth, background included; then the mean over images. This is the ' +
        'headline score. Small classes count as much as large ones, and every image counts the same.',
    ],
    [
      'Precision and recall',
      'Precision = tp / (tp + fp) is the share of the pixels predicted as a class that are right. Recall = tp / (tp + fn) is the share ' +
        'of the pixels of a class that are found.',
    ],
    [
      'F1, Dice',
      '2 tp / (2 tp + fp + fn), the harmonic mean of precision and recall. F1 and the Dice coefficient are the same number.',
    ],
    ['IoU, Jaccard', 'tp / (tp + fp + fn). IoU and the Jaccard index are the same number; IoU = F1 / (2 − F1).'],
    ['Pooled', 'tp, fp and fn are added over the pixels of all images before the ratio is computed.'],
    [
      'Macro',
      'The mean of the pooled scores over the classes that occur in the ground truth or in a prediction. “No background” leaves out the first class.',
    ],
    ['Pixel accuracy', 'The share of all pixels that are right. Large classes dominate it.'],
    [
      'Boundary F',
      `Precision and recall of the boundaries of a class: a boundary pixel is right if one of the other map lies within ${tolerance} ` +
        `pixels. Their harmonic mean is averaged over the classes with a boundary in the truth, then over images.`,
    ],
    [
      'Standard error',
      'The standard deviation over images divided by the square root of their number: how far the mean would move with other images.',
    ],
    [
      'Paired bootstrap interval',
      'The images are drawn again with replacement many times, and both runs are scored on the same draw. 95 % of the differences lie in ' +
        'the interval. If it excludes 0, the lead does not depend on the choice of images.',
    ],
    [
      'Spread between runs',
      'Runs of the same configuration with different seeds differ. The lead of a single run says little if it is smaller than that spread.',
    ],
    ['Ignored pixels', 'Pixels that the ground truth marks as ignored count in no score.'],
  ];
}
