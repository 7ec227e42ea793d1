import type { Tensor } from '../../graph/graph.ts';
import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { uniformFanIn } from '../../nn/initializers.ts';
import { convBn, convolution, invertedResidual, sequence } from '../../nn/layers.ts';
import type { Scope } from '../../nn/scope.ts';
import type { Architecture, NetworkOutput } from '../model.ts';

const stageWidths = [32, 48, 96, 160];
const decoderWidths = [96, 64, 48, 32];

/** One decoder step of a U-Net: resizes x to the size of the skip, concatenates both and convolves. */
export function decoderStep(scope: Scope, x: Tensor, skip: Tensor, filters: number): Tensor {
  const raised = resize(x, skip.shape[2], skip.shape[3]);
  return convBn(scope, concat([raised, skip], 1), { filters, kernel: 3 });
}

function build(scope: Scope, input: Tensor, classes: number): NetworkOutput {
  let x = convBn(scope.at('stem'), input, { filters: 32, kernel: 3, stride: 2 });
  const features = [x];
  stageWidths.forEach((filters, index) => {
    x = sequence(scope.at('stages').at(index), x, [
      (at, y) => convBn(at, y, { filters, kernel: 3, stride: 2 }),
      invertedResidual,
      invertedResidual,
    ]);
    features.push(x);
  });
  const skips = features.slice(0, -1).reverse();
  decoderWidths.forEach((filters, index) => {
    x = decoderStep(scope.at('decoder').at(index), x, skips[index], filters);
  });
  // Plain uniform initialisation: no ReLU follows the logits.
  return {
    logits: convolution(scope.at('head'), x, { filters: classes, kernel: 1, bias: true, initializer: uniformFanIn() }),
  };
}

/**
 * A U-Net (Ronneberger et al. 2015) on inverted residuals: stem at stride 2; stages of 32, 48, 96, 160 channels at
 * strides 4 to 32; decoder of 96, 64, 48, 32; logits at stride 2. Used to compare engines.
 */
export const mobileUnet: Architecture = {
  name: 'mobile-unet',
  summary: 'U-Net with inverted residuals, used to compare engines',
  multiple: 32,
  build,
};
