import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { foldOf } from '../data/dataset/folds.ts';
import type { JudgingRun } from './judging-runs.ts';
import { trainingCommands } from './training-commands.ts';

const stems = Array.from({ length: 60 }, (_, i) => `${i}`);
const config = (...overrides: string[]) => parseConfig('', '', ['name=small', ...overrides]);
const run = (folder: string, folds: number, fold: number): JudgingRun => ({
  folder,
  config: config(`name=small-fold${fold}`, `data.folds=${folds}`, `data.fold=${fold}`),
  file: '',
  unseen: new Set(),
  heldOut: { folds, fold, pairs: 1, allStemsSha256: '' },
});

describe('trainingCommands', () => {
  it('trains the missing folds of runs that hold out others', () => {
    const unjudged = stems.filter((stem) => foldOf(stem, 4) !== 2 && foldOf(stem, 4) !== 0);
    const judging = [run('runs/small-fold0', 4, 0), run('runs/small-fold2', 4, 2)];
    expect(trainingCommands('data/train', { judging, unused: [] }, unjudged)).toEqual([
      'faceparse train runs/small-fold0/config.yaml data.fold=1 --name small-fold1 --data data',
      'faceparse train runs/small-fold0/config.yaml data.fold=3 --name small-fold3 --data data',
    ]);
  });

  it('names the run of another fold like those there are', () => {
    const judging = [{ ...run('runs/fold0', 2, 0), config: config('name=fold0', 'data.folds=2') }];
    const unjudged = stems.filter((stem) => foldOf(stem, 2) === 1);
    expect(trainingCommands('data/train', { judging, unused: [] }, unjudged)).toEqual([
      'faceparse train runs/fold0/config.yaml data.fold=1 --name fold1 --data data',
    ]);
  });

  it('trains five folds where no run holds any out, without weights that saw the pairs', () => {
    const unused = [{ folder: 'runs/a', config: config('train.init=runs/b', 'train.initPart=body'), reason: '' }];
    const commands = trainingCommands('data/train', { judging: [], unused }, stems);
    expect(commands).toHaveLength(5);
    expect(commands[4]).toBe(
      'faceparse train runs/a/config.yaml data.folds=5 train.init=null train.initPart=null data.fold=4 --name small-fold4 --data data',
    );
  });

  it('has no commands for a folder that nothing is trained on, or if nothing is missing', () => {
    const runs = { judging: [run('runs/a', 3, 0)], unused: [] };
    expect(trainingCommands('data/val', runs, stems)).toEqual([]);
    expect(trainingCommands('data/train', runs, [])).toEqual([]);
  });
});
