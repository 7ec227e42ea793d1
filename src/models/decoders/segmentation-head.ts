import type { Tensor } from '../../graph/graph.ts';
import { xavierUniform } from '../../nn/initializers.ts';
import { convolution, sequence } from '../../nn/layers.ts';
import type { Scope } from '../../nn/scope.ts';

/** The last convolution of a network, to one channel for each class. */
export function segmentationHead(scope: Scope, x: Tensor, options: { classes: number; kernel: number }): Tensor {
  const { classes: filters, kernel } = options;
  const layer = (at: Scope, y: Tensor) =>
    convolution(at, y, { filters, kernel, bias: true, initializer: xavierUniform });
  return sequence(scope, x, [layer]);
}
