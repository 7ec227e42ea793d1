import type { Tensor } from '../../graph/graph.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { heNormalFanOut } from '../../nn/initializers.ts';
import { batchNorm, type ConvBnOptions, convBn, convolution, type SequenceStep, sequence } from '../../nn/layers.ts';
import { stochasticDepth } from '../../nn/regularization.ts';
import { defineModule, type Scope } from '../../nn/scope.ts';
import { type BlockPlace, type BlockRow, type Conventions, placeBlocks } from './conventions.ts';
import { type Encoder, type EncoderOptions, imagenetPreprocessing, largestDepth, levelFeatures } from './encoder.ts';

interface Row extends BlockRow {
  readonly expansion: number;
  readonly filters: number;
}

/** Torchvision counts the outputs of all groups in the fan-out of a depthwise convolution. */
const initializer = heNormalFanOut();

function convBnRelu6(scope: Scope, x: Tensor, options: ConvBnOptions): Tensor {
  return convBn(scope, x, { activation: 'relu6', initializer, ...options });
}

const invertedResidual = defineModule(
  'LinearBottleneck',
  '1x1 to more channels, depthwise, 1x1 to fewer; a shortcut if the shape stays (MobileNetV2).',
  (scope, x: Tensor, { expansion, filters, stride, dilation, drop }: Omit<Row, 'stride'> & BlockPlace): Tensor => {
    const channels = x.shape[1];
    const inside = expansion * channels;
    const expand: SequenceStep = (at, y) => convBnRelu6(at, y, { filters: inside, kernel: 1 });
    const branch = sequence(scope.at('conv'), x, [
      ...(expansion === 1 ? [] : [expand]),
      (at, y) => convBnRelu6(at, y, { filters: inside, kernel: 3, stride, dilation, groups: inside }),
      (at, y) => convolution(at, y, { filters, kernel: 1, initializer }),
      (at, y) => batchNorm(at, y),
    ]);
    // A level that lost its stride still begins without a shortcut: its channels change.
    return stride === 1 && filters === channels ? add(x, stochasticDepth(scope, branch, drop)) : branch;
  },
);

/** Table 2 of Sandler et al. 2018: level, expansion, channels, blocks, stride of the first. */
const table = [
  [0, 1, 16, 1, 1],
  [1, 6, 24, 2, 2],
  [2, 6, 32, 3, 2],
  [3, 6, 64, 4, 2],
  [3, 6, 96, 3, 1],
  [4, 6, 160, 3, 2],
  [4, 6, 320, 1, 1],
] as const;

const rows = table.flatMap(([level, expansion, filters, count, stride]): Row[] =>
  Array.from({ length: count }, (_, index) => ({ level, expansion, filters, stride: index === 0 ? stride : 1 })),
);

const conventions: Conventions = { padding: 'symmetric', norm: {}, firstDilation: 'own' };

/** MobileNetV2 without its head, with the names of torchvision. The deepest features are those of the last 1×1 convolution. */
export const mobilenetV2: Encoder = {
  name: 'mobilenet_v2',
  summary: 'MobileNetV2 (Sandler et al. 2018)',
  preprocessing: imagenetPreprocessing,
  stochasticDepth: 0,
  build(scope, image, options: EncoderOptions = {}) {
    const layers = scope.at('features');
    let x = convBnRelu6(layers.at(0), image, { filters: 32, kernel: 3, stride: 2 });
    const ends: Tensor[] = [];
    placeBlocks(rows, options, conventions).forEach((block, index) => {
      x = invertedResidual(layers.at(index + 1), x, block);
      ends[block.level] = x;
    });
    if (ends.length === largestDepth) {
      ends[largestDepth - 1] = convBnRelu6(layers.at(rows.length + 1), x, { filters: 1280, kernel: 1 });
    }
    return levelFeatures(ends, options);
  },
};
