import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import type { PreprocessingRules } from '../../image/preprocessing.ts';
import { constantInitializer, heNormalFanOut } from '../../nn/initializers.ts';
import { batchNorm, type ConvolutionLayerOptions, convolution, excitation } from '../../nn/layers.ts';
import { stochasticDepth } from '../../nn/regularization.ts';
import { defineModule, type Scope } from '../../nn/scope.ts';
import { type BlockPlace, type BlockRow, type Conventions, convolutionGeometry, placeBlocks } from './conventions.ts';
import {
  type Encoder,
  type EncoderOptions,
  halfPreprocessing,
  imagenetPreprocessing,
  levelFeatures,
} from './encoder.ts';

interface Row extends BlockRow {
  readonly kernel: number;
  readonly expansion: number;
  readonly filters: number;
}

/** Table 1 of Tan and Le 2019: level, kernel, expansion, channels, blocks, stride of the first. The stem is a level of its own. */
const table = [
  [1, 3, 1, 16, 1, 1],
  [1, 3, 6, 24, 2, 2],
  [2, 5, 6, 40, 2, 2],
  [3, 3, 6, 80, 3, 2],
  [3, 5, 6, 112, 3, 1],
  [4, 5, 6, 192, 4, 2],
  [4, 3, 6, 320, 1, 1],
] as const;

const rows = table.flatMap(([level, kernel, expansion, filters, count, stride]): Row[] =>
  Array.from({ length: count }, (_, index) => ({
    level,
    kernel,
    expansion,
    filters,
    stride: index === 0 ? stride : 1,
  })),
);

/**
 * segmentation_models.pytorch reads the features at stride 16 of its `efficientnet-b0` after block 8, the first of three with
 * 112 channels. The other two belong to the deepest level there, and are dilated with it.
 */
const smpRows = rows.map((row, index): Row => (index === 9 || index === 10 ? { ...row, level: 4 } : row));

/** What distinguishes EfficientNet from EfficientNet-Lite. */
interface Flavour {
  readonly activation: 'silu' | 'relu6';
  readonly squeeze: boolean;
}

/** A convolution and a batch normalisation with their own names; the fan-out of the original counts one group. */
function normalized(
  scopes: readonly [Scope, Scope],
  x: Tensor,
  { norm }: Conventions,
  options: Omit<ConvolutionLayerOptions, 'initializer'>,
): Tensor {
  const y = convolution(scopes[0], x, { ...options, initializer: heNormalFanOut(options.groups) });
  return batchNorm(scopes[1], y, norm);
}

type BlockOptions = Omit<Row, 'stride'> &
  BlockPlace &
  Flavour & {
    readonly conventions: Conventions;
    /** Builds the first 1×1 convolution only. */
    readonly expansionOnly?: boolean;
  };

interface BlockResult {
  readonly y: Tensor;
  /** The activated result of the first 1×1 convolution. */
  readonly expanded: Tensor;
}

const mbconv = defineModule(
  'MBConv',
  '1x1 to more channels, depthwise, excitation, 1x1 to fewer; a shortcut if the shape stays (EfficientNet).',
  (scope, x: Tensor, options: BlockOptions): BlockResult => {
    const { kernel, expansion, filters, stride, dilation, drop, conventions, activation: kind, squeeze } = options;
    const channels = x.shape[1];
    const inside = expansion * channels;
    let y = x;
    if (expansion > 1) {
      const scopes = [scope.at('_expand_conv'), scope.at('_bn0')] as const;
      y = activation(normalized(scopes, y, conventions, { filters: inside, kernel: 1 }), kind);
    }
    const expanded = y;
    if (options.expansionOnly) return { y, expanded };
    const geometry = convolutionGeometry(conventions, { kernel, stride, dilation });
    const depthwise = [scope.at('_depthwise_conv'), scope.at('_bn1')] as const;
    y = activation(normalized(depthwise, y, conventions, { filters: inside, groups: inside, ...geometry }), kind);
    if (squeeze) {
      y = excitation(scope.at('_se_reduce'), scope.at('_se_expand'), y, {
        // A quarter of the channels of the block's input, not of the inner ones.
        squeezed: Math.floor(channels / 4),
        activation: kind,
        gate: 'sigmoid',
        initializer: heNormalFanOut(),
        biasInitializer: constantInitializer(0),
      });
    }
    y = normalized([scope.at('_project_conv'), scope.at('_bn2')], y, conventions, { filters, kernel: 1 });
    const isResidual = stride === 1 && filters === channels;
    return { y: isResidual ? add(x, stochasticDepth(scope, y, drop)) : y, expanded };
  },
);

/** The first convolution, to stride 2. */
function stem(scope: Scope, image: Tensor, { activation: kind }: Flavour, conventions: Conventions): Tensor {
  const geometry = convolutionGeometry(conventions, { kernel: 3, stride: 2, dilation: 1 });
  const scopes = [scope.at('_conv_stem'), scope.at('_bn0')] as const;
  return activation(normalized(scopes, image, conventions, { filters: 32, ...geometry }), kind);
}

/**
 * An EfficientNet without its head, with the names of efficientnet_pytorch. The features at stride 2 are the stem's. The last
 * 1×1 convolution, to 1280 channels, is left out: segmentation networks don't read it.
 */
function efficientnet(
  name: string,
  summary: string,
  { rows, ...flavour }: Flavour & { readonly rows: readonly Row[] },
  conventions: Conventions,
  rest: { preprocessing: PreprocessingRules; variantOf?: string },
): Encoder {
  return {
    name,
    summary,
    ...rest,
    stochasticDepth: 0.2,
    build(scope: Scope, image: Tensor, options: EncoderOptions = {}) {
      let x = stem(scope, image, flavour, conventions);
      const ends = [x];
      placeBlocks(rows, options, conventions).forEach((row, index) => {
        x = mbconv(scope.at('_blocks').at(index), x, { ...row, ...flavour, conventions }).y;
        ends[row.level] = x;
      });
      return levelFeatures(ends, options);
    },
  };
}

const full = { activation: 'silu', squeeze: true, rows } as const;
const lite = { activation: 'relu6', squeeze: false, rows } as const;

const tensorflow: Conventions = { padding: 'same', norm: { epsilon: 1e-3, momentum: 0.01 }, firstDilation: 'own' };
const symmetric: Conventions = { padding: 'symmetric', norm: {}, firstDilation: 'own' };

export const efficientnetB0 = efficientnet(
  'efficientnet-b0',
  'EfficientNet-B0 (Tan and Le 2019)',
  { ...full, rows: smpRows },
  tensorflow,
  {
    preprocessing: imagenetPreprocessing,
  },
);

/**
 * EfficientNet-B0 of Keras up to the first convolution of its block 6a: what is inside of blocks 3a and 6a after their first 1×1
 * convolutions, at the strides 4 and 16 (`block3a_expand_activation` and `block6a_expand_activation`).
 */
export function efficientnetB0Expansions(scope: Scope, image: Tensor): { fine: Tensor; coarse: Tensor } {
  const [fine, coarse] = [3, 11];
  const { stochasticDepth } = efficientnetB0;
  const expansions: Tensor[] = [];
  let x = stem(scope, image, full, tensorflow);
  const blocks = placeBlocks(rows, { stochasticDepth }, tensorflow).slice(0, coarse + 1);
  blocks.forEach((row, index) => {
    const options = { ...row, ...full, conventions: tensorflow, expansionOnly: index === coarse };
    const { y, expanded } = mbconv(scope.at('_blocks').at(index), x, options);
    x = y;
    expansions.push(expanded);
  });
  return { fine: expansions[fine], coarse: expansions[coarse] };
}

export const timmEfficientnetB0 = efficientnet(
  'timm-efficientnet-b0',
  "EfficientNet-B0 with symmetric padding, as timm's and torchvision's efficientnet_b0",
  full,
  symmetric,
  { preprocessing: imagenetPreprocessing, variantOf: efficientnetB0.name },
);

export const efficientnetLite0 = efficientnet(
  'efficientnet-lite0',
  'EfficientNet-Lite0: EfficientNet-B0 with ReLU6 and without excitation',
  lite,
  tensorflow,
  { preprocessing: halfPreprocessing },
);

export const timmEfficientnetLite0 = efficientnet(
  'timm-tf_efficientnet_lite0',
  "EfficientNet-Lite0 with symmetric padding, as timm's efficientnet_lite0",
  lite,
  symmetric,
  { preprocessing: halfPreprocessing, variantOf: efficientnetLite0.name },
);
