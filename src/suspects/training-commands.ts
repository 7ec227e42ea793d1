import { basename, dirname, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { foldOf } from '../data/dataset/folds.ts';
import type { JudgingRuns } from './judging-runs.ts';

/** Folds that are proposed where no run has any. */
const usualFolds = 5;

/** Name of the run of a fold, beside the run of another one or of no fold. */
function nameOfFold({ name }: Config, fold: number): string {
  const base = name.replace(/[-_.]?fold[-_.]?\d+$/, '');
  return base === '' ? `fold${fold}` : `${base}-fold${fold}`;
}

/**
 * The commands that train the runs which are missing so that every pair of a training folder is judged. Empty for a folder of
 * another name than `train`, whose pairs nothing is trained on.
 *
 * @param folder the checked folder
 * @param unjudged stems of the pairs that no run can judge
 */
export function trainingCommands(
  folder: string,
  { judging, unused }: JudgingRuns,
  unjudged: readonly string[],
): string[] {
  if (unjudged.length === 0 || basename(resolve(folder)) !== 'train') return [];
  const withFolds = judging.find(({ heldOut }) => heldOut);
  const template = withFolds ?? unused[0] ?? judging[0];
  if (!template) return [];
  const folds = withFolds?.heldOut?.folds ?? usualFolds;
  const missing = [...new Set(unjudged.map((stem) => foldOf(stem, folds)))].sort((a, b) => a - b);
  const { config } = template;
  const settings = [
    ...(config.data.folds === folds ? [] : [`data.folds=${folds}`]),
    // Weights of a run that saw the pairs would carry them on.
    ...(config.train.init === undefined
      ? []
      : ['train.init=null', ...(config.train.initPart === 'all' ? [] : ['train.initPart=null'])]),
  ];
  return missing.map((fold) =>
    [
      `faceparse train ${template.folder}/config.yaml`,
      ...settings,
      `data.fold=${fold}`,
      `--name ${nameOfFold(config, fold)} --data ${dirname(folder)}`,
    ].join(' '),
  );
}
