import type { Graph } from '../../graph/graph.ts';
import { apply, isOp } from '../../graph/op.ts';
import { convTranspose2dOp } from '../../graph/ops/convolution.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { reshape } from '../../graph/ops/shape.ts';
import { rewrite } from '../../graph/passes/rewrite.ts';

/**
 * Replaces the bias of each transposed convolution by a sum, which elementwise fusion joins with the activation after it: the
 * backward convolutions that compute it take no bias.
 */
export function splitBias(source: Graph): Graph {
  return rewrite(source, (node, [x, weight, bias]) => {
    if (!isOp(node, convTranspose2dOp) || !bias) return undefined;
    const y = apply(convTranspose2dOp, [x, weight], node.attributes);
    return [add(y, reshape(bias, [...bias.shape, 1, 1]))];
  });
}
