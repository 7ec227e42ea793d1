import { parseConfig } from '../src/config/parse-config.ts';
import type { StudyResult, StudyRun } from '../src/study/load-study.ts';
import type { StudyGroup } from '../src/study/parse-study.ts';

/** A group `g` with a base and a variant `other`, of seeds 0 and 1. */
export const studyGroup: StudyGroup = {
  name: 'g',
  title: 'A group',
  question: 'Does it matter?',
  config: 'compact.yaml',
  overrides: ['train.size=64'],
  variants: [
    { name: 'base', title: 'nothing', overrides: [], seeds: [0, 1] },
    { name: 'other', title: 'a | b', overrides: ['loss.classWeights=[1,2]'], seeds: [0, 1] },
  ],
};

/** The run of a variant of `studyGroup`. */
export function studyRun(variantName: string, seed = 0): StudyRun {
  const variant = studyGroup.variants.find(({ name }) => name === variantName)!;
  const config = parseConfig('', '', [`train.seed=${seed}`, `name=${variantName}-s${seed}`, 'train.epochs=4']);
  return { group: studyGroup, variant, seed, name: `g/${variantName}-s${seed}`, config };
}

/** Results of a variant of `studyGroup`: an F a seed, 'unfinished' or 'missing'. */
export function studyResults(
  variantName: string,
  scores: readonly (number | 'unfinished' | 'missing')[],
): StudyResult[] {
  return scores.map((score, seed) => {
    const common = { run: studyRun(variantName, seed), folder: `runs/g/${variantName}-s${seed}` };
    if (typeof score !== 'number') {
      const epochs = score === 'missing' ? 0 : 1.5;
      return { ...common, state: score, validations: [], steps: 0, epochs, seconds: 0 };
    }
    const validations = [
      [2, score / 2],
      [4, score],
    ] as const;
    return { ...common, state: 'finished', validations, steps: 1000, epochs: 4, seconds: 90, f: score, bestF: score };
  });
}
