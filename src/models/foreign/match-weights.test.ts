import { describe, expect, it } from 'vitest';
import { foreignEncoder, prefixed, stateDictOf } from '../../../test/state-dict-fixture.ts';
import type { StateTensor } from '../../formats/state-dict/state-tensor.ts';
import type { Model } from '../model.ts';
import { createModel } from '../registry.ts';
import type { Caller } from './caller.ts';
import { encoderSources } from './encoder-names.ts';
import { guessNetwork } from './guess-network.ts';
import { matchWeights } from './match-weights.ts';
import { auxiliaryNames, encoderShapes, networkShapes } from './network-names.ts';

type Tensors = ReadonlyMap<string, StateTensor>;

const pspnet = createModel('pspnet', { classes: 19 });
const match = (tensors: Tensors, model: Model, part?: 'all' | 'body' | 'encoder') =>
  matchWeights({ tensors, notices: [] }, model, {
    name: 'a.pth',
    headAdvice: 'ADVICE',
    caller: 'command',
    ...(part && { part }),
  });
const counter = stateDictOf([['encoder.bn1.num_batches_tracked', []]]);
const whole = (model: Model) => stateDictOf(networkShapes(model));

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe.each([
  'timm mobilenetv2_100',
  'timm mobilenetv3_large_100',
  'timm efficientnet_b0',
  'timm efficientnet_lite0',
  'torchvision efficientnet_b0',
])('the names of %s', (program) => {
  const { encoder, tensors } = foreignEncoder(program);
  const source = encoderSources(encoder).find(({ stem }) => tensors.has(stem))!;

  it('become ours, layer by layer in the same order', () => {
    const translated = [...tensors].flatMap(([name, { shape }]) => {
      const own = source.translate(name);
      return own === undefined ? [] : [[own, shape]];
    });
    expect(translated).toEqual([...encoderShapes(encoder)]);
  });

  it('are otherwise those of the classifier', () => {
    const others = [...tensors.keys()].filter((name) => source.translate(name) === undefined);
    expect(others.filter((name) => !source.classifier.test(name))).toEqual([]);
    expect(others).not.toEqual([]);
  });

  it('are recognised, with an encoder that computes the same', () => {
    const guess = guessNetwork(tensors);
    expect(guess).toEqual({ encoder: source.originals[0].encoder });
    const model = createModel('pspnet', { classes: 19, encoder: guess!.encoder! });
    const { content, states } = match(tensors, model);
    expect(content).toBe('encoder');
    expect([...states.keys()].every((name) => name.startsWith('encoder.'))).toBe(true);
  });
});

describe('matchWeights', () => {
  it.each(['', 'module.', 'model.', '_orig_mod.module.', 'module.model.'])(
    'reads a whole network of segmentation_models.pytorch, wrapped in "%s"',
    (prefix) => {
      const { states, content, notices } = match(prefixed(new Map([...whole(pspnet), ...counter]), prefix), pspnet);
      expect(content).toBe('network');
      expect([...states.keys()]).toEqual([...networkShapes(pspnet).keys()]);
      expect(states.get('segmentation_head.0.bias')).toEqual(new Float32Array(19).fill(states.size - 1));
      expect(notices).toEqual([
        `a.pth: reads ${states.size} tensors for pspnet (resnet18), with the names of segmentation_models.pytorch`,
      ]);
    },
  );

  it('leaves out what a training class has beside the network', () => {
    const file = new Map([...prefixed(whole(pspnet), 'model.'), ...stateDictOf([['mean', [1, 3, 1, 1]]])]);
    const { states, notices } = match(file, pspnet);
    expect(states.size).toBe(networkShapes(pspnet).size);
    expect(notices[1]).toBe('a.pth: leaves out 1 tensor ("mean"): not part of the network');
  });

  it('reads an encoder alone, without its classifier and deeper levels', () => {
    const resnet = stateDictOf([...encoderShapes('resnet18'), ['fc.weight', [1000, 512]], ['fc.bias', [1000]]]);
    for (const prefix of ['', 'encoder.', 'backbone.', 'model.encoder.']) {
      const { content, states, notices } = match(prefixed(resnet, prefix), pspnet);
      expect(content).toBe('encoder');
      expect(states.size).toBe([...networkShapes(pspnet).keys()].filter((name) => name.startsWith('encoder.')).length);
      expect(notices.join('\n')).toMatch(
        /2 tensors \(".*fc\.weight", ".*fc\.bias"\): the classifier after the encoder/,
      );
      expect(notices.join('\n')).toMatch(
        /50 tensors \(.*layer3.*\): levels of the encoder that the network does not use/,
      );
    }
  });

  it('reads the encoder of timm in a network of segmentation_models.pytorch', () => {
    const { tensors } = foreignEncoder('timm mobilenetv3_large_100');
    const model = createModel('unet', { classes: 19, encoder: 'tu-mobilenetv3_large_100' });
    const decoder = stateDictOf([...networkShapes(model)].filter(([name]) => !name.startsWith('encoder.')));
    const { content, states } = match(new Map([...prefixed(tensors, 'encoder.model.'), ...decoder]), model);
    expect(content).toBe('network');
    expect(states.size).toBe(networkShapes(model).size);
  });

  it('reads BiSeNet of face-parsing.PyTorch without its auxiliary heads', () => {
    const bisenet = createModel('bisenet', { classes: 19 });
    const heads = [...auxiliaryNames(bisenet)];
    expect(heads).toContain('conv_out16.conv_out.weight');
    const names = [...networkShapes(bisenet), ...heads.map((name) => [name, [1]] as const)];
    const renamed = names.map(([name, shape]) => [name.replace(/^encoder\./, 'cp.resnet.'), shape] as const);
    const { states, notices } = match(stateDictOf(renamed), bisenet);
    expect(states.size).toBe(networkShapes(bisenet).size);
    expect(notices.join('\n')).toMatch(/auxiliary heads, which are used in training only/);
  });

  it('lists all faults, and names the network that fits', () => {
    const file = new Map([...whole(pspnet)].filter(([name]) => name !== 'encoder.conv1.weight'));
    file.set('decoder.other', stateDictOf([['decoder.other', [2, 3]]]).get('decoder.other')!);
    file.set('encoder.bn1.bias', stateDictOf([['encoder.bn1.bias', [63]]]).get('encoder.bn1.bias')!);
    file.set('encoder.conv1.weight', {
      ...file.get('encoder.bn1.bias')!,
      name: 'encoder.conv1.weight',
      shape: [64, 4, 7, 7],
    });
    file.delete('decoder.conv.0.weight');
    const message = messageOf(() => match(file, pspnet));
    expect(message.split('\n')).toEqual([
      'a.pth does not fit pspnet (resnet18): 2 tensors have another shape, 1 tensor is missing and 1 tensor is not part of it',
      '  another shape: "encoder.bn1.bias" is 63, but must be 64',
      '  another shape: "encoder.conv1.weight" is 64×4×7×7, but must be 64×3×7×7',
      '  missing: decoder.conv.0.weight (512×256×1×1)',
      '  not part of it: "decoder.other" (2×3)',
    ]);
    const unet = createModel('unet', { classes: 19 });
    expect(messageOf(() => match(file, unet))).toMatch(/missing: .*\n {2}… and \d+ more/);
    expect(messageOf(() => match(whole(pspnet), unet))).toBe(
      'a.pth does not fit unet (resnet18); the tensors are those of pspnet (resnet18) with 19 classes: use --model pspnet',
    );
    const resnet34 = stateDictOf(encoderShapes('resnet34'));
    expect(messageOf(() => match(resnet34, unet))).toBe(
      'a.pth does not fit the encoder of unet (resnet18); the tensors are those of the encoder resnet34: use --encoder resnet34',
    );
  });

  it('leaves out a head for other classes only when asked', () => {
    const other = whole(createModel('pspnet', { classes: 5 }));
    expect(messageOf(() => match(other, pspnet))).toBe(
      'a.pth: the head has 5 classes, but 19 are needed; ADVICE\n' +
        '  another shape: "segmentation_head.0.weight" is 5×512×3×3, but must be 19×512×3×3\n' +
        '  another shape: "segmentation_head.0.bias" is 5, but must be 19',
    );
    const { states, notices } = match(other, pspnet, 'body');
    expect(states.size).toBe(networkShapes(pspnet).size - 2);
    expect(notices[1]).toMatch(/2 tensors \("segmentation_head\.0\.weight", .*\): the head, as requested/);
  });

  it('does not take the body of an encoder alone', () => {
    const resnet = stateDictOf(encoderShapes('resnet18'));
    expect(messageOf(() => match(resnet, pspnet, 'body'))).toBe(
      'a.pth has only the encoder of pspnet (resnet18), so train.initPart=body would leave the decoder out too; use train.initPart=encoder',
    );
    expect(match(resnet, pspnet, 'encoder').content).toBe('encoder');
  });

  it('names options in the form of the caller', () => {
    const other = whole(createModel('unet', { classes: 19, encoder: 'resnet34' }));
    const told = (caller: Caller) =>
      messageOf(() => matchWeights({ tensors: other, notices: [] }, pspnet, { name: 'a', headAdvice: '', caller }))
        .split(' with 19 classes: ')
        .at(-1);
    expect(told('command')).toBe('use --model unet and --encoder resnet34');
    expect(told('library')).toBe("pass model: 'unet' and encoder: 'resnet34'");
    expect(told('configuration')).toBe('set model.name=unet and model.encoder=resnet34');
  });

  it('takes the encoder of another network when asked', () => {
    const { content, states } = match(whole(createModel('unet', { classes: 5 })), pspnet, 'encoder');
    expect(content).toBe('encoder');
    expect([...states.keys()].every((name) => name.startsWith('encoder.'))).toBe(true);
    const compact = createModel('compact', { classes: 19 });
    expect(messageOf(() => match(whole(compact), compact, 'encoder'))).toMatch(
      /^compact has no encoder to read; leave out train\.initPart=encoder, or choose a network with an encoder, such as model\.name=unet$/,
    );
  });

  it('refuses an encoder that computes something else, and says which to choose', () => {
    const { tensors } = foreignEncoder('torchvision efficientnet_b0');
    const model = (encoder: string) => createModel('pspnet', { classes: 19, encoder });
    expect(messageOf(() => match(tensors, model('efficientnet-b0')))).toMatch(
      /^a\.pth: for torchvision's efficientnet_b0, use --encoder timm-efficientnet-b0: the encoder efficientnet-b0 computes/,
    );
    expect(match(tensors, model('timm-efficientnet-b0')).notices.join('\n')).not.toMatch(/use --encoder/);
    const timm = foreignEncoder('timm efficientnet_b0').tensors;
    expect(match(timm, model('efficientnet-b0')).notices.at(-1)).toMatch(
      /efficientnet-b0 computes what timm's tf_efficientnet_b0 does; for timm's efficientnet_b0, use --encoder timm-/,
    );
    const decoder = stateDictOf(
      [...networkShapes(model('efficientnet-b0'))].filter(([name]) => !name.startsWith('encoder.')),
    );
    const network = new Map([...prefixed(timm, 'encoder.'), ...decoder]);
    expect(messageOf(() => match(network, model('efficientnet-b0')))).toMatch(
      /for timm-efficientnet-b0 of segmentation_models\.pytorch, use --encoder timm-efficientnet-b0/,
    );
    expect(match(network, model('timm-efficientnet-b0')).notices.join('\n')).not.toMatch(/use --encoder/);
    const mobile = foreignEncoder('timm mobilenetv3_large_100').tensors;
    expect(messageOf(() => match(mobile, model('mobilenet_v3_large')))).toMatch(/use --encoder tu-mobilenetv3/);
  });

  it('reads only the tensors that it uses', () => {
    const file = new Map(whole(pspnet));
    const bad = { name: 'fc.bias', dtype: 'float32', shape: [1000], read: () => expect.fail('was read') };
    file.set('encoder.fc.bias', bad);
    expect(match(file, pspnet).states.size).toBe(networkShapes(pspnet).size);
  });
});

describe('guessNetwork', () => {
  it.each([
    ['unet', 'mobilenet_v2', 8],
    ['linknet', 'resnet50', 2],
    ['deeplabv3plus', 'efficientnet-lite0', 19],
    ['bisenet', 'resnet18', 19],
    ['compact', undefined, 19],
  ])('finds %s on %s', (name, encoder, classes) => {
    const model = createModel(name, { classes, ...(encoder && { encoder }) });
    expect(guessNetwork(prefixed(whole(model), 'module.'))).toEqual({
      model: name,
      ...(encoder && { encoder }),
      classes,
    });
  });

  it('finds none for other tensors', () => {
    expect(guessNetwork(stateDictOf([['a.weight', [1]]]))).toBeUndefined();
  });
});
