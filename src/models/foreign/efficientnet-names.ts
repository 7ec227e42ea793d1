import { blocksBefore, type NameSource, renamed, sameName, timmBlock } from './name-source.ts';

/** Blocks of the stages, in timm and torchvision. */
const counts = [1, 2, 2, 3, 3, 4, 1];

const squeeze: Readonly<Record<string, string>> = { 'se.conv_reduce': '_se_reduce', 'se.conv_expand': '_se_expand' };
/** Layers of the first block, which has no expansion, and of the others, in timm. */
const plain: Readonly<Record<string, string>> = {
  conv_dw: '_depthwise_conv',
  bn1: '_bn1',
  ...squeeze,
  conv_pw: '_project_conv',
  bn2: '_bn2',
};
const expanded: Readonly<Record<string, string>> = {
  conv_pw: '_expand_conv',
  bn1: '_bn0',
  conv_dw: '_depthwise_conv',
  bn2: '_bn1',
  ...squeeze,
  conv_pwl: '_project_conv',
  bn3: '_bn2',
};

function timmEfficientnet(name: string): string | undefined {
  const outer = renamed(name, { conv_stem: '_conv_stem', bn1: '_bn0' });
  if (outer !== undefined) return outer;
  return timmBlock(name, counts, ({ stage, index, layer }) => {
    const found = (stage === 0 ? plain : expanded)[layer];
    return found && `_blocks.${index}.${found}`;
  });
}

/** The parts of a block in torchvision: pairs of convolution and normalisation, and the squeeze. The first block has no expansion. */
const torchvisionParts: readonly Readonly<Record<string, string>>[] = [
  { 0: '_expand_conv', 1: '_bn0' },
  { 0: '_depthwise_conv', 1: '_bn1' },
  { fc1: '_se_reduce', fc2: '_se_expand' },
  { 0: '_project_conv', 1: '_bn2' },
];

function torchvisionEfficientnet(name: string): string | undefined {
  if (name.startsWith('features.0.')) return renamed(name.slice('features.0.'.length), { 0: '_conv_stem', 1: '_bn0' });
  const [, level, block, part, rest] = /^features\.(\d)\.(\d)\.block\.(\d)\.(.+)$/.exec(name) ?? [];
  if (rest === undefined) return undefined;
  const stage = Number(level) - 1;
  if (!(Number(block) < counts[stage])) return undefined;
  const layers = torchvisionParts[Number(part) + (stage === 0 ? 1 : 0)];
  const layer = layers && renamed(rest, layers);
  return layer && `_blocks.${blocksBefore(counts, stage) + Number(block)}.${layer}`;
}

const originalClassifier = /^(_conv_head|_bn1|_fc)\./;

/** timm's names, for its network of that name and the one with TensorFlow's padding, and our encoders that compute the same. */
function timmSource(name: string, encoders: { readonly symmetric: string; readonly tensorflow: string }): NameSource {
  return {
    program: 'timm',
    stem: 'conv_stem.weight',
    translate: timmEfficientnet,
    classifier: /^(conv_head|bn2|classifier)\./,
    originals: [
      { title: `timm's ${name}`, encoder: encoders.symmetric },
      { title: `timm's tf_${name}`, encoder: encoders.tensorflow },
    ],
    inNetwork: { title: `${encoders.symmetric} of segmentation_models.pytorch`, encoder: encoders.symmetric },
  };
}

export const efficientnetB0Names: readonly NameSource[] = [
  {
    program: 'efficientnet_pytorch',
    stem: '_conv_stem.weight',
    translate: sameName,
    classifier: originalClassifier,
    originals: [{ title: "efficientnet_pytorch's efficientnet-b0", encoder: 'efficientnet-b0' }],
  },
  timmSource('efficientnet_b0', { symmetric: 'timm-efficientnet-b0', tensorflow: 'efficientnet-b0' }),
  {
    program: 'torchvision',
    stem: 'features.0.0.weight',
    translate: torchvisionEfficientnet,
    classifier: /^(features\.8|classifier)\./,
    originals: [{ title: "torchvision's efficientnet_b0", encoder: 'timm-efficientnet-b0' }],
  },
];

export const efficientnetLite0Names: readonly NameSource[] = [
  {
    program: 'efficientnet_lite_pytorch',
    stem: '_conv_stem.weight',
    translate: sameName,
    classifier: originalClassifier,
    originals: [{ title: "efficientnet_lite_pytorch's efficientnet-lite0", encoder: 'efficientnet-lite0' }],
  },
  timmSource('efficientnet_lite0', { symmetric: 'timm-tf_efficientnet_lite0', tensorflow: 'efficientnet-lite0' }),
];
