import type { Tensor } from '../graph/graph.ts';
import { appendCoordinates } from '../nn/coordinates.ts';
import { uniformFanIn } from '../nn/initializers.ts';
import { basicBlock, convBn, convolution, invertedResidual } from '../nn/layers.ts';
import { pyramidPooling } from '../nn/pyramid-pooling.ts';
import type { Scope } from '../nn/scope.ts';
import type { Architecture, NetworkOutput } from './model.ts';
import { decoderStep } from './unet.ts';

/** Strides 4 and 8 have dense 3×3 blocks, which a CPU runs at full speed; 16 and 32 have depthwise ones, which save parameters. */
const stages = [
  { filters: 40, blocks: 1, kind: 'dense' },
  { filters: 64, blocks: 2, kind: 'dense' },
  { filters: 112, blocks: 2, kind: 'inverted' },
  { filters: 160, blocks: 2, kind: 'inverted' },
] as const;
const decoderWidths = [96, 64, 48, 32];

function build(scope: Scope, input: Tensor, classes: number): NetworkOutput {
  let x = convBn(scope.at('stem'), appendCoordinates(input), { filters: 24, kernel: 3, stride: 2 });
  const features = [x];
  stages.forEach(({ filters, blocks, kind }, index) => {
    const stage = scope.at('stages').at(index);
    x = convBn(stage.at(0), x, { filters, kernel: 3, stride: 2 });
    for (let block = 1; block <= blocks; block++) {
      x =
        kind === 'dense'
          ? basicBlock(stage.at(block), x)
          : invertedResidual(stage.at(block), x, { kernel: 5, squeeze: true });
    }
    features.push(x);
  });
  x = pyramidPooling(scope.at('pyramid'), x, { grids: [1, 2, 4, 8], filters: 32 });
  const skips = features.slice(0, -1).reverse();
  decoderWidths.forEach((filters, index) => {
    x = decoderStep(scope.at('decoder').at(index), x, skips[index]!, filters);
  });
  return {
    logits: convolution(scope.at('head'), x, { filters: classes, kernel: 1, bias: true, initializer: uniformFanIn() }),
  };
}

/**
 * The network for the challenge: coordinates at the input, a stem at stride 2, dense residual blocks to stride 8,
 * inverted residuals 5×5 with squeeze-and-excitation to stride 32, pyramid pooling, a U-shaped decoder to stride 2.
 */
export const compact: Architecture = {
  name: 'compact',
  summary: 'hybrid U-Net with coordinates and pyramid pooling, made for the challenge limit',
  multiple: 32,
  build,
};
