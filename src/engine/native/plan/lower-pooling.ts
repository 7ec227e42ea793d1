import type { GraphNode, Tensor } from '../../../graph/graph.ts';
import { sizeOf } from '../../../graph/graph.ts';
import type { PoolingAttributes } from '../../../graph/ops/pooling.ts';
import { type ResizeMode, resizeTaps } from '../../../graph/ops/resize.ts';
import { describeNode, type Lowering, type LoweringTable } from './lowering.ts';
import type { Value } from './operation.ts';

/** Taps in the add-on's format: low, high and fraction, repeated. */
export function flatTaps(input: number, output: number, mode: ResizeMode): number[] {
  return resizeTaps(input, output, mode).flatMap(({ low, high, fraction }) => [low, high, fraction]);
}

/** Lowers an operation between maps with the same channels, in the layout of the input. */
function lowerMap(
  node: GraphNode,
  lowering: Lowering,
  input: Tensor,
  fields: (source: Value, target: Value) => { names: [source: string, target: string]; rest?: Record<string, unknown> },
  block = lowering.blockOf(input),
): void {
  const source = lowering.use(input, block);
  const target = lowering.define(node.outputs[0], { block });
  const { names, rest } = fields(source, target);
  lowering.emit({
    kind: node.op,
    label: describeNode(node),
    reads: [source],
    writes: [target],
    strided: [source, target],
    fields: (at) => ({ [names[0]]: at.map(source), [names[1]]: at.map(target), ...rest }),
  });
}

function window(node: GraphNode<PoolingAttributes>): Record<string, unknown> {
  const { kernel, stride, padding } = node.attributes;
  return { kernel, stride, padding };
}

function lowerMaxPoolGradient(node: GraphNode<PoolingAttributes>, lowering: Lowering): void {
  const block = lowering.blockOf(node.inputs[1]);
  const [dy, x, y] = node.inputs.map((input) => lowering.use(input, block)) as [Value, Value, Value];
  const dx = lowering.define(node.outputs[0], { block });
  lowering.emit({
    kind: 'maxPoolGradient',
    label: describeNode(node),
    reads: [dy, x, y],
    writes: [dx],
    strided: [dy, x, y, dx],
    fields: (at) => ({ dy: at.map(dy), x: at.map(x), y: at.map(y), dx: at.map(dx), ...window(node) }),
  });
}

/** Taps of the resize from x to y. */
function taps(x: readonly number[], y: readonly number[], mode: ResizeMode) {
  return { rows: flatTaps(x[2], y[2], mode), columns: flatTaps(x[3], y[3], mode) };
}

export const poolingRules = {
  maxPool: (node, lowering) =>
    lowerMap(node, lowering, node.inputs[0], () => ({ names: ['x', 'y'], rest: window(node) })),
  avgPool: (node, lowering) =>
    lowerMap(node, lowering, node.inputs[0], () => ({ names: ['x', 'y'], rest: window(node) })),
  maxPoolGradient: lowerMaxPoolGradient,
  avgPoolGradient: (node, lowering) =>
    lowerMap(node, lowering, node.inputs[0], () => ({ names: ['dy', 'dx'], rest: window(node) })),
  adaptiveAvgPool: (node, lowering) => lowerMap(node, lowering, node.inputs[0], () => ({ names: ['x', 'y'] })),
  adaptiveAvgPoolGradient: (node, lowering) => lowerMap(node, lowering, node.inputs[0], () => ({ names: ['y', 'x'] })),
  resize: (node, lowering) => {
    const [input] = node.inputs as [Tensor];
    // Outputs are plain: an enlarged map that nothing else reads is made plain before it grows.
    const plain = sizeOf(node.outputs[0].shape) > sizeOf(input.shape) && !lowering.isRead(node.outputs[0]);
    lowerMap(
      node,
      lowering,
      input,
      (x, y) => ({ names: ['x', 'y'], rest: taps(x.shape, y.shape, node.attributes.mode) }),
      plain ? 1 : undefined,
    );
  },
  resizeGradient: (node, lowering) =>
    lowerMap(node, lowering, node.inputs[0], (dy, dx) => ({
      names: ['y', 'x'],
      rest: taps(dx.shape, dy.shape, node.attributes.mode),
    })),
} satisfies Partial<LoweringTable>;
