import { describe, expect, it } from 'vitest';
import { FaceparseError } from '../text/errors.ts';
import { parseConfig, parseRunConfig } from './parse-config.ts';
import { configSchema } from './schema.ts';

function circular(): object {
  const values: Record<string, unknown> = {};
  values.train = values;
  return values;
}

function errorOf(text: string, ...overrides: string[]): string {
  try {
    parseConfig(text, 'a.yaml', overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(FaceparseError);
    const { exitCode, message } = error as FaceparseError;
    expect(exitCode).toBe(2);
    expect(message).not.toContain('\n');
    return message;
  }
  throw new Error('no error');
}

describe('parseConfig', () => {
  it('takes an object in place of text', () => {
    expect(parseConfig({ train: { size: 128 } }).train.size).toBe(128);
    expect(() => parseConfig({ train: { sise: 128 } })).toThrow(/did you mean/);
  });

  it.each<[unknown, string]>([
    [undefined, 'is undefined'],
    [null, 'is null'],
    [() => 1, 'is a function'],
    [new Map([['name', 'a']]), 'is a Map'],
    [{ train: { lr: Number.NaN } }, 'lr is NaN'],
    [{ train: { lr: 1n } }, 'cannot be written as JSON'],
    [circular(), 'cannot be written as JSON'],
  ])('refuses %o', (values, problem) => {
    const message = `config: the configuration must be YAML text or a plain object, but ${problem}`;
    expect(() => parseConfig(values as object)).toThrow(message);
  });

  it('fills in every default, with the name of the file', () => {
    expect(parseConfig('', 'configs/demo.yaml')).toEqual({ ...configSchema.parse({}), name: 'demo' });
    expect(parseConfig('', '').name).toBe('run');
    expect(parseConfig('', 'C:\\my runs\\The demo (2).yml').name).toBe('The-demo-2-');
    expect(parseConfig('name: other', 'demo.yaml').name).toBe('other');
  });

  it('reads values, and takes empty groups for groups without keys', () => {
    const config = parseConfig('train:\n  lr: 3e-4\n  size: 128\nloss:\n', 'a.yaml');
    expect(config.train).toMatchObject({ lr: 3e-4, size: 128, batchSize: configSchema.parse({}).train.batchSize });
  });

  it('lets overrides win over the file, and the last over the others', () => {
    const config = parseConfig('train: {lr: 1}', 'a.yaml', [
      'train.lr=2',
      'train.lr=3e-4',
      'loss.classWeights=[1, 2.5]',
      'data.augmentation.flipSwap=false',
      'data.oversample={hat: 3, ear_r: 1.5}',
      'name=2024',
      'train.schedule = "constant"',
    ]);
    expect(config.train.lr).toBe(3e-4);
    expect(config.train.schedule).toBe('constant');
    expect(config.loss.classWeights).toEqual([1, 2.5]);
    expect(config.data.augmentation.flipSwap).toBe(false);
    expect(config.data.oversample).toEqual({ hat: 3, ear_r: 1.5 });
    expect(config.name).toBe('2024');
  });

  it('takes a key back to its default by null', () => {
    const config = parseConfig('train: {minutes: 5, lr: 1}', 'a.yaml', ['train.minutes=null', 'train.lr=null']);
    expect(config.train.minutes).toBeUndefined();
    expect(config.train.lr).toBe(configSchema.parse({}).train.lr);
  });

  it.each([
    ['train:\n  lrr: 1', "a.yaml:2: unknown key 'train.lrr'; did you mean 'train.lr'?"],
    ['lr: 1', "a.yaml:1: unknown key 'lr'; did you mean 'train.lr'?"],
    ['# x\ntrain:\n  batch_size: 4', "a.yaml:3: unknown key 'train.batch_size'; did you mean 'train.batchSize'?"],
    ['trian: {lr: 1}', "a.yaml:1: unknown key 'trian'; did you mean 'train'?"],
    ['train.lr: 1', "a.yaml:1: unknown key 'train.lr'; in a file, write groups by indentation"],
    ['train: 3', 'a.yaml:1: train is 3, but must be a group of keys, such as train: {size: 256}'],
    ['model: unet', 'a.yaml:1: model is "unet", but must be a group of keys; write model: {name: unet}'],
    ['loss: dice', 'a.yaml:1: loss is "dice", but must be a group of keys; write loss: {dice: 1}'],
    ['loss: CE', 'a.yaml:1: loss is "CE", but must be a group of keys; write loss: {crossEntropy: 1}'],
    ['loss: 2', 'a.yaml:1: loss is 2, but must be a group of keys, such as loss: {crossEntropy: 1}'],
    [
      'train: {optimizer: SGD}',
      'a.yaml:1: train.optimizer is "SGD", but must be a group of keys; write optimizer: {kind: sgd}',
    ],
    [
      'train: {earlyStopping: 10}',
      'a.yaml:1: train.earlyStopping is 10, but must be a group of keys; write earlyStopping: {patience: 10}',
    ],
    [
      'data: {labels: celebamask}',
      "a.yaml:1: data.labels: unknown label set 'celebamask'; did you mean 'celebamask-19'?",
    ],
    ['data: {labels: face8}', "a.yaml:1: data.labels: unknown label set 'face8'; did you mean 'face-8'?"],
    [
      'data: {resize: pad}',
      'a.yaml:1: data.resize is "pad", but must be stretch or letterbox; did you mean \'letterbox\'?',
    ],
    [
      'train: {schedule: reduce_on_plateau}',
      'a.yaml:1: train.schedule is "reduce_on_plateau", but must be constant, cosine, polynomial, step, onecycle, cosine-restarts or plateau; did you mean \'plateau\'?',
    ],
    ['train: {schedule: poly}', /; did you mean 'polynomial'\?$/],
    ['train: {lr: 1, lr: 2}', 'a.yaml:1: duplicate key; remove one'],
    ['train:\n  lr: !!js/function "x"', 'a.yaml:2: YAML tags (!…) are not allowed'],
    ['a: 1\n---\nb: 2', 'a.yaml:2: a configuration is one YAML document; remove the line ---'],
    ['- 1', 'a.yaml: the file is a list (1 entries), but must contain keys and values, e.g. train: {lr: 3e-4}'],
    ['train:\n  lr: -1', 'a.yaml:2: train.lr is -1, but must be a number above 0, at most 10'],
    ['train: {lr: fast}', 'a.yaml:1: train.lr is "fast", but must be a number above 0, at most 10'],
    ['train: {lr: }', 'a.yaml:1: train.lr is empty, but must be a number above 0, at most 10'],
    ['train: {size: 128.5}', 'a.yaml:1: train.size is 128.5, but must be a whole number from 32 to 1024'],
    ['train: {epochs: .inf}', 'a.yaml:1: train.epochs is Infinity, but must be a number above 0, at most 100000'],
    [
      'train: {schedule: cos}',
      'a.yaml:1: train.schedule is "cos", but must be constant, cosine, polynomial, step, onecycle, cosine-restarts or plateau; did you mean \'cosine\'?',
    ],
    [
      'train: {schedule: {kind: step}}',
      'a.yaml:1: train.schedule is a group of keys, but must be constant, cosine, polynomial, step, onecycle, cosine-restarts or plateau',
    ],
    [
      'train:\n  scheduleOptions: {milestones: [0.5, 0.4]}',
      'a.yaml:2: train.scheduleOptions.milestones: entry 2 is 0.4, but must be above 0.5, the entry before it',
    ],
    [
      'train: {scheduleOptions: {milestones: [0.5, 60]}}',
      'a.yaml:1: entry 2 of train.scheduleOptions.milestones is 60, but must be a number above 0, below 1',
    ],
    [
      'train: {earlyStopping: {patience: 0}}',
      'a.yaml:1: train.earlyStopping.patience is 0, but must be a whole number from 1 to 10000',
    ],
    ['train: {initPart: head}', 'a.yaml:1: train.initPart is "head", but must be all, body or encoder'],
    ['data: {fold: 2}', 'a.yaml:1: data.fold is 2, but data.folds is not set; set both'],
    ['data: {folds: 3, fold: 3}', 'a.yaml:1: data.fold is 3, but with folds=3 the last one is 2'],
    ['data: {folds: 1}', 'a.yaml:1: data.folds is 1, but must be a whole number from 2 to 20'],
    [
      'train: {initPart: encoder}',
      'a.yaml:1: train.initPart is encoder, but train.init does not give any weights; set both',
    ],
    [
      'train: {freeze: true}',
      'a.yaml:1: train.freeze is true, but must be a group of keys; write freeze: {encoder: true}',
    ],
    ['data: {repair: "yes"}', 'a.yaml:1: data.repair is "yes", but must be true or false'],
    ['name: 5', 'a.yaml:1: name is 5, but must be text in quotes'],
    ['name: a/b', 'a.yaml:1: name is "a/b", but must be at most 100 letters, digits, dots, dashes and underscores'],
    [
      'loss: {classWeights: [1, x]}',
      'a.yaml:1: entry 2 of loss.classWeights is "x", but must be a number from 0.000001 to 1000000',
    ],
    ['loss: {tverskyBeta: 1.0e+308}', 'a.yaml:1: loss.tverskyBeta is 1e+308, but must be a number from 0.001 to 1000'],
    ['loss: {tverskyBeta: 1.0e-308}', 'a.yaml:1: loss.tverskyBeta is 1e-308, but must be a number from 0.001 to 1000'],
    ['loss: {dice: 1001}', 'a.yaml:1: loss.dice is 1001, but must be a number from 0 to 1000'],
    ['loss: {auxiliary: 1.0e+30}', 'a.yaml:1: loss.auxiliary is 1e+30, but must be a number from 0 to 1000'],
    ['train: {lr: [', /^a.yaml:1: not valid YAML: /],
    ['[1, 2', /^a.yaml:1: not valid YAML: /],
    ['__proto__: {a: 1}', /unknown key '__proto__'/],
    ['train:\n  <<: {lr: 1}', /^a.yaml:2: unknown key 'train.<<'/],
    [
      'data:\n  oversample:\n    hatt: 3',
      "a.yaml:3: data.oversample.hatt: celebamask-19 has no class 'hatt'; did you mean 'hat'?",
    ],
    ['data: {oversample: {hat: 0.5}}', 'a.yaml:1: data.oversample.hat: the factor must be a number from 1 to 100'],
    [
      'train: {resolutions: [{until: 0.5, size: 64, foo: 1}]}',
      "a.yaml:1: entry 1 of train.resolutions has the unknown key 'foo'; it must be a group of until, size and labelSize; labelSize is optional",
    ],
    [
      'train:\n  resolutions: [{until: 0.5, size: 64}, {until: 0.7, size: 16}]',
      'a.yaml:2: entry 2 of train.resolutions: size is 16, but must be a whole number from 32 to 1024',
    ],
    [
      'train: {resolutions: [{until: 2, size: 64}]}',
      'a.yaml:1: entry 1 of train.resolutions: until is 2, but must be a number above 0, below 1',
    ],
    [
      'train: {resolutions: [{until: 0.5}]}',
      'a.yaml:1: entry 1 of train.resolutions has no size, which must be a whole number from 32 to 1024',
    ],
    [
      'data: {oversample: "hat:3"}',
      'a.yaml:1: data.oversample is "hat:3", but must be a map from names to a number from 1 to 100, such as {hat: 3, ear_r: 1.5}',
    ],
    [
      'data: {augmentation: {copyPaste: {classes: [hat, skin]}}}',
      'a.yaml:1: entry 2 of data.augmentation.copyPaste.classes is "skin", but must be hat, eye_g, ear_r, neck_l, cloth or background',
    ],
    [
      'data:\n  labels: face-8\n  augmentation:\n    copyPaste:\n      probability: 0.5',
      'a.yaml:5: data.augmentation.copyPaste.probability: copy-paste supports only celebamask-19, but the label set is face-8; set its probability to 0',
    ],
    ['zzzzzzzz: 1', /the keys are name, model, data, .* and engine$/],
  ])('refuses %j', (text, message) => {
    if (typeof message === 'string') expect(errorOf(text)).toBe(message);
    else expect(errorOf(text)).toMatch(message);
  });

  it('bounds every number of the losses', () => {
    const { loss } = configSchema.shape;
    const numbers = Object.entries(parseConfig('').loss).flatMap(([key, value]) =>
      typeof value === 'number' ? [key] : [],
    );
    expect(numbers.length).toBeGreaterThan(12);
    for (const key of [...numbers, 'auxiliary']) {
      for (const value of [1e30, -1]) expect(loss.safeParse({ [key]: value }).success, `${key}=${value}`).toBe(false);
    }
    expect(loss.safeParse({ classWeights: [1, 1e30] }).success).toBe(false);
  });

  it.each([
    ['lr=3', "override 'lr=3': unknown key 'lr'; did you mean 'train.lr'?"],
    ['train.lrr=3', "override 'train.lrr=3': unknown key 'train.lrr'; did you mean 'train.lr'?"],
    ['modle.name=x', "override 'modle.name=x': unknown key 'modle.name'; did you mean 'model.name'?"],
    ['train.lr', "override 'train.lr': overrides have the form key=value, e.g. train.lr=3e-4"],
    ['train.lr=', "override 'train.lr=': no value after =; train.lr must be a number above 0, at most 10"],
    ['train.lr=-1', "override 'train.lr=-1': train.lr is -1, but must be a number above 0, at most 10"],
    ['train=3', "override 'train=3': train is a group of keys; override one of them, e.g. train.size=256"],
    ['model=unet', "override 'model=unet': model is a group of keys; write model.name=unet"],
    ['loss=dice', "override 'loss=dice': loss is a group of keys; write loss.dice=1"],
    ['mode=unet', "override 'mode=unet': unknown key 'mode'; did you mean 'model.name'?"],
    ['train.lr={a: 1}', /train.lr is a group of keys, but must be a number/],
    ['train.lr=[1', /^override 'train.lr=\[1': not valid YAML/],
    ['__proto__.polluted=1', /unknown key '__proto__.polluted'/],
  ])('refuses the override %j', (override, message) => {
    if (typeof message === 'string') expect(errorOf('', override)).toBe(message);
    else expect(errorOf('', override)).toMatch(message);
  });

  it('lists all faults at once: of the file by line, then of the overrides', () => {
    const text = 'model: {nam: unet}\ntrain:\n  size: big\n  lr: "0.1"\nloss: 3\ndata: {workers: 99}';
    expect(() => parseConfig(text, 'a.yaml', ['train.lrr=1', 'train.lr=0', 'train.epochs=x'])).toThrow(
      expect.objectContaining({
        exitCode: 2,
        message: expect.stringMatching(/^a\.yaml has 7 errors:\n/),
        faults: [
          "a.yaml:1: unknown key 'model.nam'; did you mean 'model.name'?",
          'a.yaml:3: train.size is "big", but must be a whole number from 32 to 1024',
          'a.yaml:5: loss is 3, but must be a group of keys, such as loss: {crossEntropy: 1}',
          'a.yaml:6: data.workers is 99, but must be a whole number from 0 to 16',
          "override 'train.lrr=1': unknown key 'train.lrr'; did you mean 'train.lr'?",
          "override 'train.lr=0': train.lr is 0, but must be a number above 0, at most 10",
          'override \'train.epochs=x\': train.epochs is "x", but must be a number above 0, at most 100000',
        ],
      }),
    );
    expect(() => parseConfig('', '', ['train.lrr=1', 'a=2'])).toThrow(/^the configuration has 2 errors:\n/);
    const many = Array.from({ length: 3000 }, (_, index) => `k${index}: 1`).join('\n');
    expect(() => parseConfig(many, 'a.yaml')).toThrow(/^a\.yaml has 100 or more errors:\n/);
  });

  it('survives hostile text', () => {
    expect(errorOf('['.repeat(100_000))).toMatch(/^a.yaml:\d+: /);
    expect(errorOf(`${'k'.repeat(200_000)}: 1`).length).toBeLessThan(400);
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [now, before] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf'].map((pair) => [...pair])) {
      bomb.push(`${now}: &${now} [${Array(9).fill(`*${before}`).join(', ')}]`);
    }
    expect(errorOf(bomb.join('\n'))).toMatch(/^a.yaml: not valid YAML: Excessive alias count/);
  });

  it('reads keys under their former names and says the new ones', () => {
    const lines: string[] = [];
    const file = parseConfig('train:\n  stages: [{until: 0.5, size: 64}]', 'a.yaml', [], (line) => lines.push(line));
    const override = 'train.stages=[{until: 0.25, size: 32}]';
    const overridden = parseConfig('', 'a.yaml', [override], (line) => lines.push(line));
    expect(file.train.resolutions).toEqual([{ until: 0.5, size: 64 }]);
    expect(overridden.train.resolutions).toEqual([{ until: 0.25, size: 32 }]);
    expect(lines).toEqual([
      'a.yaml:2: train.stages was renamed to train.resolutions; the old name still works',
      `override '${override}': train.stages was renamed to train.resolutions; the old name still works`,
    ]);
    expect(() => parseConfig('train: {stages: [], resolutions: []}', 'a.yaml')).toThrow(
      'a.yaml:1: train.stages is the former name of train.resolutions; remove one of them',
    );
  });
});

describe('the network of a configuration', () => {
  it('gets all of its settings', () => {
    expect(parseConfig({ model: { name: 'unet', encoder: 'resnet34' } }).model).toEqual({
      name: 'unet',
      encoder: 'resnet34',
      depth: 5,
      stochasticDepth: 0,
    });
    expect(parseConfig('').model).toEqual({ name: 'compact' });
  });

  it('has no others', () => {
    expect(() => parseConfig('model:\n  name: compact\n  encoder: resnet18', 'a.yaml')).toThrow(
      'a.yaml:3: model.encoder: compact takes no encoder; choose a network that takes one, such as unet',
    );
    expect(() => parseConfig('', 'a', ['model.name=unet', 'model.encoder=resnt18'])).toThrow(
      "did you mean 'resnet18'?",
    );
  });

  it.each([
    ['model: {name: unet, depth: 0}', 'a.yaml:1: model.depth is 0, but must be 3, 4 or 5'],
    ['model: {name: unet, depth: deep}', 'a.yaml:1: model.depth is "deep", but must be a whole number'],
    ['model: {name: pspnet, outputStride: 64}', 'a.yaml:1: model.outputStride is 64, but must be 8 or 16'],
    ['model: {name: pspnet, dropout: 1}', 'a.yaml:1: model.dropout is 1, but must be a number from 0 to below 1'],
    ['model: {name: pspnet, dropout: x}', 'a.yaml:1: model.dropout is "x", but must be a number from 0 to below 1'],
    [
      'model: {name: unet, stochasticDepth: -1}',
      'a.yaml:1: model.stochasticDepth is -1, but must be a number from 0 to below 1',
    ],
  ])('has one fault for one wrong value: %s', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  it('and the label set are faults like the others', () => {
    const text =
      'model: {name: PSPNt, encoder: 5}\ndata: {labels: face-9, repair: 3}\ntrain: {size: x, initPart: body}';
    expect(() => parseConfig(text, 'a.yaml')).toThrow(
      expect.objectContaining({
        faults: [
          expect.stringMatching(/^a.yaml:1: model.name: unknown model 'PSPNt'; /),
          'a.yaml:1: model.encoder is 5, but must be text in quotes',
          expect.stringMatching(/^a.yaml:2: data.labels: unknown label set 'face-9'; /),
          'a.yaml:2: data.repair is 3, but must be true or false',
          'a.yaml:3: train.size is "x", but must be a whole number from 32 to 1024',
          'a.yaml:3: train.initPart is body, but train.init does not give any weights; set both',
        ],
      }),
    );
    expect(() => parseConfig('', 'a.yaml', ['model.name=pspnt'])).toThrow(
      "override 'model.name=pspnt': model.name: unknown model 'pspnt'; did you mean 'pspnet'?",
    );
    const wrong = 'model: {name: unet, depth: 9, encoder: no, dropout: x}\ndata: {oversample: {hatt: 3}, workers: 99}';
    expect(() => parseConfig(wrong, 'a.yaml')).toThrow(/^a.yaml has 5 errors/);
    expect(configSchema.safeParse({ model: null, data: 5, train: 'x' }).error?.issues).toHaveLength(3);
  });

  it('of a run may be one that only the program of the run registers', () => {
    expect(parseRunConfig('model: {name: own}', 'run/config.yaml').model.name).toBe('own');
  });

  it('of an older run gets its present name', () => {
    const stored = (text: string, ...overrides: string[]) =>
      parseRunConfig(text, 'run/config.yaml', overrides).model.name;
    expect(stored('model: {name: unet}')).toBe('mobile-unet');
    expect(stored('model: {name: unet, encoder: resnet18}')).toBe('unet');
    expect(stored('model: {name: compact}')).toBe('compact');
    expect(stored('')).toBe('compact');
    expect(stored('model: {name: unet}', 'model.name=compact')).toBe('compact');
  });
});
