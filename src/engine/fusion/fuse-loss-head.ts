import { formatShape, type Graph, type GraphNode, sizeOf, type Tensor, type TensorType } from '../../graph/graph.ts';
import type { ReductionAttributes } from '../../graph/ops/reduction.ts';
import type { ResizeAttributes, ResizeGradientAttributes } from '../../graph/ops/resize.ts';
import { reshape } from '../../graph/ops/shape.ts';
import type { CrossEntropyAttributes } from '../../graph/ops/softmax.ts';
import { Contraction } from './contraction.ts';
import { fusedOps, type LossHeadAttributes } from './fused-ops.ts';
import { Readers } from './readers.ts';
import { type NodeGroup, replaceGroups } from './replace-groups.ts';

/** Losses over the same logits and labels that become one node, and in the backward pass the nodes that combine them. */
interface Head {
  readonly crossEntropy: GraphNode | undefined;
  readonly sums: GraphNode | undefined;
  readonly nodes: readonly GraphNode[];
}

/** Logits before and after the resize; identical if there is none. */
interface Logits {
  readonly small: Tensor;
  readonly large: Tensor;
}

const scalar: TensorType = { shape: [], dtype: 'float32' };

/**
 * Fuses each loss head into one node, and its gradient into another: logits resized to the size of the labels, summed
 * cross-entropy, the sums of region losses. The resized logits and their gradient are then never stored: a bilinear resize
 * is fused if all readers of its result are.
 */
export function fuseLossHead(source: Graph): Graph {
  const readers = new Readers(source);
  const contraction = new Contraction(source);
  const groups: NodeGroup[] = [];
  for (const large of new Set(source.nodes.flatMap(logitsOf))) {
    groups.push(...groupsOf(large, readers, contraction));
  }
  return replaceGroups(source, groups);
}

/** The logits that a node of a loss reads. */
function logitsOf({ op, inputs }: GraphNode): Tensor[] {
  const index = { crossEntropy: 0, softmaxSums: 0, crossEntropyGradient: 1, softmaxSumsGradient: 2 }[op];
  return index === undefined ? [] : [inputs[index]];
}

function groupsOf(large: Tensor, readers: Readers, contraction: Contraction): NodeGroup[] {
  const reading = [...new Set(readers.of(large))].filter((node) => logitsOf(node).includes(large));
  const entropies = reading.filter(({ op }) => op === 'crossEntropy').filter((node) => isSummed(node, readers));
  const sums = reading.filter(({ op }) => op === 'softmaxSums');
  const forward = pairUp(entropies, sums, contraction).map((head) => withSums(head, readers));
  const entropyGradients = reading
    .filter(({ op }) => op === 'crossEntropyGradient')
    .filter((node) => spreadNumber(node));
  const sumsGradients = reading.filter(({ op }) => op === 'softmaxSumsGradient');
  const backward = joinGradients(pairUp(entropyGradients, sumsGradients, contraction), readers);
  const small = large.node.inputs[0];
  if (isBilinear(large.node) && small) {
    const resized = backward.map((head) => withResizeGradient(head, small, readers));
    const absorbed = new Set([...forward, ...resized].flatMap((head) => head?.nodes ?? []));
    if (!readers.isPublished(large) && readers.of(large).every((node) => absorbed.has(node))) {
      const logits = { small, large };
      return [
        ...forward.map((head) => forwardGroup(head, logits)),
        ...resized.map((head) => backwardGroup(head!, logits)),
      ];
    }
  }
  const logits = { small: large, large };
  return [...forward.map((head) => forwardGroup(head, logits)), ...backward.map((head) => backwardGroup(head, logits))];
}

function labelsOf({ op, inputs }: GraphNode): Tensor {
  const index = { crossEntropy: 1, softmaxSums: 1, crossEntropyGradient: 2, softmaxSumsGradient: 3 }[op];
  return inputs[index!];
}

/**
 * Pairs each cross-entropy with an independent node of region sums on the same labels; the rest stay single. Other nodes
 * of a head read only the pair, so they cannot create a cycle.
 */
function pairUp(entropies: readonly GraphNode[], sums: readonly GraphNode[], contraction: Contraction): Head[] {
  const left = new Set(sums);
  const heads = entropies.map((crossEntropy): Head => {
    const partner = [...left].find(
      (node) => labelsOf(node) === labelsOf(crossEntropy) && contraction.merge([crossEntropy, node]),
    );
    if (partner) left.delete(partner);
    return { crossEntropy, sums: partner, nodes: partner ? [crossEntropy, partner] : [crossEntropy] };
  });
  return [...heads, ...[...left].map((node): Head => ({ crossEntropy: undefined, sums: node, nodes: [node] }))];
}

/** Whether only the sums of the pixels' losses and weights are used. */
function isSummed(crossEntropy: GraphNode, readers: Readers): boolean {
  return crossEntropy.outputs.every(
    (output) => !readers.isPublished(output) && readers.of(output).every((node) => isWholeSum(node)),
  );
}

function isWholeSum({ op, inputs, attributes }: GraphNode): boolean {
  if (op !== 'reduceSum') return false;
  const { axes, keepDims } = attributes as ReductionAttributes;
  return axes.length === inputs[0].shape.length && !keepDims;
}

function withSums(head: Head, readers: Readers): Head {
  const outputs = head.crossEntropy?.outputs ?? [];
  return { ...head, nodes: [...head.nodes, ...outputs.flatMap((output) => readers.of(output))] };
}

/** The scalar gradient common to the losses of all pixels. */
function spreadNumber(crossEntropyGradient: GraphNode): Tensor | undefined {
  let [tensor] = crossEntropyGradient.inputs as [Tensor];
  while (sizeOf(tensor.shape) > 1) {
    if (tensor.node.op !== 'broadcastTo' && tensor.node.op !== 'reshape') return undefined;
    tensor = tensor.node.inputs[0]!;
  }
  while (tensor.node.op === 'reshape') tensor = tensor.node.inputs[0]!;
  return tensor;
}

/** Fuses the sum of the two gradients of a pair; a pair that is not summed, or read before, is split. */
function joinGradients(pairs: readonly Head[], readers: Readers): Head[] {
  return pairs.flatMap((pair): Head[] => {
    const { crossEntropy, sums } = pair;
    if (!crossEntropy || !sums) return [pair];
    const sum = readers.sole(crossEntropy.outputs[0]);
    if (sum?.op === 'add' && readers.sole(sums.outputs[0]) === sum) return [{ ...pair, nodes: [...pair.nodes, sum] }];
    return [
      { crossEntropy, sums: undefined, nodes: [crossEntropy] },
      { crossEntropy: undefined, sums, nodes: [sums] },
    ];
  });
}

function isBilinear({ op, attributes }: GraphNode): boolean {
  return (op === 'resize' || op === 'resizeGradient') && (attributes as ResizeAttributes).mode !== 'nearest';
}

/** Fuses the gradient of the logits' resize if it is the only reader of the head's gradient. */
function withResizeGradient(head: Head, small: Tensor, readers: Readers): Head | undefined {
  const node = readers.sole(head.nodes.at(-1)!.outputs[0]);
  if (node?.op !== 'resizeGradient' || !isBilinear(node)) return undefined;
  const { shape } = node.attributes as ResizeGradientAttributes;
  return formatShape(shape) === formatShape(small.shape) ? { ...head, nodes: [...head.nodes, node] } : undefined;
}

function attributesOf({ crossEntropy, sums }: Head, { small, large }: Logits): LossHeadAttributes {
  return {
    ...(small !== large && { resize: large.node.attributes as ResizeAttributes }),
    ...(crossEntropy && { labelSmoothing: (crossEntropy.attributes as CrossEntropyAttributes).labelSmoothing }),
    regions: sums !== undefined,
  };
}

function forwardGroup(head: Head, logits: Logits): NodeGroup {
  const { crossEntropy, sums, nodes } = head;
  return {
    nodes,
    build: (input, target) => {
      const labels = labelsOf(crossEntropy ?? sums!);
      const weights = crossEntropy ? [crossEntropy.inputs[2]] : [];
      const types = [...(crossEntropy ? [scalar, scalar] : []), ...(sums?.outputs ?? [])];
      const inputs = [logits.small, labels, ...weights].map(input);
      const outputs = target.add(fusedOps.lossHead, inputs, attributesOf(head, logits), types);
      const replaced: [Tensor, Tensor][] = [];
      for (const node of nodes) {
        if (node.op !== 'reduceSum') continue;
        replaced.push([node.outputs[0], outputs[crossEntropy!.outputs.indexOf(node.inputs[0])]]);
      }
      sums?.outputs.forEach((output, index) => {
        replaced.push([output, outputs[types.length - 3 + index]]);
      });
      return replaced;
    },
  };
}

function backwardGroup(head: Head, logits: Logits): NodeGroup {
  const { crossEntropy, sums, nodes } = head;
  return {
    nodes,
    build: (input, target) => {
      const labels = labelsOf(crossEntropy ?? sums!);
      const inputs = [input(logits.small), input(labels)];
      if (crossEntropy) inputs.push(input(crossEntropy.inputs[3]), reshape(input(spreadNumber(crossEntropy)!), []));
      if (sums) inputs.push(input(sums.inputs[0]), input(sums.inputs[1]));
      const type: TensorType = { shape: logits.small.shape, dtype: 'float32' };
      const [gradient] = target.add(fusedOps.lossHeadGradient, inputs, attributesOf(head, logits), [type]);
      return [[nodes.at(-1)!.outputs[0], gradient]];
    },
  };
}
