import type { Graph } from '../../graph/graph.ts';
import { removeDeadCode } from '../../graph/passes/dead-code.ts';
import type { FusionCapabilities } from './capabilities.ts';
import { fuseConvolution } from './fuse-convolution.ts';
import { fuseElementwise } from './fuse-elementwise.ts';
import { fuseLossHead } from './fuse-loss-head.ts';
import { fuseNormalization } from './fuse-normalization.ts';
import { splitBias } from './split-bias.ts';

/**
 * Fuses a graph into the ops of `fused-ops.ts`: fewer and larger nodes with fewer passes over memory. Unused states are
 * dropped.
 *
 * Dead nodes are removed first, because the readers of a value decide whether it must exist. Normalisation comes before
 * convolution: a sum of both then joins the node that reads its input anyway. The rest is left to the elementwise nodes.
 */
export function fuseGraph(graph: Graph, capabilities: FusionCapabilities): Graph {
  const fusedHead = removeDeadCode(fuseLossHead(splitBias(removeDeadCode(graph))));
  return removeDeadCode(
    fuseElementwise(fuseConvolution(fuseNormalization(fusedHead, capabilities), capabilities), capabilities),
  );
}
