import { describe, expect, it } from 'vitest';
import { countParameters } from '../graph/cost.ts';
import { Graph, stateAttributes, type Tensor } from '../graph/graph.ts';
import { reshape } from '../graph/ops/shape.ts';
import { defaultPreprocessing } from '../image/preprocessing.ts';
import { convolution } from '../nn/layers.ts';
import { type Architecture, inferenceGraph } from './model.ts';
import { createModel, getArchitecture, listModels, registerModel } from './registry.ts';

/** Of the challenge: networks must have fewer parameters than this. */
const challengeLimit = 1_821_085;

function trainingGraph(name: string, seed = 0): Graph {
  const graph = new Graph();
  const { logits } = createModel(name, { classes: 19 }).build(graph.input('image', [2, 3, 64, 64]), {
    training: true,
    seed,
  });
  graph.output('logits', logits);
  return graph;
}

function parametersOf(name: string, classes: number): number {
  return countParameters(inferenceGraph(createModel(name, { classes }), { batch: 1, height: 64, width: 64 }));
}

describe('parameters', () => {
  it('mobile-unet has those of the PyTorch network that it is compared with', () => {
    expect(parametersOf('mobile-unet', 19)).toBe(1_220_691);
    // One class is one 1×1 filter over 32 channels, and its bias.
    expect(parametersOf('mobile-unet', 8)).toBe(1_220_691 - 11 * 33);
  });

  it.each(listModels('compact*'))('%s stays under the limit of the challenge', (name) => {
    expect(parametersOf(name, 19)).toBeLessThan(challengeLimit);
    expect(parametersOf(name, 19)).toBeGreaterThan(1_500_000);
  });
});

/** Strides of the logits other than 2. */
const strides: Readonly<Record<string, number>> = {
  bisenet: 1,
  'bisenet-spatial': 1,
  icnet: 4,
  linknet: 1,
  'compact-fine': 4,
  deeplabv3plus: 1,
  'deeplabv3plus-efficientnet-b0-lite': 1,
  pspnet: 1,
  'pspnet-resnet50-conv3': 1,
  unet: 1,
};

describe.each(listModels())('%s', (name) => {
  const { multiple } = getArchitecture(name);

  it('gives a score a class at its stride, for every size that is allowed', () => {
    const stride = strides[name] ?? 2;
    const model = createModel(name, { classes: 11 });
    for (const [height, width] of [
      [multiple, multiple],
      [2 * multiple, 3 * multiple],
      [8 * multiple, 8 * multiple],
    ] as const) {
      const graph = inferenceGraph(model, { batch: 2, height, width });
      expect(graph.outputs.get('logits')!.shape).toEqual([2, 11, height / stride, width / stride]);
    }
  });

  it('has the same states for training and for inference', () => {
    const training = trainingGraph(name);
    const inference = inferenceGraph(createModel(name, { classes: 19 }), { batch: 1, height: 64, width: 64 });
    const describeStates = (graph: Graph) => [...graph.states].map(([key, { shape }]) => `${key} ${shape}`);
    expect(describeStates(inference)).toEqual(describeStates(training));
    expect(countParameters(inference)).toBe(countParameters(training));
  });

  it('updates its running statistics in training only', () => {
    const updated = [...trainingGraph(name).updates.keys()];
    const running = [...trainingGraph(name).states.keys()].filter((key) => key.includes('running_'));
    expect(updated.sort()).toEqual(running.sort());
    expect(inferenceGraph(createModel(name, { classes: 19 }), { batch: 1, height: 64, width: 64 }).updates.size).toBe(
      0,
    );
  });

  it('starts from weights that the seed decides', () => {
    const initial = (seed: number) => {
      const states = [...trainingGraph(name, seed).states.values()];
      return [...states.slice(0, 5), ...states.slice(-5)].map((state) => stateAttributes(state).initial());
    };
    expect(initial(3)).toEqual(initial(3));
    expect(initial(3)).not.toEqual(initial(4));
  });

  it.each([
    [multiple + 1, multiple],
    [multiple, multiple / 2],
  ])('refuses %i×%i', (height, width) => {
    const build = () => inferenceGraph(createModel(name, { classes: 19 }), { batch: 1, height, width });
    const near = height > multiple ? `to ${height} are ${multiple} and ${2 * multiple}` : `to ${width} is ${multiple}`;
    expect(build).toThrow(
      `${name} takes images whose sides are multiples of ${multiple}, not ${height}×${width}; the nearest ${near}`,
    );
  });
});

describe('settings', () => {
  it('are filled in', () => {
    expect(createModel('compact', { classes: 19 }).settings).toEqual({});
    const { settings, title } = createModel('unet', { classes: 19, depth: 4 });
    expect(settings).toEqual({ encoder: 'resnet18', depth: 4, stochasticDepth: 0 });
    expect(title).toBe('unet (resnet18)');
    const shallow = createModel('deeplabv3plus', { classes: 19, depth: 3 }).settings;
    expect(shallow).toEqual({ encoder: 'resnet18', depth: 3, outputStride: 8, dropout: 0.5, stochasticDepth: 0 });
    expect(createModel('deeplabv3plus', { classes: 19, ...shallow }).settings).toEqual(shallow);
  });

  it.each<[string, object, string]>([
    ['compact', { encoder: 'resnet18' }, 'compact takes no encoder; choose a network that takes one, such as unet'],
    ['compact', { depth: 3 }, 'compact has no setting depth; it has none'],
    ['unet', { dropout: 0.1 }, 'unet has no setting dropout; its settings are encoder, depth and stochasticDepth'],
    ['unet', { encoder: 'resnt18' }, "unknown encoder 'resnt18'; did you mean 'resnet18'?"],
    ['unet', { depth: 2 }, 'depth is 2, but must be 3, 4 or 5'],
    ['pspnet', { outputStride: 4 }, 'outputStride is 4, but must be 8 or 16'],
    [
      'pspnet',
      { outputStride: 16 },
      'outputStride is 16, but depth, by default, is 3, whose deepest features have stride 8; give a larger depth',
    ],
    ['deeplabv3plus', { depth: 3, outputStride: 16 }, 'outputStride is 16, but depth is 3, whose deepest features'],
    ['pspnet-resnet50-conv3', { encoder: 'resnet50' }, 'pspnet-resnet50-conv3 takes no encoder; '],
    ['unet', { stochasticDepth: 1 }, 'stochasticDepth is 1, but must be a number from 0 to below 1'],
  ])('of %s refuse %o', (name, settings, message) => {
    expect(() => createModel(name, { classes: 19, ...settings })).toThrow(message);
  });

  it.each<[unknown, string]>([
    [undefined, 'createModel needs options with the number of classes, such as { classes: 19 }, not undefined'],
    [{ classes: 19, encodr: 'resnet18' }, "unknown option 'encodr' of createModel; did you mean 'encoder'?"],
    [
      { classes: 19, pretrained: true },
      "unknown option 'pretrained' of createModel; the options are classes, encoder, ",
    ],
  ])('are refused if they do not exist: %o', (options, message) => {
    expect(() => createModel('unet', options as { classes: number })).toThrow(message);
  });

  it('decide about the preprocessing', () => {
    expect(createModel('unet', { classes: 19 }).trainingPreprocessing.mean).toEqual([0.485, 0.456, 0.406]);
  });
});

describe('registry', () => {
  it('lists by pattern', () => {
    expect(listModels()).toEqual(expect.arrayContaining(['compact', 'mobile-unet']));
    expect(listModels('un*')).toEqual(['unet']);
    expect(listModels('un.t')).toEqual([]);
  });

  it('gives models the shared preprocessing where their architecture asks for none', () => {
    expect(createModel('compact', { classes: 19 }).trainingPreprocessing).toBe(defaultPreprocessing);
  });

  it('refuses unknown names and impossible numbers of classes', () => {
    expect(() => createModel('resnet', { classes: 19 })).toThrow(/unknown model 'resnet'; the models are .*compact/);
    for (const name of ['deeplabv3+', 'DeepLab', 'deeplabv3']) {
      expect(() => createModel(name, { classes: 19 })).toThrow("did you mean 'deeplabv3plus'?");
    }
    expect(() => createModel('unet++', { classes: 19 })).toThrow(/unknown model 'unet\+\+'; the models are /);
    for (const classes of [1, 256, 2.5, Number.NaN]) {
      expect(() => createModel('mobile-unet', { classes })).toThrow(`2 to 255 classes, not ${classes}`);
    }
  });
});

describe('registerModel', () => {
  const usable: Architecture = {
    name: 'own',
    summary: 'One convolution.',
    multiple: 8,
    build: (scope, x, classes) => ({ logits: convolution(scope.at('head'), x, { filters: classes, kernel: 1 }) }),
  };

  it.each<[string, object, string]>([
    ['a path', { name: '../own' }, "a model cannot be called '../own'"],
    ['a number', { name: 12 }, "a model cannot be called '12'; use lower-case letters, digits, dashes and underscores"],
    ['a name that is taken', { name: 'mobile-unet' }, "there is a model 'mobile-unet' already"],
    ['no summary', { summary: undefined }, "the summary of the model 'own' must be one line of text"],
    ['a summary of two lines', { summary: 'a\nb' }, 'must be one line of text'],
    ['a multiple of 0', { multiple: 0 }, "the model 'own' gives 0 as its multiple"],
    ['no build', { build: undefined }, "build of the model 'own' must be a function, not undefined"],
  ])('refuses %s', (_, change, message) => {
    expect(() => registerModel({ ...usable, ...change } as Architecture)).toThrow(message);
  });

  it.each<[string, (logits: Tensor) => unknown, string]>([
    ['nothing', () => undefined, 'must return { logits } with a tensor, not undefined'],
    ['a promise', (logits) => Promise.resolve({ logits }), 'not a Promise'],
    ['other classes', (logits) => ({ logits: reshape(logits, [1, 38, 32, 64]) }), 'is 1×38×32×64, but must be 1×19×'],
    [
      'other axes',
      (logits) => ({ logits: reshape(logits, [1, 19, 4096]) }),
      'is 1×19×4096, but must be 1×19×height×width',
    ],
    ['wrong auxiliary heads', (logits) => ({ logits, auxiliary: [reshape(logits, [4096, 19])] }), 'auxiliary of the'],
    ['another graph', () => ({ logits: new Graph().input('x', [1, 19, 8, 8]) }), 'belongs to another graph'],
  ])('refuses a network that returns %s', (what, wrong, message) => {
    const name = `wrong-${what.length}-${message.length}`;
    registerModel({
      ...usable,
      name,
      build: (scope, x, classes) => wrong(usable.build(scope, x, classes, {}).logits) as never,
    });
    const build = () => inferenceGraph(createModel(name, { classes: 19 }), { batch: 1, height: 64, width: 64 });
    expect(build).toThrow(message);
  });
});
