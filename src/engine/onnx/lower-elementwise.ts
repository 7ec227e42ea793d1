import { sizeOf } from '../../graph/graph.ts';
import type { ActivationKind } from '../../graph/ops/activation.ts';
import type { LoweringTable, OnnxBuilder } from './lowering.ts';

/** 1 for values above zero, else 0. HardSigmoid with a huge slope is several times faster than Greater and Cast. */
function positiveMask(builder: OnnxBuilder, value: string): string {
  return builder.emit('HardSigmoid', [value], { alpha: { float: 1e30 }, beta: { float: 0 } });
}

function less(builder: OnnxBuilder, a: string, b: string): string {
  return builder.toFloat(builder.emit('Less', [a, b]));
}

function hardSigmoid(builder: OnnxBuilder, value: string): string {
  return builder.emit('HardSigmoid', [value], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
}

function lowerActivation(builder: OnnxBuilder, kind: ActivationKind, x: string): string {
  switch (kind) {
    case 'relu':
      return builder.emit('Relu', [x]);
    case 'relu6':
      return builder.emit('Clip', [x, builder.float(0), builder.float(6)]);
    case 'sigmoid':
      return builder.emit('Sigmoid', [x]);
    case 'silu':
      return builder.emit('Mul', [x, builder.emit('Sigmoid', [x])]);
    case 'hardSigmoid':
      return hardSigmoid(builder, x);
    case 'hardSwish':
      return builder.emit('Mul', [x, hardSigmoid(builder, x)]);
  }
}

/** The slope of an activation; `value` is its output or its input, as `slopeFromOutput` says. */
function lowerSlope(builder: OnnxBuilder, kind: ActivationKind, value: string): string {
  const emit = builder.emit.bind(builder);
  const one = builder.float(1);
  switch (kind) {
    case 'relu':
      return positiveMask(builder, value);
    case 'relu6':
      return emit('Mul', [positiveMask(builder, value), less(builder, value, builder.float(6))]);
    case 'sigmoid':
      return emit('Mul', [value, emit('Sub', [one, value])]);
    case 'silu': {
      const s = emit('Sigmoid', [value]);
      return emit('Mul', [s, emit('Add', [one, emit('Mul', [value, emit('Sub', [one, s])])])]);
    }
    case 'hardSigmoid': {
      const inside = emit('Mul', [positiveMask(builder, value), less(builder, value, one)]);
      return emit('Mul', [inside, builder.float(1 / 6)]);
    }
    case 'hardSwish': {
      const inside = emit('Mul', [less(builder, value, builder.float(3)), less(builder, builder.float(-3), value)]);
      const sixth = emit('Mul', [value, builder.float(1 / 6)]);
      return emit('Add', [hardSigmoid(builder, value), emit('Mul', [inside, sixth])]);
    }
  }
}

/**
 * The sum of many elements, first of rows, then of the rows' sums. ReduceSum adds up in one float32: over the 1.8 million
 * squares of a gradient it was wrong by 7e-4.
 */
function sumInStages(builder: OnnxBuilder, x: string, size: number): string {
  const length = 1024;
  const rows = Math.ceil(size / length);
  const padded = builder.pad(builder.reshape(x, [size]), [0], [rows * length - size]);
  return builder.reduceSum(builder.reduceSum(builder.reshape(padded, [rows, length]), [1], false), [0], false);
}

/** Rules for element-by-element ops, reductions, matrix products and changes of shape. */
export const elementwiseRules = {
  add: ({ builder, values }) => builder.emit('Add', values),
  sub: ({ builder, values }) => builder.emit('Sub', values),
  mul: ({ builder, values }) => builder.emit('Mul', values),
  div: ({ builder, values }) => builder.emit('Div', values),
  minimum: ({ builder, values }) => builder.emit('Min', values),
  maximum: ({ builder, values }) => builder.emit('Max', values),
  exp: ({ builder, values }) => builder.emit('Exp', values),
  log: ({ builder, values }) => builder.emit('Log', values),
  sqrt: ({ builder, values }) => builder.emit('Sqrt', values),
  greater: ({ builder, values: [a, b] }) => less(builder, b, a),
  scale: ({ builder, values: [x], attributes }) => builder.emit('Mul', [x, builder.float(attributes.factor)]),
  activation: ({ builder, values: [x], attributes }) => lowerActivation(builder, attributes.kind, x),
  activationGradient: ({ builder, values: [dy, value], attributes }) =>
    builder.emit('Mul', [dy, lowerSlope(builder, attributes.kind, value)]),

  reduceSum: ({ builder, values: [x], attributes: { axes, keepDims }, inputs: [input] }) => {
    const size = sizeOf(input.shape);
    const whole = axes.length === input.shape.length && !keepDims;
    return whole && size > 2 ** 14 ? sumInStages(builder, x, size) : builder.reduceSum(x, axes, keepDims);
  },
  reduceMean: ({ builder, values: [x], attributes: { axes, keepDims }, inputs: [input] }) => {
    if (axes.join() === '2,3' && keepDims && input.shape.length === 4) return builder.emit('GlobalAveragePool', [x]);
    return builder.emit('ReduceMean', [x], { axes, keepdims: keepDims ? 1 : 0 });
  },
  broadcastTo: ({ builder, values: [x], attributes }) => builder.emit('Expand', [x, builder.shape(attributes.shape)]),
  matMul: ({ builder, values: [a, b], attributes: { transposeA, transposeB }, inputs }) =>
    builder.matMul(a, b, transposeA, transposeB, inputs[0].shape.length, inputs[1].shape.length),

  reshape: ({ builder, values: [x], attributes }) => builder.reshape(x, attributes.shape),
  transpose: ({ builder, values, attributes }) => builder.emit('Transpose', values, { perm: attributes.permutation }),
  concat: ({ builder, values, attributes }) => builder.emit('Concat', values, { axis: attributes.axis }),
  split: ({ builder, values: [x], attributes: { axis, sizes } }) => {
    // A GPU binds few buffers per shader: there, a split into many parts becomes many slices.
    if (builder.options.contrib || sizes.length <= 4) {
      return builder.emitAll('Split', [x, builder.int64s(sizes)], { axis }, sizes.length);
    }
    let start = 0;
    return sizes.map((size) => {
      start += size;
      return builder.slice(x, [start - size], [start], [axis]);
    });
  },
  slice: ({ builder, values: [x], attributes: { axis, start, end } }) => builder.slice(x, [start], [end], [axis]),
  pad: ({ builder, values: [x], attributes }) => builder.pad(x, attributes.before, attributes.after),
} satisfies Partial<LoweringTable>;
