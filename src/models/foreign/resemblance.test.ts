import { describe, expect, it } from 'vitest';
import { prefixed, stateDictOf } from '../../../test/state-dict-fixture.ts';
import type { Shape } from '../../graph/graph.ts';
import { createModel } from '../registry.ts';
import { matchWeights } from './match-weights.ts';
import { encoderShapes, networkShapes } from './network-names.ts';
import { describeResemblance } from './resemblance.ts';

/** Names of a ResNet with bottlenecks, as those of torchvision. */
function resnet(blocks: readonly number[], middle: Shape): [string, Shape][] {
  const layers = blocks.flatMap((count, layer) =>
    Array.from({ length: count }, (_, block) => `layer${layer + 1}.${block}`),
  );
  return [
    ['conv1.weight', [64, 3, 7, 7]],
    ...layers.flatMap((place): [string, Shape][] => [
      [`${place}.conv1.weight`, [64, 64, 1, 1]],
      [`${place}.conv2.weight`, middle],
      [`${place}.conv3.weight`, [256, 64, 1, 1]],
    ]),
  ];
}

const efficientnetB4 = Array.from({ length: 32 }, (_, block): [string, Shape] => [
  `_blocks.${block}._se_reduce.weight`,
  [12, 48, 1, 1],
]);

describe('describeResemblance', () => {
  it.each<[string, string, Shape]>([
    ['Unet++', 'decoder.blocks.x_0_0.conv1.0.weight', [256, 768, 3, 3]],
    ['FPN', 'decoder.p5.weight', [256, 512, 1, 1]],
    ['MAnet', 'decoder.center.top_conv.weight', [64, 512, 1, 1]],
    ['PAN', 'decoder.fpa.branch1.1.conv.weight', [32, 512, 1, 1]],
    ['Segformer', 'decoder.mlp_stage.0.linear.weight', [256, 512]],
    ['UPerNet', 'decoder.feature_norms.0.weight', [64]],
    ['DeepLabV3 (without +)', 'decoder.aspp.convs.0.0.weight', [256, 512, 1, 1]],
    ['Unet with scse attention', 'decoder.blocks.0.attention1.attention.cSE.1.weight', [16, 768, 1, 1]],
  ])(
    'recognises %s of segmentation_models.pytorch, and names the networks and the command that help',
    (title, ...entry) => {
      const encoder = prefixed(stateDictOf(encoderShapes('resnet18')), 'encoder.');
      const text = describeResemblance(prefixed(new Map([...encoder, ...stateDictOf([entry])]), 'module.'), 'a.pth');
      expect(text?.startsWith(`it looks like ${title}`)).toBe(true);
      expect(text).toMatch(
        /faceparse has Unet, Linknet, PSPNet and DeepLabV3Plus\. A new network .* model\.encoder=resnet18 --init a\.pth train\.initPart=encoder --data DATA$/,
      );
    },
  );

  it.each<[string, [string, Shape][]]>([
    ['resnet101', resnet([3, 4, 23, 3], [64, 64, 3, 3])],
    ['resnet152', resnet([3, 8, 36, 3], [64, 64, 3, 3])],
    ['resnext50_32x4d', resnet([3, 4, 6, 3], [128, 4, 3, 3])],
    ['resnext101_32x8d', resnet([3, 4, 23, 3], [256, 8, 3, 3])],
    ['wide_resnet50_2', resnet([3, 4, 6, 3], [128, 128, 3, 3])],
    ['EfficientNet-B4', [['_conv_stem.weight', [48, 3, 3, 3]], ...efficientnetB4]],
    ['a DenseNet', [['features.denseblock1.denselayer1.norm1.weight', [64]]]],
    ['a VGG', [['features.0.bias', [64]]]],
    ['a Mix Transformer (mit_b0 to mit_b5)', [['patch_embed1.proj.weight', [32, 3, 7, 7]]]],
  ])('recognises the encoder %s, alone and in a network', (title, entries) => {
    for (const prefix of ['', 'encoder.', 'encoder.model.', 'model.encoder.', 'backbone.']) {
      const text = describeResemblance(prefixed(stateDictOf(entries), prefix), 'a.pth');
      expect(text).toBe(
        `its encoder looks like ${title}. faceparse has the encoders ${text?.split('has the encoders ')[1]}`,
      );
      expect(text).toMatch(/resnet18, resnet34, resnet50, .* and /);
    }
  });

  it('says nothing about networks that faceparse has, nor about unknown ones', () => {
    for (const encoder of [
      'resnet50',
      'efficientnet-b0',
      'mobilenet_v2',
      'mobilenet_v3_large',
      'timm-efficientnet-b0',
    ]) {
      for (const name of ['unet', 'deeplabv3plus', 'bisenet']) {
        const tensors = stateDictOf(networkShapes(createModel(name, { encoder, classes: 19 })));
        expect(describeResemblance(tensors, 'a'), `${name} ${encoder}`).toBeUndefined();
      }
    }
    expect(describeResemblance(stateDictOf([['a.weight', [3]]]), 'a')).toBeUndefined();
  });

  it('takes the place of a list of missing tensors', () => {
    const fpn = stateDictOf([
      ...[...encoderShapes('resnet18')].map(([name, shape]) => [`encoder.${name}`, shape] as const),
      ['decoder.p5.weight', [256, 512, 1, 1]],
      ['segmentation_head.0.weight', [19, 128, 1, 1]],
    ]);
    const unet = createModel('unet', { classes: 19 });
    const match = () =>
      matchWeights({ tensors: fpn, notices: [] }, unet, { name: 'a', headAdvice: '', caller: 'command' });
    expect(match).toThrow(/^a does not fit unet \(resnet18\): it looks like FPN of [^\n]*$/);
  });
});
