import { nearestName, plainName } from '../text/similar-names.ts';

/** Plain names that PyTorch, segmentation_models.pytorch and papers use for keys, after their group where it matters. */
const usualKeys: Readonly<Record<string, string>> = {
  arch: 'model.name',
  architecture: 'model.name',
  backbone: 'model.encoder',
  encodername: 'model.encoder',
  ce: 'loss.crossEntropy',
  bce: 'loss.crossEntropy',
  nll: 'loss.crossEntropy',
  crossentropy: 'loss.crossEntropy',
  dice: 'loss.dice',
  iou: 'loss.jaccard',
  jaccard: 'loss.jaccard',
  focal: 'loss.focal',
  tversky: 'loss.tversky',
  lovasz: 'loss.lovasz',
  lovaszsoftmax: 'loss.lovasz',
  learningrate: 'train.lr',
  optim: 'train.optimizer.kind',
  'optimizer.name': 'train.optimizer.kind',
  'optimizer.type': 'train.optimizer.kind',
  'schedule.kind': 'train.schedule',
  'schedule.name': 'train.schedule',
  lrscheduler: 'train.schedule',
  imagesize: 'train.size',
  imgsize: 'train.size',
  ema: 'train.averageDecay',
  gradclip: 'train.clipNorm',
  numworkers: 'data.workers',
};

/** The same for values, by key. */
const usualValues: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'train.schedule': {
    reduceonplateau: 'plateau',
    reducelronplateau: 'plateau',
    multistep: 'step',
    multisteplr: 'step',
    poly: 'polynomial',
    cosineannealing: 'cosine',
    cosineannealinglr: 'cosine',
    cosineannealingwarmrestarts: 'cosine-restarts',
    cosinewarmrestarts: 'cosine-restarts',
    sgdr: 'cosine-restarts',
  },
  'data.resize': { pad: 'letterbox', padding: 'letterbox' },
};

/** The key of faceparse that is meant by a usual name of another program, such as `ce` or `loss.ce`. */
export function keyOfUsualName(path: string): string | undefined {
  const [last = '', group = ''] = path.split('.').map(plainName).reverse();
  return ownValue(usualKeys, `${group}.${last}`) ?? ownValue(usualKeys, last.replace(/(.)loss$/, '$1'));
}

/** The value that a misspelt value, or one with the name of another program, stands for; undefined if none does. */
export function meantValue(path: string, given: string, values: readonly string[]): string | undefined {
  return ownValue(usualValues[path] ?? {}, plainName(given)) ?? nearestName(given, values);
}

function ownValue(table: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
