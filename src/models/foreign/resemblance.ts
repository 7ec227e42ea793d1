import type { StateTensor } from '../../formats/state-dict/state-tensor.ts';
import { joinWords } from '../../text/join-words.ts';
import { listEncoders } from '../encoders/registry.ts';
import { guessEncoder } from './guess-network.ts';

type Tensors = ReadonlyMap<string, Pick<StateTensor, 'shape'>>;

/** Names of tensors that only one network has, which is none of ours; the first that matches counts. */
const architectures: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\.)decoder\.blocks\.x_\d_\d\./, 'Unet++ of segmentation_models.pytorch'],
  [/(?:^|\.)decoder\.center\.(?:top|center|bottom)_conv\./, 'MAnet of segmentation_models.pytorch'],
  [
    /(?:^|\.)decoder\.blocks\.\d\.attention\d\.attention\.[cs]SE\./,
    'Unet with scse attention (decoder_attention_type) of segmentation_models.pytorch',
  ],
  [/(?:^|\.)decoder\.(?:p[2-5]|seg_blocks)\./, 'FPN of segmentation_models.pytorch'],
  [/(?:^|\.)decoder\.(?:fpa|gau\d)\./, 'PAN of segmentation_models.pytorch'],
  [/(?:^|\.)decoder\.mlp_stage\./, 'Segformer of segmentation_models.pytorch'],
  [/(?:^|\.)decoder\.(?:feature_norms|fpn_)/, 'UPerNet of segmentation_models.pytorch'],
  [/(?:^|\.)decoder\.(?:reassemble|projection)_blocks\./, 'DPT of segmentation_models.pytorch'],
  // DeepLabV3Plus wraps its ASPP once more.
  [/(?:^|\.)decoder\.(?:aspp|0)\.convs\./, 'DeepLabV3 (without +) of segmentation_models.pytorch'],
  [/(?:^|\.)segformer\.encoder\./, 'SegFormer of transformers'],
  [/^classifier\.0\.convs\./, 'DeepLabV3 of torchvision'],
  [/^classifier\.cbr\./, 'LR-ASPP of torchvision'],
];

/** Names of tensors of other families of encoders, without the prefix of the encoder. */
const families: readonly (readonly [RegExp, string])[] = [
  [/^layer0\.conv1\./, 'an SE-ResNet, SE-ResNeXt or SENet'],
  [/^features\.denseblock1\./, 'a DenseNet'],
  [/^features\.0\.bias$/, 'a VGG'],
  [/^features\.0\.conv\.weight$/, 'inceptionv4'],
  [/^conv2d_1a\./, 'inceptionresnetv2'],
  [/^block1\.rep\./, 'xception'],
  [/^features\.conv1_1\./, 'a DPN'],
  [/^patch_embed1\.proj\./, 'a Mix Transformer (mit_b0 to mit_b5)'],
  [/^stage0\.rbr_/, 'a MobileOne'],
  [/^stages[._]\d\.blocks\.\d+\.conv_dw\./, 'a ConvNeXt'],
  [/\.attn\.relative_position_bias_table$/, 'a Swin Transformer'],
  [/^stem\.conv\.weight$/, 'a RegNet or GER-Net'],
];

/** Blocks of the four layers of ResNets with bottlenecks. */
const depths: Readonly<Record<string, number>> = { '3,4,6,3': 50, '3,4,23,3': 101, '3,8,36,3': 152 };
/** Blocks of EfficientNets. */
const efficientnets: Readonly<Record<number, string>> = {
  23: 'EfficientNet-B1 or B2',
  26: 'EfficientNet-B3',
  32: 'EfficientNet-B4',
  39: 'EfficientNet-B5',
  45: 'EfficientNet-B6',
  55: 'EfficientNet-B7',
};

/**
 * Says which network the tensors of a file look like, if faceparse does not have it, and what it has instead.
 *
 * @returns sentences without a full stop, or undefined if the names reveal nothing
 */
export function describeResemblance(tensors: ReadonlyMap<string, StateTensor>, file: string): string | undefined {
  const names = [...tensors.keys()];
  const architecture = architectures.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
  const encoder = otherEncoder(encoderOf(tensors));
  if (architecture === undefined && encoder === undefined) return undefined;
  const known = encoder === undefined ? guessEncoder(tensors) : undefined;
  const parts = [
    ...(architecture === undefined
      ? []
      : [
          `it looks like ${architecture}. Of segmentation_models.pytorch, faceparse has Unet, Linknet, PSPNet and DeepLabV3Plus`,
        ]),
    ...(encoder === undefined
      ? []
      : [`its encoder looks like ${encoder}. faceparse has the encoders ${joinWords(listEncoders(), 'and')}`]),
    ...(known === undefined
      ? []
      : [
          `A new network can start from its encoder: faceparse train model.name=unet model.encoder=${known} --init ${file} train.initPart=encoder --data DATA`,
        ]),
  ];
  return parts.map((part, at) => (at === 0 ? part : `${part[0]?.toUpperCase()}${part.slice(1)}`)).join('. ');
}

/** The tensors of the encoder, without wrappers; all tensors if none has the prefix of an encoder. */
function encoderOf(tensors: Tensors): Tensors {
  const prefix = /^(?:(?:module|_orig_mod|model|net)\.)*(?:encoder\.(?:model\.)?|cp\.resnet\.|backbone\.)/;
  const inside = [...tensors].filter(([name]) => prefix.test(name));
  if (inside.length === 0) return tensors;
  return new Map(inside.map(([name, tensor]) => [name.replace(prefix, ''), tensor]));
}

/** The name of an encoder that is none of ours. */
function otherEncoder(tensors: Tensors): string | undefined {
  const names = [...tensors.keys()];
  const family = families.find(([pattern]) => names.some((name) => pattern.test(name)))?.[1];
  return family ?? resnetName(tensors) ?? efficientnetName(tensors);
}

/** `resnet101`, `resnext50_32x4d` or `wide_resnet50_2`; undefined for other networks and for ours. */
function resnetName(tensors: Tensors): string | undefined {
  const counts = [1, 2, 3, 4].map((layer) =>
    countBlocks(tensors, new RegExp(`^layer${layer}\\.(\\d+)\\.conv1\\.weight$`)),
  );
  const depth = depths[String(counts)];
  const stem = tensors.get('conv1.weight')?.shape;
  const [width, perGroup] = tensors.get('layer1.0.conv2.weight')?.shape ?? [];
  const isBottleneck = tensors.has('layer1.0.conv3.weight');
  if (depth === undefined || !isBottleneck || String(stem) !== '64,3,7,7' || !width || !perGroup) return undefined;
  const groups = width / perGroup;
  if (groups > 1) return `resnext${depth}_${groups}x${perGroup}d`;
  if (width === 128) return `wide_resnet${depth}_2`;
  return depth === 50 ? undefined : `resnet${depth}`;
}

function efficientnetName(tensors: Tensors): string | undefined {
  const isTimm = tensors.has('conv_stem.weight');
  if (!isTimm && !tensors.has('_conv_stem.weight')) return undefined;
  const blocks = countBlocks(tensors, isTimm ? /^blocks\.(\d+\.\d+)\./ : /^_blocks\.(\d+)\./);
  const name = efficientnets[blocks];
  const hasExcitation = [...tensors.keys()].some((key) => /(?:se\.conv_reduce|_se_reduce)\./.test(key));
  return hasExcitation ? name : undefined;
}

/** Number of different places in the names that match. */
function countBlocks(tensors: Tensors, pattern: RegExp): number {
  return new Set([...tensors.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? [])).size;
}
