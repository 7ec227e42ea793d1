import type { Graph } from '../graph/graph.ts';
import { foldBatchNorm } from '../graph/passes/batch-norm-folding.ts';
import { foldConstants } from '../graph/passes/constant-folding.ts';
import { removeDeadCode } from '../graph/passes/dead-code.ts';
import { freezeStates } from '../graph/passes/freeze.ts';
import { evaluateNode } from './reference/reference-engine.ts';

/** Prepares a network's graph for inference: weights become constants, normalisation is folded, constants are evaluated. */
export function freezeForInference(graph: Graph, states: ReadonlyMap<string, Float32Array>): Graph {
  return removeDeadCode(foldConstants(foldBatchNorm(freezeStates(graph, states)), evaluateNode));
}
