import type { Graph, GraphNode, Tensor } from '../../graph/graph.ts';
import { isOp } from '../../graph/op.ts';
import type { ActivationKind } from '../../graph/ops/activation.ts';
import { type ConvolutionAttributes, conv2dOp } from '../../graph/ops/convolution.ts';
import type { FusionCapabilities } from './capabilities.ts';
import { Contraction } from './contraction.ts';
import { type Epilogue, findEpilogue } from './epilogue.ts';
import { type FusedConvolutionAttributes, fusedOps } from './fused-ops.ts';
import { Readers } from './readers.ts';
import { type NodeGroup, replaceGroups } from './replace-groups.ts';

/** Fuses residual sums and activations into convolutions if nothing else reads the intermediate values. */
export function fuseConvolution(source: Graph, { convolutionActivations }: FusionCapabilities): Graph {
  const readers = new Readers(source);
  const contraction = new Contraction(source);
  const taken = new Set<GraphNode>();
  const groups: NodeGroup[] = [];
  // From the end: if two convolutions are added, the later one takes the other as its residual.
  for (const node of source.nodes.toReversed()) {
    if (!isOp(node, conv2dOp)) continue;
    const epilogue = possibleEpilogue(node.outputs[0], readers, taken, convolutionActivations);
    if (epilogue.nodes.length === 0 || !contraction.merge([node, ...epilogue.nodes])) continue;
    for (const part of epilogue.nodes) taken.add(part);
    groups.push(groupOf(node, epilogue));
  }
  return replaceGroups(source, groups);
}

/** The epilogue of a convolution, without an activation that cannot be fused. */
function possibleEpilogue(
  y: Tensor,
  readers: Readers,
  taken: ReadonlySet<GraphNode>,
  activations: readonly ActivationKind[],
): Epilogue {
  const epilogue = findEpilogue(y, readers, taken);
  if (epilogue.activation === 'none' || activations.includes(epilogue.activation)) return epilogue;
  const last = epilogue.nodes.at(-1)!;
  return { ...epilogue, nodes: epilogue.nodes.slice(0, -1), activation: 'none', output: last.inputs[0] };
}

function groupOf(node: GraphNode<ConvolutionAttributes>, { nodes, residual, activation, output }: Epilogue): NodeGroup {
  const attributes: FusedConvolutionAttributes = {
    ...node.attributes,
    bias: node.inputs.length > 2,
    activation,
    residual: residual !== undefined,
  };
  return {
    nodes: [node, ...nodes],
    build: (input, target) => {
      const inputs = [...node.inputs, ...(residual ? [residual] : [])].map(input);
      return [[output, target.add(fusedOps.convolution, inputs, attributes, [output])[0]]];
    },
  };
}
