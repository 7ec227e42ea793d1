import type { Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { add, mul } from '../../graph/ops/elementwise.ts';
import { globalAvgPool } from '../../graph/ops/pooling.ts';
import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { xavierUniform } from '../../nn/initializers.ts';
import { batchNorm, type ConvolutionLayerOptions, convolution } from '../../nn/layers.ts';
import { defineModule, type Scope } from '../../nn/scope.ts';
import { encoderFeatures } from '../encoders/encoder-features.ts';
import type { Architecture, NetworkOutput } from '../model.ts';
import type { ModelSettings } from '../settings.ts';

/** Channels of the context path, of the fused features, and of the auxiliary heads inside. */
const contextWidth = 128;
const fusedWidth = 256;
const auxiliaryWidth = 64;

const convBnRelu = defineModule(
  'ConvBnRelu',
  'Convolution, batch normalisation, ReLU.',
  (scope, x: Tensor, options: ConvolutionLayerOptions): Tensor =>
    activation(batchNorm(scope.at('bn'), convolution(scope.at('conv'), x, options)), 'relu'),
);

/** Weighs the channels by a gate that is computed from their means. */
const attentionRefinement = defineModule(
  'AttentionRefinement',
  '3x3, then weighs whole channels by a gate that is computed from their means (BiSeNet).',
  (scope, x: Tensor): Tensor => {
    const features = convBnRelu(scope.at('conv'), x, { filters: contextWidth, kernel: 3 });
    const gate = convolution(scope.at('conv_atten'), globalAvgPool(features), { filters: contextWidth, kernel: 1 });
    return mul(features, activation(batchNorm(scope.at('bn_atten'), gate), 'sigmoid'));
  },
);

/** Joins two feature maps of the same size and emphasises channels. */
const featureFusion = defineModule(
  'FeatureFusion',
  'Joins two feature maps, and adds what a gate of their channel means selects (BiSeNet).',
  (scope, detail: Tensor, context: Tensor): Tensor => {
    const fused = convBnRelu(scope.at('convblk'), concat([detail, context], 1), { filters: fusedWidth, kernel: 1 });
    const squeezed = convolution(scope.at('conv1'), globalAvgPool(fused), { filters: fusedWidth / 4, kernel: 1 });
    const gate = convolution(scope.at('conv2'), activation(squeezed, 'relu'), { filters: fusedWidth, kernel: 1 });
    return add(mul(fused, activation(gate, 'sigmoid')), fused);
  },
);

const outputHead = defineModule(
  'BiSeNetOutput',
  '3x3, then the scores of the classes.',
  (scope, x: Tensor, { filters, classes }: { filters: number; classes: number }): Tensor => {
    const y = convBnRelu(scope.at('conv'), x, { filters, kernel: 3 });
    return convolution(scope.at('conv_out'), y, { filters: classes, kernel: 1, initializer: xavierUniform });
  },
);

/** Three convolutions of stride 2 and a 1×1: features at stride 8 that keep detail. */
const spatialPath = defineModule(
  'SpatialPath',
  'Three convolutions of stride 2, then 1x1 (BiSeNet).',
  (scope, image: Tensor): Tensor => {
    let x = convBnRelu(scope.at('conv1'), image, { filters: 64, kernel: 7, stride: 2 });
    x = convBnRelu(scope.at('conv2'), x, { filters: 64, kernel: 3, stride: 2 });
    x = convBnRelu(scope.at('conv3'), x, { filters: 64, kernel: 3, stride: 2 });
    return convBnRelu(scope.at('conv_out'), x, { filters: contextWidth, kernel: 1 });
  },
);

/** Resizes context to the size of finer features and convolves it. */
function raise(scope: Scope, x: Tensor, { shape }: Tensor): Tensor {
  return convBnRelu(scope, resize(x, shape[2], shape[3], 'nearest'), { filters: contextWidth, kernel: 3 });
}

function build(
  scope: Scope,
  image: Tensor,
  classes: number,
  { settings, hasSpatialPath }: { settings: ModelSettings; hasSpatialPath: boolean },
): NetworkOutput {
  const [feature8, feature16, feature32] = encoderFeatures(scope, image, settings)
    .slice(-3)
    .map(({ tensor }) => tensor) as [Tensor, Tensor, Tensor];
  const path = scope.at('cp');
  const mean = convBnRelu(path.at('conv_avg'), globalAvgPool(feature32), { filters: contextWidth, kernel: 1 });
  const refined32 = attentionRefinement(path.at('arm32'), feature32);
  const context16 = raise(path.at('conv_head32'), add(refined32, mean), feature16);
  const refined16 = attentionRefinement(path.at('arm16'), feature16);
  const context8 = raise(path.at('conv_head16'), add(refined16, context16), feature8);
  const detail = hasSpatialPath ? spatialPath(scope.at('sp'), image) : feature8;
  const fused = featureFusion(scope.at('ffm'), detail, context8);
  const [, , height, width] = image.shape as [number, number, number, number];
  const head = (name: string, x: Tensor, filters: number) =>
    resize(outputHead(scope.at(name), x, { filters, classes }), height, width, 'bilinear-align-corners');
  const logits = head('conv_out', fused, fusedWidth);
  if (!scope.mode.auxiliary) return { logits };
  const auxiliary = [head('conv_out16', context8, auxiliaryWidth), head('conv_out32', context16, auxiliaryWidth)];
  return { logits, auxiliary };
}

/**
 * BiSeNet (Yu et al. 2018) on any encoder, in the form that most face-parsing programs use (zllrunning's
 * face-parsing.PyTorch): the encoder's features at stride 8 replace the spatial path. Names are those of that program, with
 * `encoder` for `cp.resnet`; logits at stride 1.
 *
 * The auxiliary heads classify the context at strides 8 and 16. In the paper, their losses have the weight 1.
 */
export const bisenet: Architecture = {
  name: 'bisenet',
  summary:
    'BiSeNet on an encoder, as in face-parsing.PyTorch: attention over channels, the encoder at stride 8 for detail',
  multiple: 32,
  settings: { encoder: { default: 'resnet18' } },
  build: (scope, image, classes, settings) => build(scope, image, classes, { settings, hasSpatialPath: false }),
};

/** BiSeNet with the spatial path of the paper, for detail from the image itself. */
export const bisenetSpatial: Architecture = {
  name: 'bisenet-spatial',
  summary: 'BiSeNet on an encoder, as in the paper: like bisenet, with a spatial path of its own for detail',
  multiple: 32,
  settings: { encoder: { default: 'resnet18' } },
  build: (scope, image, classes, settings) => build(scope, image, classes, { settings, hasSpatialPath: true }),
};
