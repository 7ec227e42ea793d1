import { type ConstantAttributes, formatShape, type GraphNode, type Shape, type Tensor } from '../../graph/graph.ts';
import type { ActivationAttributes, ActivationKind } from '../../graph/ops/activation.ts';
import type { MatMulAttributes } from '../../graph/ops/matmul.ts';
import type { AdaptiveAvgPoolAttributes, PoolingAttributes } from '../../graph/ops/pooling.ts';
import type { ReductionAttributes, ScaleAttributes } from '../../graph/ops/reduction.ts';
import type { ResizeAttributes } from '../../graph/ops/resize.ts';
import type {
  ConcatAttributes,
  PadAttributes,
  SliceAttributes,
  SplitAttributes,
  TransposeAttributes,
} from '../../graph/ops/shape.ts';
import type { SoftmaxAttributes } from '../../graph/ops/softmax.ts';
import { FaceparseError } from '../../text/errors.ts';
import { resizeFactor } from './size-reference.ts';

/** A Python expression. One with an outermost operator is not `closed`: it needs parentheses inside another operator. */
export interface Expression {
  readonly text: string;
  readonly closed: boolean;
}

/** The input of an op's rule. */
interface OpCall {
  readonly node: GraphNode;
  /** The output of the node to compute. */
  readonly output: Tensor;
  /** The inputs, as arguments of a function. */
  readonly inputs: readonly string[];
  /** The inputs, as operands of an operator or objects of a method. */
  readonly operands: readonly string[];
  /** The tensor that determines height and width, and its name. */
  readonly reference: SizeReference | undefined;
}

interface SizeReference {
  readonly tensor: Tensor;
  readonly text: string;
}

type OpRule = (call: OpCall) => Expression;

/** The activations as functions, and as modules at the end of an `nn.Sequential`. */
export const activationNames: Readonly<Record<ActivationKind, { function: string; module: string }>> = {
  relu: { function: 'F.relu', module: 'nn.ReLU' },
  relu6: { function: 'F.relu6', module: 'nn.ReLU6' },
  sigmoid: { function: 'torch.sigmoid', module: 'nn.Sigmoid' },
  silu: { function: 'F.silu', module: 'nn.SiLU' },
  hardSigmoid: { function: 'F.hardsigmoid', module: 'nn.Hardsigmoid' },
  hardSwish: { function: 'F.hardswish', module: 'nn.Hardswish' },
};

/** Python functions that rules call; the code of a network contains those that it uses. */
export const helperFunctions: Readonly<Record<string, string>> = {
  coordinates: `def coordinates(x):
    """Returns the coordinates of each pixel of x, from -1 (left, top) to 1 (right, bottom): N x 2 x H x W."""
    batch, _, height, width = x.shape
    columns = (torch.arange(width, dtype=x.dtype, device=x.device) + 0.5) / width * 2 - 1
    rows = (torch.arange(height, dtype=x.dtype, device=x.device) + 0.5) / height * 2 - 1
    grid = torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)])
    return grid.expand(batch, 2, height, width)`,
  grid_means: `def grid_means(x, height, width):
    """Averages x over the cells of a grid with at most as many cells as x has pixels."""
    return F.adaptive_avg_pool2d(x, (min(height, x.shape[2]), min(width, x.shape[3])))`,
  resize_like: `def resize_like(x, reference, align_corners=False):
    """Resizes x bilinearly to the height and width of the reference."""
    return F.interpolate(x, size=reference.shape[2:], mode="bilinear", align_corners=align_corners)`,
};

function attributesOf<Attributes>({ node }: OpCall): Attributes {
  return node.attributes as Attributes;
}

/** A call or another expression that needs no parentheses. */
function closed(text: string): Expression {
  return { text, closed: true };
}

function operator(symbol: string): OpRule {
  return ({ operands: [a, b] }) => ({ text: `${a} ${symbol} ${b}`, closed: false });
}

function method(name: string): OpRule {
  return ({ operands: [x] }) => closed(`${x}.${name}()`);
}

/** `torch.minimum` and `torch.maximum` require two tensors; a number becomes a bound of `clamp`. */
function extremum(name: 'minimum' | 'maximum', bound: 'max' | 'min'): OpRule {
  return ({ node, inputs, operands }) => {
    const number = node.inputs.findIndex((input) => input.node.op === 'constant');
    if (number < 0) return closed(`torch.${name}(${inputs.join(', ')})`);
    return closed(`${operands[1 - number]}.clamp(${bound}=${inputs[number]})`);
  };
}

function reduction(name: 'mean' | 'sum'): OpRule {
  return (call) => {
    const { axes, keepDims } = attributesOf<ReductionAttributes>(call);
    const rank = call.node.inputs[0].shape.length;
    if (name === 'mean' && keepDims && rank === 4 && axes.join() === '2,3') {
      return closed(`F.adaptive_avg_pool2d(${call.inputs[0]}, 1)`);
    }
    return closed(
      `${call.operands[0]}.${name}(dim=${axes.length === 1 ? axes[0] : tuple(axes)}${keepDims ? ', keepdim=True' : ''})`,
    );
  };
}

function pooling(name: string, ...last: readonly string[]): OpRule {
  return (call) => {
    const { kernel, stride, padding } = attributesOf<PoolingAttributes>(call);
    const options = [call.inputs[0], pair(kernel)];
    if (pair(stride) !== pair(kernel)) options.push(`stride=${pair(stride)}`);
    if (padding.some((value) => value > 0)) options.push(`padding=${pair(padding)}`, ...last);
    return closed(`${name}(${options.join(', ')})`);
  };
}

/** Whether a pooling belongs to `pyramidPooling` of src/nn/pyramid-pooling.ts, whose grids have at most a cell for each pixel. */
function limitsGrid({ module }: GraphNode): boolean {
  return module?.kind === 'PyramidPooling';
}

const resize: OpRule = (call) => {
  const { mode } = attributesOf<ResizeAttributes>(call);
  const [x] = call.inputs;
  const aligned = mode === 'bilinear-align-corners';
  if (call.reference && mode !== 'nearest') {
    return closed(`resize_like(${x}, ${call.reference.text}${aligned ? ', align_corners=True' : ''})`);
  }
  const factor = resizeFactor(call.node);
  if (!call.reference && !factor) {
    const change = `${formatShape(call.node.inputs[0].shape)} to ${formatShape(call.output.shape)}`;
    throw new FaceparseError(`cannot determine what the size of the resize from ${change} depends on`);
  }
  const size = call.reference ? `size=${call.reference.text}.shape[2:]` : `scale_factor=${factor}`;
  const options =
    mode === 'nearest' ? 'mode="nearest"' : `mode="bilinear", align_corners=${aligned ? 'True' : 'False'}`;
  return closed(`F.interpolate(${x}, ${size}, ${options})`);
};

const matMul: OpRule = (call) => {
  const { transposeA, transposeB } = attributesOf<MatMulAttributes>(call);
  const side = (index: number, transposed: boolean) =>
    transposed ? `${call.operands[index]}.transpose(-2, -1)` : call.operands[index];
  return { text: `${side(0, transposeA)} @ ${side(1, transposeB)}`, closed: false };
};

/** `x[:, 2:4]`: a range along one axis; ends of the axis are omitted. */
function part(x: string, shape: Shape, axis: number, start: number, end: number): Expression {
  const range = `${start === 0 ? '' : start}:${end === shape[axis] ? '' : end}`;
  return closed(`${x}[${[...new Array<string>(axis).fill(':'), range].join(', ')}]`);
}

const split: OpRule = (call) => {
  const { axis, sizes } = attributesOf<SplitAttributes>(call);
  const start = sizes.slice(0, call.output.index).reduce((sum, size) => sum + size, 0);
  const { shape } = call.node.inputs[0];
  return part(call.operands[0], shape, axis, start, start + sizes[call.output.index]);
};

const pad: OpRule = (call) => {
  const { before, after } = attributesOf<PadAttributes>(call);
  // PyTorch lists the axes from last to first.
  const amounts = before.flatMap((amount, axis) => [[amount, after[axis]]]).reverse();
  while (amounts.length > 1 && amounts.at(-1)!.every((amount) => amount === 0)) amounts.pop();
  return closed(`F.pad(${call.inputs[0]}, ${tuple(amounts.flat())})`);
};

/** How each op of an inference graph is written in PyTorch; layers with weights are modules and not listed. */
const rules: Readonly<Record<string, OpRule>> = {
  constant: ({ reference }) => closed(`coordinates(${reference?.text})`),
  activation: (call) =>
    closed(`${activationNames[attributesOf<ActivationAttributes>(call).kind].function}(${call.inputs[0]})`),
  add: operator('+'),
  sub: operator('-'),
  mul: operator('*'),
  div: operator('/'),
  minimum: extremum('minimum', 'max'),
  maximum: extremum('maximum', 'min'),
  greater: ({ operands: [a, b] }) => closed(`(${a} > ${b}).float()`),
  exp: method('exp'),
  log: method('log'),
  sqrt: method('sqrt'),
  scale: (call) => ({ text: `${call.operands[0]} * ${attributesOf<ScaleAttributes>(call).factor}`, closed: false }),
  reduceMean: reduction('mean'),
  reduceSum: reduction('sum'),
  maxPool: pooling('F.max_pool2d'),
  avgPool: pooling('F.avg_pool2d', 'count_include_pad=False'),
  adaptiveAvgPool: (call) => {
    const { size } = attributesOf<AdaptiveAvgPoolAttributes>(call);
    if (limitsGrid(call.node)) return closed(`grid_means(${call.inputs[0]}, ${size.join(', ')})`);
    return closed(`F.adaptive_avg_pool2d(${call.inputs[0]}, ${pair(size)})`);
  },
  resize,
  softmax: (call) => closed(`F.softmax(${call.inputs[0]}, dim=${attributesOf<SoftmaxAttributes>(call).axis})`),
  logSoftmax: (call) => closed(`F.log_softmax(${call.inputs[0]}, dim=${attributesOf<SoftmaxAttributes>(call).axis})`),
  matMul,
  concat: (call) => closed(`torch.cat([${call.inputs.join(', ')}], dim=${attributesOf<ConcatAttributes>(call).axis})`),
  split,
  slice: (call) => {
    const { axis, start, end } = attributesOf<SliceAttributes>(call);
    return part(call.operands[0], call.node.inputs[0].shape, axis, start, end);
  },
  pad,
  transpose: (call) =>
    closed(`${call.operands[0]}.permute(${attributesOf<TransposeAttributes>(call).permutation.join(', ')})`),
  reshape: (call) => closed(`${call.operands[0]}.reshape(${extents(call)})`),
  broadcastTo: (call) => closed(`${call.operands[0]}.expand(${extents(call)})`),
};

/**
 * Writes one value as a Python expression.
 *
 * @param inputs the node's inputs in their order; numbers are written out by `constantExpression`
 * @throws FaceparseError for an op that has no rule
 */
export function opExpression(
  output: Tensor,
  inputs: readonly Expression[],
  reference: SizeReference | undefined,
): Expression {
  const { node } = output;
  const rule = rules[node.op];
  if (!rule) {
    throw new FaceparseError(
      `the op '${node.op}' cannot be exported to PyTorch yet; add a rule to src/export/pytorch/pytorch-ops.ts`,
    );
  }
  const operands = inputs.map(({ text, closed }) => (closed ? text : `(${text})`));
  return rule({ node, output, inputs: inputs.map(({ text }) => text), operands, reference });
}

/** A constant as a Python number. @throws FaceparseError if it has several values */
export function constantExpression(tensor: Tensor): Expression {
  const { data } = tensor.node.attributes as ConstantAttributes;
  if (data.length !== 1) {
    throw new FaceparseError(
      `a constant of ${formatShape(tensor.shape)} values cannot be exported to PyTorch; make it a state`,
    );
  }
  return { text: String(shortest(data[0])), closed: data[0] >= 0 };
}

/** The shortest number with the same value in single precision: 0.1 instead of 0.10000000149011612. */
function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === Math.fround(value)) return rounded;
  }
  return value;
}

/** The extents of the output, taken from the reference if they equal, are a multiple of, or are a product of its extents. */
function extents({ output, reference }: OpCall): string {
  const { tensor, text } = reference!;
  if (formatShape(tensor.shape) === formatShape(output.shape)) return `${text}.shape`;
  return output.shape.map((extent, axis) => extentOf(extent, axis, tensor.shape, text)).join(', ');
}

const largestFactor = 16;

function extentOf(extent: number, axis: number, shape: Shape, x: string): string {
  const of = (index: number) => `${x}.shape[${index}]`;
  if (shape[axis] === extent && (extent > 1 || axis === 0)) return of(axis);
  for (const [index, own] of shape.entries()) {
    // Small extents belong to channels and ops; images are larger.
    if (own <= largestFactor) continue;
    if (own === extent) return of(index);
    if (own % extent === 0 && own / extent <= largestFactor) return `${of(index)} // ${own / extent}`;
    if (extent % own === 0 && extent / own <= largestFactor) return `${of(index)} * ${extent / own}`;
    const other = shape.findIndex((value, place) => place > index && own * value === extent);
    if (other >= 0) return `${of(index)} * ${of(other)}`;
  }
  return String(extent);
}

/** `(2, 3)`. */
function tuple(values: readonly number[]): string {
  return `(${values.join(', ')})`;
}

/** A number for both directions, or a pair. */
export function pair([vertical, horizontal]: readonly [number, number]): string {
  return vertical === horizontal ? String(vertical) : `(${vertical}, ${horizontal})`;
}
