import type { Graph, GraphNode } from '../../graph/graph.ts';
import type { BatchNormAttributes } from '../../graph/ops/normalization.ts';
import type { FusionCapabilities } from './capabilities.ts';
import { Contraction } from './contraction.ts';
import { type Epilogue, findEpilogue, noEpilogue } from './epilogue.ts';
import { fusedOps, type NormalizeAttributes } from './fused-ops.ts';
import { normalizationGradients } from './normalization-gradients.ts';
import { Readers } from './readers.ts';
import { type NodeGroup, replaceGroups } from './replace-groups.ts';

/**
 * Fuses every batch normalisation with its residual sum and activation, and every gradient of one with the sum of incoming
 * gradients and the gradient of the activation.
 */
export function fuseNormalization(source: Graph, capabilities: FusionCapabilities): Graph {
  const readers = new Readers(source);
  const contraction = new Contraction(source);
  const { groups: backward, recomputing, taken } = normalizationGradients(source, readers, contraction, capabilities);
  const groups: NodeGroup[] = [...backward];
  // From the end: if two normalisations are added, the later one takes the other as its residual.
  for (const node of source.nodes.toReversed()) {
    if (node.op !== 'batchNormTraining' && node.op !== 'batchNormInference') continue;
    const found = findEpilogue(node.outputs[0], readers, taken, recomputing);
    const fits = contraction.merge([node, ...found.nodes]);
    const epilogue = fits ? found : noEpilogue(node.outputs[0]);
    for (const part of epilogue.nodes) taken.add(part);
    groups.push(node.op === 'batchNormTraining' ? trainingGroup(node, epilogue) : inferenceGroup(node, epilogue));
  }
  return replaceGroups(source, groups);
}

function attributesOf(node: GraphNode, { activation, residual }: Epilogue): NormalizeAttributes {
  const { epsilon } = node.attributes as BatchNormAttributes;
  return { epsilon, activation, residual: residual !== undefined };
}

function trainingGroup(node: GraphNode, epilogue: Epilogue): NodeGroup {
  const { nodes, residual, output } = epilogue;
  return {
    nodes: [node, ...nodes],
    build: (input, target) => {
      const inputs = [...node.inputs, ...(residual ? [residual] : [])].map(input);
      const [y, mean, variance] = target.add(fusedOps.normalize, inputs, attributesOf(node, epilogue), node.outputs);
      return [
        [output, y],
        [node.outputs[1], mean],
        [node.outputs[2], variance],
      ];
    },
  };
}

function inferenceGroup(node: GraphNode, epilogue: Epilogue): NodeGroup {
  const { nodes, residual, output } = epilogue;
  return {
    nodes: [node, ...nodes],
    build: (input, target) => {
      const inputs = [...node.inputs, ...(residual ? [residual] : [])].map(input);
      const [y] = target.add(fusedOps.normalizeInference, inputs, attributesOf(node, epilogue), [output]);
      return [[output, y]];
    },
  };
}
