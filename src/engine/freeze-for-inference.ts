import type { Graph } from '../graph/graph.ts';
import { foldBatchNorm } from '../graph/passes/batch-norm-folding.ts';
import { foldConstants } from '../graph/passes/constant-folding.ts';
import { removeDeadCode } from '../graph/passes/dead-code.ts';
import { freezeStates } from '../graph/passes/freeze.ts';
import { evaluateNode } from './reference/reference-engine.ts';

/** The graph of a network with its weights as constants, normalisation folded into convolutions, what is constant computed. */
export function freezeForInference(graph: Graph, states: ReadonlyMap<string, Float32Array>): Graph {
  return removeDeadCode(foldConstants(foldBatchNorm(freezeStates(graph, states)), evaluateNode));
}
