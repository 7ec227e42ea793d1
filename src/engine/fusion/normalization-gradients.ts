import { formatShape, type Graph, type GraphNode, type Tensor } from '../../graph/graph.ts';
import { type ActivationAttributes, slopeFromOutput } from '../../graph/ops/activation.ts';
import type { BatchNormAttributes } from '../../graph/ops/normalization.ts';
import { zeros } from '../../graph/ops/shape.ts';
import type { FusionCapabilities } from './capabilities.ts';
import type { Contraction } from './contraction.ts';
import { isElementwise } from './elementwise-ops.ts';
import { fusedOps, type NormalizeGradientAttributes } from './fused-ops.ts';
import type { Readers } from './readers.ts';
import type { NodeGroup } from './replace-groups.ts';

/** A batchNormGradient and the nodes fused with it. */
interface Backward {
  readonly node: GraphNode;
  /** The batchNormTraining that it is the gradient of. */
  readonly forward: GraphNode | undefined;
  /** The activationGradient before it. */
  readonly slope?: GraphNode;
}

export interface NormalizationGradients {
  readonly groups: readonly NodeGroup[];
  /** Gradients of activations that are computed from x instead of the result of the normalisation. */
  readonly recomputing: ReadonlySet<GraphNode>;
  /** Nodes that are part of a group. */
  readonly taken: Set<GraphNode>;
}

/** Finds a group for every batchNormGradient: [sum of gradients] → [activationGradient] → batchNormGradient. */
export function normalizationGradients(
  source: Graph,
  readers: Readers,
  contraction: Contraction,
  { gradientTerms }: FusionCapabilities,
): NormalizationGradients {
  const taken = new Set<GraphNode>();
  const recomputing = new Set<GraphNode>();
  const backwards = new Map<GraphNode, Backward>();
  for (const node of source.nodes) {
    if (node.op === 'batchNormGradient') backwards.set(node, { node, forward: forwardOf(node) });
  }
  for (const backward of backwards.values()) {
    const slope = backward.node.inputs[0].node;
    // If two normalisations are added, both read it; the second then reads the result of the first.
    if (taken.has(slope) || !isSlopeOver(slope, backward.node)) continue;
    if (!contraction.merge([slope, backward.node])) continue;
    backwards.set(backward.node, { ...backward, slope });
    taken.add(slope);
    if (isRecomputable(slope, backward.forward)) recomputing.add(slope);
  }
  const groups = [...backwards.values()].map((backward) => {
    const { node, slope } = backward;
    const sum = findTerms((slope ?? node).inputs[0], readers, taken, gradientTerms);
    const fits = contraction.merge([node, ...sum.nodes]);
    const { terms, nodes } = fits ? sum : { terms: [(slope ?? node).inputs[0]], nodes: [] };
    for (const part of [node, ...nodes]) taken.add(part);
    const source = slope && !recomputing.has(slope) ? slope.inputs[1] : undefined;
    return groupOf({ ...backward, nodes: [...nodes, ...(slope ? [slope] : []), node], terms, source }, readers);
  });
  return { groups, recomputing, taken };
}

/** The batchNormTraining whose statistics a batchNormGradient reads. */
function forwardOf(node: GraphNode): GraphNode | undefined {
  const [, x, gamma, mean, variance] = node.inputs;
  const forward = mean.node;
  const matches =
    forward.op === 'batchNormTraining' &&
    forward.inputs[0] === x &&
    forward.inputs[1] === gamma &&
    forward.outputs[1] === mean &&
    forward.outputs[2] === variance &&
    epsilonOf(forward) === epsilonOf(node);
  return matches ? forward : undefined;
}

function epsilonOf(node: GraphNode): number {
  return (node.attributes as BatchNormAttributes).epsilon;
}

function isSlopeOver({ op, inputs }: GraphNode, node: GraphNode): boolean {
  const shape = formatShape(node.inputs[1].shape);
  return op === 'activationGradient' && inputs.every((input) => formatShape(input.shape) === shape);
}

/** Whether an activationGradient reads the result of a normalisation or its activation. */
function isRecomputable({ inputs, attributes }: GraphNode, forward: GraphNode | undefined): boolean {
  const source = inputs[1];
  const { kind } = attributes as ActivationAttributes;
  if (!forward) return false;
  if (!slopeFromOutput(kind)) return source === forward.outputs[0];
  const { op, inputs: before, attributes: activation } = source.node;
  return op === 'activation' && before[0] === forward.outputs[0] && (activation as ActivationAttributes).kind === kind;
}

/** The terms of a sum, expanded while nothing else reads the partial sums. */
function findTerms(
  sum: Tensor,
  readers: Readers,
  taken: ReadonlySet<GraphNode>,
  most: number,
): { terms: readonly Tensor[]; nodes: readonly GraphNode[] } {
  let terms: readonly Tensor[] = [sum];
  const nodes: GraphNode[] = [];
  while (terms.length < most) {
    const index = terms.findIndex((term) => isOpenSum(term, readers, taken));
    if (index < 0) break;
    const { node } = terms[index];
    nodes.unshift(node);
    terms = [...terms.slice(0, index), ...node.inputs, ...terms.slice(index + 1)];
  }
  return { terms, nodes };
}

/** Whether a tensor is the sum of two existing maps of its own shape and is read once. */
function isOpenSum(tensor: Tensor, readers: Readers, taken: ReadonlySet<GraphNode>): boolean {
  const { node } = tensor;
  if (node.op !== 'add' || taken.has(node) || !readers.sole(tensor)) return false;
  return node.inputs.every((input) => {
    if (formatShape(input.shape) !== formatShape(tensor.shape) || input.node.op === 'broadcastTo') return false;
    // An elementwise term that only this sum reads is better added where it is computed.
    const computedForIt = isElementwise(input.node) && !taken.has(input.node) && readers.sole(input) !== undefined;
    return !computedForIt || input.node.op === 'add';
  });
}

interface WholeBackward extends Backward {
  readonly nodes: readonly GraphNode[];
  readonly terms: readonly Tensor[];
  /** The source of the slope if it cannot be computed from x. */
  readonly source: Tensor | undefined;
}

function groupOf({ node, forward, slope, nodes, terms, source }: WholeBackward, readers: Readers): NodeGroup {
  const [, x, gamma, mean, variance] = node.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const dz = slope?.outputs[0];
  const attributes: NormalizeGradientAttributes = {
    epsilon: epsilonOf(node),
    activation: slope ? (slope.attributes as ActivationAttributes).kind : 'none',
    source: source !== undefined,
    terms: terms.length,
    residual: dz !== undefined && readers.sole(dz) !== node,
  };
  return {
    nodes,
    build: (input, target) => {
      // Without the forward node beta is unknown, and nothing is computed from it either.
      const beta = forward ? input(forward.inputs[2]) : zeros(input(gamma), gamma.shape);
      const others = [mean, variance, ...(source ? [source] : []), ...terms].map(input);
      const types = [...node.outputs, ...(attributes.residual ? [dz!] : [])];
      const outputs = target.add(
        fusedOps.normalizeGradient,
        [input(x), input(gamma), beta, ...others],
        attributes,
        types,
      );
      return [...node.outputs, ...(attributes.residual ? [dz!] : [])].map(
        (old, index) => [old, outputs[index]] as const,
      );
    },
  };
}
