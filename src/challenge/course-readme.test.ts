import { describe, expect, it } from 'vitest';
import { randomWeights } from '../../test/random-weights.ts';
import { type Averaging, networkSides } from '../parser/grid/averaging.ts';
import type { RunEnvironment } from '../training/record/environment.ts';
import { courseReadme } from './course-readme.ts';
import { challengeRules } from './rules.ts';

const { weights } = randomWeights({ model: 'mobile-unet', size: 256 });

function readme(
  averaging?: Averaging,
  said: { parameters?: number; stemsSha256?: string; more?: Partial<RunEnvironment> } = {},
): string {
  const { parameters = 1000, stemsSha256 = challengeRules.trainingStemsSha256, more } = said;
  const trainingData = { folder: 'train', pairs: 320, stemsSha256 };
  const environment = { parameters, trainingData, initialWeights: 'random, seed 0', ...more } as RunEnvironment;
  const entry = { run: 'run', file: 'best', weights, environment, parameters: 1000, notes: [] };
  return courseReadme({ ...entry, ...(averaging && { averaging }) }, { id: 'A12345678B', masks: 3, hasSources: true });
}

const predictOptions = (text: string) => /main\.js predict \S+ PHOTO\.jpg(.*)$/m.exec(text)![1];

describe('courseReadme', () => {
  it('describes the views of the prediction and how to reproduce it', () => {
    expect(readme()).toContain('prediction: one pass over the photo\n');
    expect(predictOptions(readme())).toBe('');
    const averaged = readme({ flip: true, scales: [5 / 6, 1, 7 / 6] });
    expect(averaged).toContain('resized to squares of 224, 256, 288 pixels, each with its mirror image\n');
    expect(predictOptions(averaged)).toBe(' --tta --scales 0.875,1,1.125');
    const mirrored = readme({ flip: true, scales: [1] });
    expect(mirrored).toContain('resized to squares of 256 pixels, each with its mirror image\n');
    expect(predictOptions(mirrored)).toBe(' --tta --scales 1');
    const scaled = readme({ flip: false, scales: [0.5] });
    expect(scaled).toContain('resized to squares of 128, 256 pixels\n');
    expect(predictOptions(scaled)).toBe('');
  });

  it('lists scales that produce the same sizes', () => {
    for (const scales of [[0.3], [2 / 3, 4 / 3], [0.77, 1.9, 3.3]]) {
      const given = predictOptions(readme({ flip: true, scales }))
        .split(' ')
        .at(-1)!;
      expect(networkSides(256, 32, given.split(',').map(Number))).toEqual(networkSides(256, 32, scales));
    }
  });

  it('describes metrics.csv and lists optional libraries only if they are installed', () => {
    expect(readme()).toMatch(/metrics\.csv .*validation loss and scores, F on training images/);
    expect(readme()).toMatch(/ {2}yauzl 3\.[\d.]+ \(MIT\): reads zips/);
    expect(readme()).not.toContain('noto-sans-thai');
  });

  it('claims no more about the data than is recorded', () => {
    expect(readme()).toContain('on the 320 pairs of the challenge, no other data; no pretrained weights, one network');
    const other = readme(undefined, { stemsSha256: '0'.repeat(64) });
    expect(other).toContain('trained from scratch (random, seed 0) on 320 pairs; no pretrained weights, one network');
    expect(other).not.toMatch(/other data|of the challenge/);
  });

  it('says how many pairs a run used that holds out a fold', () => {
    const heldOut = { folds: 4, fold: 3, pairs: 80, allStemsSha256: challengeRules.trainingStemsSha256 };
    const trainingData = { folder: 'train', pairs: 240, stemsSha256: '0'.repeat(64), heldOut };
    expect(readme(undefined, { more: { trainingData } })).toContain(
      'on 240 of the 320 pairs of the challenge, no other data (fold 3 of 4 was held out); no pretrained weights',
    );
  });

  it('says from which run the weights came, and what was changed at which step', () => {
    const plain = readme();
    expect(plain).not.toMatch(/last settings|changed at step/);
    const trainingData = [{ folder: '/home/me/train', pairs: 320, stemsSha256: challengeRules.trainingStemsSha256 }];
    const initialRun = { name: 'first', step: 20, initialWeights: 'random, seed 4', trainingData };
    const started = readme(undefined, { more: { initialWeights: 'best.safetensors, SHA-256 aa', initialRun } });
    expect(started).toContain(
      'trained from scratch, in several runs (random, seed 4; then first (20 steps); then this run from its weights best.safetensors, SHA-256 aa) on the 320 pairs of the challenge',
    );
    expect(started).toContain('(config.yaml contains the last settings; THE NETWORK says what was different before)');
    const resumes = [
      { step: 18, changes: [{ key: 'train.lr', from: 0.002, to: 0.0005 }], trainingData: trainingData[0] },
    ];
    const changed = readme(undefined, { more: { resumes: resumes as unknown as RunEnvironment['resumes'] } });
    expect(changed).toContain(
      '  changed at step 18: train.lr from 0.002 to 0.0005, training pairs: 320 of another folder\n',
    );
    // The zip is handed in, so it names no folder of this machine.
    expect(started + changed).not.toContain('/home/me');
  });

  it('counts auxiliary heads if the run had any', () => {
    expect(readme()).toContain('1,000 trainable parameters, images');
    expect(readme(undefined, { parameters: 1200 })).toContain(
      '1,000 trainable parameters (1,200 in training, with auxiliary heads), images',
    );
  });
});
