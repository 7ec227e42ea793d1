import { blocksBefore, type NameSource, renamed, sameName, timmBlock } from './name-source.ts';

const torchvisionStem = 'features.0.0.weight';
const timmStem = 'conv_stem.weight';
/** Blocks of the stages of MobileNetV2 in timm. */
const counts2 = [1, 2, 3, 4, 3, 3, 1];

/** Layers of the first block, which has no expansion, and of the others, in timm and in torchvision. */
const plain2: Readonly<Record<string, string>> = { conv_dw: '0.0', bn1: '0.1', conv_pw: '1', bn2: '2' };
const expanded2: Readonly<Record<string, string>> = {
  conv_pw: '0.0',
  bn1: '0.1',
  conv_dw: '1.0',
  bn2: '1.1',
  conv_pwl: '2',
  bn3: '3',
};

function timmMobilenetV2(name: string): string | undefined {
  const outer = renamed(name, {
    conv_stem: 'features.0.0',
    bn1: 'features.0.1',
    conv_head: 'features.18.0',
    bn2: 'features.18.1',
  });
  if (outer !== undefined) return outer;
  return timmBlock(name, counts2, ({ stage, index, layer }) => {
    const found = (stage === 0 ? plain2 : expanded2)[layer];
    return found && `features.${index + 1}.conv.${found}`;
  });
}

export const mobilenetV2Names: readonly NameSource[] = [
  {
    program: 'torchvision',
    stem: torchvisionStem,
    translate: sameName,
    classifier: /^classifier\./,
    originals: [{ title: "torchvision's mobilenet_v2", encoder: 'mobilenet_v2' }],
  },
  {
    program: 'timm',
    stem: timmStem,
    translate: timmMobilenetV2,
    classifier: /^classifier\./,
    originals: [{ title: "timm's mobilenetv2_100", encoder: 'mobilenet_v2' }],
  },
];

/** Blocks of the stages of MobileNetV3-Large in timm; the last stage is a single convolution. */
const counts3 = [1, 2, 3, 4, 2, 3];
/** The stages with squeeze-and-excitation, which shifts the last convolution by one. */
const squeezed = [2, 4, 5];
const lastBlock = blocksBefore(counts3, counts3.length) + 1;

function mobilenetV3Layer(stage: number, layer: string): string | undefined {
  if (stage === 0) return { conv_dw: '0.0', bn1: '0.1', conv_pw: '1.0', bn2: '1.1' }[layer];
  const last = squeezed.includes(stage) ? 3 : 2;
  const table: Readonly<Record<string, string>> = {
    conv_pw: '0.0',
    bn1: '0.1',
    conv_dw: '1.0',
    bn2: '1.1',
    'se.conv_reduce': '2.fc1',
    'se.conv_expand': '2.fc2',
    conv_pwl: `${last}.0`,
    bn3: `${last}.1`,
  };
  return table[layer];
}

function timmMobilenetV3(name: string): string | undefined {
  const outer = renamed(name, { conv_stem: 'features.0.0', bn1: 'features.0.1' });
  if (outer !== undefined) return outer;
  const last = `blocks.${counts3.length}.0.`;
  if (name.startsWith(last)) {
    return renamed(name.slice(last.length), { conv: `features.${lastBlock}.0`, bn1: `features.${lastBlock}.1` });
  }
  return timmBlock(name, counts3, ({ stage, index, layer }) => {
    const found = mobilenetV3Layer(stage, layer);
    return found && `features.${index + 1}.block.${found}`;
  });
}

export const mobilenetV3Names: readonly NameSource[] = [
  {
    program: 'torchvision',
    stem: torchvisionStem,
    translate: sameName,
    classifier: /^classifier\./,
    originals: [{ title: "torchvision's mobilenet_v3_large", encoder: 'mobilenet_v3_large' }],
  },
  {
    program: 'timm',
    stem: timmStem,
    translate: timmMobilenetV3,
    classifier: /^(conv_head|norm_head|classifier)\./,
    originals: [
      { title: "timm's tf_mobilenetv3_large_100", encoder: 'timm-mobilenetv3_large_100' },
      { title: "timm's mobilenetv3_large_100", encoder: 'tu-mobilenetv3_large_100' },
    ],
  },
];
