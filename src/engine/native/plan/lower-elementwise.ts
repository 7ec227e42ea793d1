import { type GraphNode, type Shape, sizeOf, type Tensor } from '../../../graph/graph.ts';
import type { ElementwiseAttributes, ElementwiseInstruction } from '../../fusion/fused-ops.ts';
import { describeNode, type Lowering, type LoweringTable } from './lowering.ts';
import { imageStrideOf, type Value } from './operation.ts';

const spreads = { full: 0, scalar: 1, periodic: 2 } as const;

/** How an operand is read: strides along the outer axes, then its broadcast along the run. */
interface OperandAccess {
  readonly strides: number[];
  readonly spread: keyof typeof spreads;
  readonly period: number;
}

interface Iteration {
  /** Outer axes. */
  readonly extents: number[];
  /** Elements of the innermost run. */
  readonly length: number;
  readonly operands: OperandAccess[];
}

const mostAxes = 6;

/** The shape with ones in front, up to a rank. */
function padded(shape: Shape, rank: number): number[] {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/**
 * Iterates over a plain shape. Neighbouring axes are merged if every operand is contiguous across them, so most calls are
 * one long run.
 */
export function iteratePlain(shape: Shape, operands: readonly Shape[]): Iteration {
  const axes: { extent: number; strides: number[] }[] = [];
  const shapes = operands.map((operand) => padded(operand, shape.length));
  const steps = shapes.map(() => 1);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis];
    const strides = shapes.map((operand, index) => {
      const own = operand[axis];
      const stride = own === 1 ? 0 : steps[index];
      steps[index] *= own;
      return stride;
    });
    if (extent === 1) continue;
    const inner = axes[0];
    if (inner && strides.every((stride, index) => stride === inner.strides[index] * inner.extent))
      inner.extent *= extent;
    else axes.unshift({ extent, strides });
  }
  const run = axes.pop() ?? { extent: 1, strides: shapes.map(() => 0) };
  if (axes.length > mostAxes) throw new Error(`the native engine cannot broadcast over ${axes.length + 1} axes`);
  return {
    extents: axes.map(({ extent }) => extent),
    length: run.extent,
    operands: shapes.map((_, index) => ({
      strides: axes.map(({ strides }) => strides[index]),
      spread: run.strides[index] === 0 && run.extent > 1 ? 'scalar' : run.strides[index] === 0 ? 'scalar' : 'full',
      period: 1,
    })),
  };
}

/** Whether an operand can be combined with blocked maps: it is a whole map, or constant over pixels. */
function fitsBlocked(operand: Shape, shape: Shape): boolean {
  const [images, channels, height, width] = padded(operand, 4) as [number, number, number, number];
  if (sizeOf(operand) === sizeOf(shape)) return true;
  if (height !== 1 || width !== 1) return false;
  // One value per image repeats along the whole run; a vector of channels repeats at every pixel.
  return channels === 1 || (channels === shape[1] && (images === 1 || images === shape[0]));
}

/** Whether a program maps zeros to zero, so the padding stays zero. */
export function keepsZeros(
  { instructions, outputValues }: ElementwiseAttributes,
  zeroOperands: readonly boolean[],
): boolean {
  // 0/0 is NaN, and NaN times zero is NaN.
  if (instructions.some(({ op }) => op === 'div' || op === 'log')) return false;
  const zero = [...zeroOperands];
  const both = ({ a, b }: ElementwiseInstruction) => zero[a] && zero[b!];
  for (const instruction of instructions) {
    const { op, a, b, kind } = instruction;
    if (op === 'mul') zero.push(zero[a] || zero[b!]);
    else if (op === 'add' || op === 'sub' || op === 'minimum' || op === 'maximum' || op === 'greater')
      zero.push(both(instruction));
    else if (op === 'sqrt' || op === 'scale') zero.push(zero[a]);
    else if (op === 'activation') zero.push(zero[a] && kind !== 'sigmoid' && kind !== 'hardSigmoid');
    else if (op === 'activationGradient') zero.push(zero[a]);
    else zero.push(false);
  }
  return outputValues.every((value) => zero[value]);
}

function lowerElementwise(node: GraphNode<ElementwiseAttributes>, lowering: Lowering): void {
  const { instructions, outputValues } = node.attributes;
  const { shape } = node.outputs[0];
  const isFull = (tensor: Tensor) => sizeOf(tensor.shape) === sizeOf(shape);
  const blocked =
    shape.length === 4 &&
    shape[2] * shape[3] > 1 &&
    node.inputs.some((input) => isFull(input) && input.shape.length === 4 && lowering.blockOf(input) > 1) &&
    node.inputs.every(
      (input) => fitsBlocked(input.shape, shape) && (isFull(input) ? input.shape.length === 4 : true),
    ) &&
    // A vector of channels needs space for whole blocks.
    (shape[1] % lowering.block === 0 ||
      node.inputs.every((input) => isFull(input) || input.shape.length === 4 || sizeOf(input.shape) === 1));
  const block = blocked ? lowering.block : 1;
  const isVector = (tensor: Tensor) => !isFull(tensor) && padded(tensor.shape, 4)[1] > 1;
  const operands = node.inputs.map((input) =>
    blocked && (isFull(input) || (isVector(input) && shape[1] % block !== 0))
      ? lowering.use(input, block)
      : lowering.use(input),
  );
  const outputs = node.outputs.map((output) => lowering.define(output, { block }));
  const plain = blocked
    ? undefined
    : iteratePlain(
        shape,
        node.inputs.map((input) => input.shape),
      );
  const full = operands.filter((_, index) => isFull(node.inputs[index]));
  const label = describeElementwise(node, instructions);
  lowering.emit({
    kind: 'elementwise',
    label,
    reads: operands,
    writes: outputs,
    inPlace: outputs.flatMap((output) => full.map((operand) => [output, operand] as const)),
    // Views of channels are read along the axis of images.
    strided: blocked ? full : [],
    fields: (at) => {
      const iteration = plain ?? iterateBlocked(shape, block, node.inputs, operands);
      return {
        extents: iteration.extents,
        length: iteration.length,
        operands: operands.flatMap((operand, index) => {
          const { spread, period, strides } = iteration.operands[index];
          return [at.offset(operand), spreads[spread], period, ...strides];
        }),
        instructions: instructions.flatMap(({ op, a, b = a, kind }) => [
          lowering.facts.elementwiseOps.indexOf(op),
          a,
          b,
          lowering.facts.activations.indexOf(kind ?? 'none'),
        ]),
        immediates: instructions.map(({ factor = 0 }) => factor),
        outputs: outputs.flatMap((output, index) => [outputValues[index], at.offset(output)]),
      };
    },
  });
  if (!blocked || shape[1] % block === 0) return;
  const zero = node.inputs.map((input) => isFull(input) || isVector(input));
  if (keepsZeros({ instructions, outputValues }, zero)) return;
  for (const output of outputs) {
    lowering.emit({
      kind: 'clearPadding',
      label: `padding of ${label}`,
      reads: [output],
      writes: [output],
      fields: (at) => ({ map: at.map(output) }),
    });
  }
}

/** Iterates over blocked maps: images and blocks of channels, and runs over the pixels of a block. */
function iterateBlocked(
  shape: Shape,
  block: number,
  tensors: readonly Tensor[],
  operands: readonly Value[],
): Iteration {
  const [images, channels, height, width] = shape as [number, number, number, number];
  const blocks = Math.ceil(channels / block);
  const length = height * width * block;
  return {
    extents: [images, blocks],
    length,
    operands: operands.map((operand, index) => {
      const own = padded(tensors[index].shape, 4);
      if (sizeOf(own) === sizeOf(shape)) {
        return { strides: [imageStrideOf(operand), length], spread: 'full', period: 1 };
      }
      const perImage = own[0] > 1;
      if (own[1] === 1) return { strides: [perImage ? 1 : 0, 0], spread: 'scalar', period: 1 };
      return { strides: [perImage ? blocks * block : 0, block], spread: 'periodic', period: block };
    }),
  };
}

function describeElementwise(node: GraphNode, instructions: readonly ElementwiseInstruction[]): string {
  const names = instructions.map(({ op, kind }) => kind ?? op);
  const shown = names.length > 6 ? [...names.slice(0, 5), `${names.length - 5} more`] : names;
  return `${shown.join('+')} ${describeNode(node)}`;
}

export const elementwiseRules = { fusedElementwise: lowerElementwise } satisfies Partial<LoweringTable>;
