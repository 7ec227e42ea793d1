import { type GraphNode, sizeOf, type Tensor } from '../../../graph/graph.ts';
import type { MatMulAttributes } from '../../../graph/ops/matmul.ts';
import type { ReductionAttributes } from '../../../graph/ops/reduction.ts';
import type {
  ConcatAttributes,
  PadAttributes,
  SliceAttributes,
  SplitAttributes,
  TransposeAttributes,
} from '../../../graph/ops/shape.ts';
import { stridesOf } from '../../../graph/strides.ts';
import { describeNode, type Lowering, type LoweringTable } from './lowering.ts';
import { imageStrideOf, type Places, storedElements, type Value } from './operation.ts';

/** One copy between strided views; offsets are in elements. */
interface Copy {
  readonly source: Value;
  readonly target: Value;
  readonly extents: readonly number[];
  readonly sourceStrides: readonly number[];
  readonly targetStrides: readonly number[];
  readonly sourceOffset?: number;
  readonly targetOffset?: number;
}

/** Merges neighbouring axes that are contiguous on both sides. */
function mergeAxes(copy: Copy): { extents: number[]; sourceStrides: number[]; targetStrides: number[] } {
  const axes: [extent: number, source: number, target: number][] = [];
  for (let axis = copy.extents.length - 1; axis >= 0; axis--) {
    const [extent, source, target] = [copy.extents[axis], copy.sourceStrides[axis], copy.targetStrides[axis]];
    if (extent === 1) continue;
    const inner = axes[0];
    if (inner && source === inner[1] * inner[0] && target === inner[2] * inner[0]) inner[0] *= extent;
    else axes.unshift([extent, source, target]);
  }
  return {
    extents: axes.map(([extent]) => extent),
    sourceStrides: axes.map(([, source]) => source),
    targetStrides: axes.map(([, , target]) => target),
  };
}

/** The field with the copies of a step, as one list. */
export function copyFields(copies: readonly Copy[], at: Places): number[] {
  return copies.flatMap((copy) => {
    const { extents, sourceStrides, targetStrides } = mergeAxes(copy);
    return [
      extents.length,
      at.offset(copy.source) + 4 * (copy.sourceOffset ?? 0),
      at.offset(copy.target) + 4 * (copy.targetOffset ?? 0),
      ...extents,
      ...sourceStrides,
      ...targetStrides,
    ];
  });
}

function emitCopies(node: GraphNode, lowering: Lowering, copies: readonly Copy[], target: Value): void {
  lowering.emit({
    kind: 'copies',
    label: describeNode(node),
    reads: copies.map(({ source }) => source),
    writes: [target],
    fields: (at) => ({ copies: copyFields(copies, at) }),
  });
}

function lowerReshape(node: GraphNode, lowering: Lowering): void {
  const [x] = lowering.usePlain(node) as [Value];
  lowering.define(node.outputs[0], { name: x.name, role: x.role, view: { of: x, offset: 0 } });
}

function lowerTranspose(node: GraphNode<TransposeAttributes>, lowering: Lowering): void {
  const { permutation } = node.attributes;
  const [source] = lowering.usePlain(node) as [Value];
  const target = lowering.define(node.outputs[0]);
  const strides = stridesOf(source.shape);
  const sourceStrides = permutation.map((axis) => strides[axis]);
  const targetStrides = stridesOf(target.shape);
  emitCopies(node, lowering, [{ source, target, extents: target.shape, sourceStrides, targetStrides }], target);
}

/** Whether blocked maps can be joined or split along channels: every part but the last fills whole blocks. */
function cutsBetweenBlocks(sizes: readonly number[], block: number): boolean {
  return block > 1 && sizes.slice(0, -1).every((size) => size % block === 0);
}

function starts(sizes: readonly number[]): number[] {
  let sum = 0;
  return sizes.map((size) => {
    sum += size;
    return sum - size;
  });
}

function lowerConcat(node: GraphNode<ConcatAttributes>, lowering: Lowering): void {
  const { axis } = node.attributes;
  const [output] = node.outputs as [Tensor];
  const sizes = node.inputs.map((input) => input.shape[axis]);
  const isMap = axis === 1 && output.shape.length === 4 && output.dtype === 'float32';
  const someBlocked = isMap && node.inputs.some((input) => lowering.blockOf(input) > 1);
  if (someBlocked && cutsBetweenBlocks(sizes, lowering.block)) {
    joinMaps(node, lowering, sizes);
    return;
  }
  const parts = lowering.usePlain(node);
  const target = lowering.define(output);
  const offsets = starts(sizes);
  const inner = sizeOf(output.shape.slice(axis + 1));
  const targetStrides = stridesOf(output.shape);
  const copies = parts.map((source, index) => ({
    source,
    target,
    extents: source.shape,
    sourceStrides: stridesOf(source.shape),
    targetStrides,
    targetOffset: offsets[index] * inner,
  }));
  const contiguous = sizeOf(output.shape.slice(0, axis)) === 1;
  lowering.emit({
    kind: 'copies',
    label: describeNode(node),
    reads: parts,
    writes: [target],
    ...(contiguous && { joins: parts.map((part, index) => ({ part, offset: offsets[index] * inner })) }),
    fields: (at) => ({
      // Parts that were computed in place need no copy.
      copies: copyFields(
        copies.filter((copy) => at.offset(copy.source) !== at.offset(target) + 4 * copy.targetOffset),
        at,
      ),
    }),
  });
}

function joinMaps(node: GraphNode, lowering: Lowering, sizes: readonly number[]): void {
  const { block } = lowering;
  const parts = node.inputs.map((input) => lowering.use(input, block));
  const target = lowering.define(node.outputs[0], { block });
  const [images, , height, width] = target.shape as [number, number, number, number];
  const plane = height * width;
  const offsets = starts(sizes).map((start) => start * plane);
  lowering.emit({
    kind: 'copies',
    label: describeNode(node),
    reads: parts,
    writes: [target],
    strided: [target, ...parts],
    joins: parts.map((part, index) => ({ part, offset: offsets[index] })),
    fields: (at) => ({
      copies: copyFields(
        parts.flatMap((source, index) => {
          if (at.offset(source) === at.offset(target) + 4 * offsets[index]) return [];
          const length = storedElements([1, ...source.shape.slice(1)], block);
          return [
            {
              source,
              target,
              extents: [images, length],
              sourceStrides: [imageStrideOf(source), 1],
              targetStrides: [imageStrideOf(target), 1],
              targetOffset: offsets[index],
            },
          ];
        }),
        at,
      ),
    }),
  });
}

function lowerSplit(node: GraphNode<SplitAttributes>, lowering: Lowering): void {
  const { axis, sizes } = node.attributes;
  const [input] = node.inputs as [Tensor];
  const isMap = axis === 1 && input.shape.length === 4 && input.shape[2] * input.shape[3] > 1;
  if (isMap && lowering.blockOf(input) > 1 && cutsBetweenBlocks(sizes, lowering.block)) {
    cutMaps(node, lowering, sizes);
    return;
  }
  const source = lowering.use(input);
  const inner = sizeOf(input.shape.slice(axis + 1));
  const offsets = starts(sizes);
  if (sizeOf(input.shape.slice(0, axis)) === 1) {
    node.outputs.forEach((output, index) => {
      lowering.define(output, {
        name: source.name,
        role: source.role,
        view: { of: source, offset: offsets[index] * inner },
      });
    });
    return;
  }
  const sourceStrides = stridesOf(input.shape);
  node.outputs.forEach((output, index) => {
    const target = lowering.define(output);
    const sourceOffset = offsets[index] * inner;
    const targetStrides = stridesOf(output.shape);
    emitCopies(
      node,
      lowering,
      [{ source, target, extents: output.shape, sourceStrides, targetStrides, sourceOffset }],
      target,
    );
  });
}

/** Splits a blocked map into views; operations that cannot read a view get a copy from the planner. */
function cutMaps(node: GraphNode, lowering: Lowering, sizes: readonly number[]): void {
  const { block } = lowering;
  const source = lowering.use(node.inputs[0], block);
  const plane = source.shape[2] * source.shape[3];
  starts(sizes).forEach((start, index) => {
    const part = lowering.define(node.outputs[index], {
      name: source.name,
      block,
      view: { of: source, offset: start * plane },
    });
    part.imageStride = imageStrideOf(source);
  });
}

function lowerSlice(node: GraphNode<SliceAttributes>, lowering: Lowering): void {
  const { axis, start } = node.attributes;
  const [source] = lowering.usePlain(node) as [Value];
  const target = lowering.define(node.outputs[0]);
  const strides = stridesOf(source.shape);
  const copy = {
    source,
    target,
    extents: target.shape,
    sourceStrides: strides,
    targetStrides: stridesOf(target.shape),
  };
  emitCopies(node, lowering, [{ ...copy, sourceOffset: start * strides[axis] }], target);
}

function lowerPad(node: GraphNode<PadAttributes>, lowering: Lowering): void {
  const { before } = node.attributes;
  const [source] = lowering.usePlain(node) as [Value];
  const target = lowering.define(node.outputs[0]);
  const strides = stridesOf(target.shape);
  const targetOffset = before.reduce((sum, count, axis) => sum + count * strides[axis], 0);
  lowering.emit({
    kind: 'clear',
    label: `zeros of ${describeNode(node)}`,
    reads: [],
    writes: [target],
    fields: (at) => ({ target: at.offset(target), bytes: sizeOf(target.shape) * 4 }),
  });
  const copy = {
    source,
    target,
    extents: source.shape,
    sourceStrides: stridesOf(source.shape),
    targetStrides: strides,
  };
  emitCopies(node, lowering, [{ ...copy, targetOffset }], target);
}

function lowerBroadcastTo(node: GraphNode, lowering: Lowering): void {
  const [source] = lowering.usePlain(node) as [Value];
  const target = lowering.define(node.outputs[0]);
  const lead = target.shape.length - source.shape.length;
  const strides = stridesOf(source.shape);
  const sourceStrides = target.shape.map((_, axis) =>
    axis < lead || source.shape[axis - lead] === 1 ? 0 : strides[axis - lead],
  );
  const copy = { source, target, extents: target.shape, sourceStrides, targetStrides: stridesOf(target.shape) };
  emitCopies(node, lowering, [copy], target);
}

function lowerReduction(node: GraphNode<ReductionAttributes>, lowering: Lowering): void {
  const { axes, keepDims } = node.attributes;
  const [input] = node.inputs as [Tensor];
  const [output] = node.outputs as [Tensor];
  const { block } = lowering;
  const channels = input.shape[1];
  const overPixels = input.shape.length === 4 && axes.includes(2) && axes.includes(3) && !axes.includes(1);
  const blocked = overPixels && lowering.blockOf(input) > 1;
  const source = lowering.use(input, blocked ? block : 1);
  const result = lowering.define(output, { block: blocked && keepDims ? block : 1 });
  // The sum of a blocked map over pixels is a vector of channels, padded to whole blocks.
  const isPadded = blocked && !keepDims && channels % block !== 0;
  const rows = axes.includes(0) ? 1 : input.shape[0];
  const paddedChannels = Math.ceil(channels / block) * block;
  const target = isPadded ? lowering.temporary('padded sums', rows * paddedChannels * 4, 'computed') : result;
  const [images, , height, width] = input.shape as [number, number, number, number];
  const summed = blocked ? [images, Math.ceil(channels / block), height * width, block] : [...input.shape];
  const reduced = blocked ? [axes.includes(0), false, true, false] : input.shape.map((_, axis) => axes.includes(axis));
  const count = sizeOf(axes.map((axis) => input.shape[axis]));
  const fields = { extents: summed, reduced: reduced.map(Number), factor: node.op === 'reduceMean' ? 1 / count : 1 };
  const space = lowering.temporary('sums', lowering.planner.workspace({ kind: 'reduce', ...fields }));
  lowering.emit({
    kind: 'reduce',
    label: describeNode(node),
    reads: [source],
    writes: [target],
    scratch: [space],
    fields: (at) => ({ ...fields, source: at.offset(source), target: at.offset(target), workspace: at.offset(space) }),
  });
  if (!isPadded) return;
  const extents = [rows, channels];
  emitCopies(
    node,
    lowering,
    [{ source: target, target: result, extents, sourceStrides: [paddedChannels, 1], targetStrides: [channels, 1] }],
    result,
  );
}

function lowerMatMul(node: GraphNode<MatMulAttributes>, lowering: Lowering): void {
  const { transposeA, transposeB } = node.attributes;
  const [a, b] = lowering.usePlain(node) as [Value, Value];
  const c = lowering.define(node.outputs[0]);
  const [rows, columns] = c.shape.slice(-2) as [number, number];
  const inner = a.shape.at(transposeA ? -2 : -1)!;
  const batch = sizeOf(c.shape.slice(0, -2));
  const oneB = b.shape.length === 2;
  const answer = lowering.planner.matrixProduct({
    label: describeNode(node),
    // With a single b, the images of a are further rows of one product if its rows are contiguous.
    ...(oneB && !transposeA ? { batch: 1, rows: batch * rows } : { batch, rows }),
    inner,
    columns,
    transposeA,
    transposeB,
    oneB,
  });
  const scratch = answer.scratchpadBytes > 0 ? [lowering.temporary('scratchpad', answer.scratchpadBytes)] : [];
  lowering.emit({
    kind: 'matrixProduct',
    label: describeNode(node),
    reads: [a, b],
    writes: [c],
    scratch,
    flops: 2 * batch * rows * columns * inner,
    fields: (at) => ({
      primitive: answer.id,
      a: at.offset(a),
      b: at.offset(b),
      c: at.offset(c),
      ...(scratch[0] && { scratchpad: at.offset(scratch[0]) }),
    }),
  });
}

export const shapeRules = {
  reshape: lowerReshape,
  transpose: lowerTranspose,
  concat: lowerConcat,
  split: lowerSplit,
  slice: lowerSlice,
  pad: lowerPad,
  broadcastTo: lowerBroadcastTo,
  reduceSum: lowerReduction,
  reduceMean: lowerReduction,
  matMul: lowerMatMul,
} satisfies Partial<LoweringTable>;
