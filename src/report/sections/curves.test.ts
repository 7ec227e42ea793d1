import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../config/parse-config.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { curves, overfitting } from './curves.ts';

/** A run of 4 epochs with a validation an epoch: F, training F and validation loss. */
function factsOf(
  scored: readonly (readonly [valF: number, trainF?: number, valLoss?: number])[],
  overrides: readonly string[] = [],
) {
  const metrics = scored.map(([valF, trainF, valLoss], index) => ({
    step: 10 * (index + 1),
    epoch: index + 1,
    seconds: index,
    valF,
    ...(trainF !== undefined && { trainF }),
    ...(valLoss !== undefined && { valLoss }),
  }));
  const config = parseConfig('', '', ['train.epochs=4', ...overrides]);
  const run = { folder: 'x', name: 'x', config, environment: { trainingData: { folder: 'x', pairs: 40 } }, metrics };
  const measured = { summary: { images: 100 } };
  const figures = { network: '', loss: 'l.svg', score: 's.svg', failures: [] };
  return { run, measured, figures } as unknown as ReportFacts;
}

describe('overfitting', () => {
  it('reports the gap between training and validation F and a rise in validation loss', () => {
    const facts = factsOf([
      [0.6, 0.61, 1],
      [0.7, 0.75, 0.8],
      [0.71, 0.8, 0.85],
      [0.72, 0.85, 0.9],
    ]);
    expect(overfitting(facts)?.split('\n')).toEqual([
      'At the end of training, F is 0.8500 on 30 training images without augmentation and 0.7200 on the validation images, a gap of 13.00 points.',
      'The network overfits the training images.',
      'The validation loss was lowest at epoch 2 (0.800) and rose to 0.900 afterwards, which is a sign of overfitting.',
    ]);
  });

  it('reports the absence of overfitting and the images used', () => {
    const facts = factsOf(
      [
        [0.6, 0.61, 1],
        [0.7, 0.7, 0.9],
        [0.72, 0.725, 0.8],
      ],
      ['validation.limit=20'],
    );
    expect(overfitting(facts)?.split('\n')).toEqual([
      'At the last validation, F is 0.7250 on 20 training images without augmentation and 0.7200 on the first 20 validation images, a gap of 0.50 points.',
      'This is no sign of overfitting.',
      'The validation loss was lowest at the last validation (0.800).',
    ]);
  });

  it('is omitted for runs that did not record it', () => {
    expect(overfitting(factsOf([[0.6], [0.7]]))).toBeUndefined();
  });
});

describe('curves', () => {
  it('names in its caption the scored images and the data of the losses', () => {
    const text = curves(factsOf([[0.6, 0.61, 1]], ['validation.limit=20', 'loss.auxiliary=0.4']));
    expect(text).toContain('F (per image) on the first 20 validation images and on 20 training images without');
    expect(text).toContain(
      'The training loss is computed on augmented batches, including auxiliary heads, the validation loss',
    );
    const plain = curves(factsOf([[0.6]]));
    expect(plain).toContain(
      'Training: loss and learning rate (left), F (per image) on the validation images (right).]',
    );
  });
});
