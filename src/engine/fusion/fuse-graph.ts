import type { Graph } from '../../graph/graph.ts';
import { removeDeadCode } from '../../graph/passes/dead-code.ts';
import type { FusionCapabilities } from './capabilities.ts';
import { fuseConvolution } from './fuse-convolution.ts';
import { fuseElementwise } from './fuse-elementwise.ts';
import { fuseLossHead } from './fuse-loss-head.ts';
import { fuseNormalization } from './fuse-normalization.ts';

/**
 * The graph with the fused ops of `fused-ops.ts`: fewer and larger nodes, which pass over memory less often. States that nothing
 * depends on are dropped.
 *
 * Dead nodes go first, since what reads a value decides whether it has to exist. Normalisation comes before convolution, so
 * that a sum of both is part of the node that reads its input anyway; what neither takes is left to the elementwise
 * nodes.
 */
export function fuseGraph(graph: Graph, capabilities: FusionCapabilities): Graph {
  const fusedHead = removeDeadCode(fuseLossHead(removeDeadCode(graph)));
  return removeDeadCode(
    fuseElementwise(fuseConvolution(fuseNormalization(fusedHead, capabilities), capabilities), capabilities),
  );
}
