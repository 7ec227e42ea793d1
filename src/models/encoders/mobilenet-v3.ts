import type { Tensor } from '../../graph/graph.ts';
import type { ActivationKind } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import type { PreprocessingRules } from '../../image/preprocessing.ts';
import { constantInitializer, heNormalFanOut } from '../../nn/initializers.ts';
import { type ConvBnOptions, convBn, excitation, type SequenceStep, sequence } from '../../nn/layers.ts';
import { stochasticDepth } from '../../nn/regularization.ts';
import { defineModule, type Scope } from '../../nn/scope.ts';
import { type BlockPlace, type BlockRow, type Conventions, convolutionGeometry, placeBlocks } from './conventions.ts';
import {
  type Encoder,
  type EncoderOptions,
  halfPreprocessing,
  imagenetPreprocessing,
  largestDepth,
  levelFeatures,
} from './encoder.ts';

interface Row extends BlockRow {
  readonly kernel: number;
  /** Channels of the depthwise convolution. */
  readonly inside: number;
  readonly filters: number;
  readonly squeeze: boolean;
  readonly activation: ActivationKind;
}

/** Table 1 of Howard et al. 2019: level, kernel, inner channels, channels, excitation, activation, stride. */
const table = [
  [0, 3, 16, 16, false, 'relu', 1],
  [1, 3, 64, 24, false, 'relu', 2],
  [1, 3, 72, 24, false, 'relu', 1],
  [2, 5, 72, 40, true, 'relu', 2],
  [2, 5, 120, 40, true, 'relu', 1],
  [2, 5, 120, 40, true, 'relu', 1],
  [3, 3, 240, 80, false, 'hardSwish', 2],
  [3, 3, 200, 80, false, 'hardSwish', 1],
  [3, 3, 184, 80, false, 'hardSwish', 1],
  [3, 3, 184, 80, false, 'hardSwish', 1],
  [3, 3, 480, 112, true, 'hardSwish', 1],
  [3, 3, 672, 112, true, 'hardSwish', 1],
  [4, 5, 672, 160, true, 'hardSwish', 2],
  [4, 5, 960, 160, true, 'hardSwish', 1],
  [4, 5, 960, 160, true, 'hardSwish', 1],
] as const;

const rows = table.map(
  ([level, kernel, inside, filters, squeeze, activation, stride]): Row => ({
    level,
    kernel,
    inside,
    filters,
    squeeze,
    activation,
    stride,
  }),
);

/** Torchvision counts the outputs of all groups in the fan-out of a depthwise convolution. */
const initializer = heNormalFanOut();

/** A quarter, rounded to a multiple of 8, but not down by more than a tenth. */
function squeezedChannels(inside: number): number {
  const quarter = inside / 4;
  const rounded = 8 * Math.round(quarter / 8);
  return rounded < 0.9 * quarter ? rounded + 8 : rounded;
}

const squeezeExcitation = defineModule(
  'SqueezeExcitation',
  'Weighs whole channels by a gate that is computed from their means (MobileNetV3).',
  (scope, x: Tensor): Tensor =>
    excitation(scope.at('fc1'), scope.at('fc2'), x, {
      squeezed: squeezedChannels(x.shape[1]),
      initializer,
      biasInitializer: constantInitializer(0),
    }),
);

type BlockOptions = Omit<Row, 'stride'> & BlockPlace & { readonly conventions: Conventions };

const block = defineModule(
  'MobileNetV3Block',
  '1x1 to more channels, depthwise, excitation, 1x1 to fewer; a shortcut if the shape stays (MobileNetV3).',
  (scope, x: Tensor, { kernel, inside, filters, squeeze, activation, conventions, drop, ...place }: BlockOptions) => {
    const channels = x.shape[1];
    const shared: Omit<ConvBnOptions, 'filters' | 'kernel'> = { initializer, activation, ...conventions.norm };
    const depthwise = { groups: inside, ...convolutionGeometry(conventions, { kernel, ...place }) };
    const expand: SequenceStep = (at, y) => convBn(at, y, { filters: inside, kernel: 1, ...shared });
    const branch = sequence(scope.at('block'), x, [
      ...(inside === channels ? [] : [expand]),
      (at, y) => convBn(at, y, { filters: inside, ...depthwise, ...shared }),
      ...(squeeze ? [squeezeExcitation] : []),
      (at, y) => convBn(at, y, { filters, kernel: 1, ...shared, activation: 'none' }),
    ]);
    return place.stride === 1 && filters === channels ? add(x, stochasticDepth(scope, branch, drop)) : branch;
  },
);

/**
 * MobileNetV3-Large without its head, with the names of torchvision. The deepest features are those of the last 1×1
 * convolution, with 960 channels.
 */
function mobilenetV3(
  name: string,
  summary: string,
  conventions: Conventions,
  rest: { preprocessing: PreprocessingRules; variantOf?: string },
): Encoder {
  return {
    name,
    summary,
    ...rest,
    stochasticDepth: 0,
    build(scope: Scope, image: Tensor, options: EncoderOptions = {}) {
      const layers = scope.at('features');
      const shared = { initializer, activation: 'hardSwish', ...conventions.norm } as const;
      const stem = convolutionGeometry(conventions, { kernel: 3, stride: 2, dilation: 1 });
      let x = convBn(layers.at(0), image, { filters: 16, ...stem, ...shared });
      const ends: Tensor[] = [];
      placeBlocks(rows, options, conventions).forEach((row, index) => {
        x = block(layers.at(index + 1), x, { ...row, conventions });
        ends[row.level] = x;
      });
      if (ends.length === largestDepth) {
        ends[largestDepth - 1] = convBn(layers.at(rows.length + 1), x, { filters: 960, kernel: 1, ...shared });
      }
      return levelFeatures(ends, options);
    },
  };
}

export const mobilenetV3Large = mobilenetV3(
  'mobilenet_v3_large',
  'MobileNetV3-Large (Howard et al. 2019)',
  { padding: 'symmetric', norm: { epsilon: 1e-3, momentum: 0.01 }, firstDilation: 'own' },
  { preprocessing: imagenetPreprocessing },
);

const variantOf = mobilenetV3Large.name;

export const timmMobilenetV3Large = mobilenetV3(
  'timm-mobilenetv3_large_100',
  "MobileNetV3-Large with TensorFlow's padding, as timm's tf_mobilenetv3_large_100",
  { padding: 'same', norm: { epsilon: 1e-3 }, firstDilation: 'before' },
  { preprocessing: halfPreprocessing, variantOf },
);

export const tuMobilenetV3Large = mobilenetV3(
  'tu-mobilenetv3_large_100',
  "MobileNetV3-Large with symmetric padding, as timm's mobilenetv3_large_100",
  { padding: 'symmetric', norm: {}, firstDilation: 'before' },
  { preprocessing: imagenetPreprocessing, variantOf },
);
