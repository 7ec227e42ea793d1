import { sizeOf } from '../../graph/graph.ts';
import { adaptiveRanges, type PoolingAttributes } from '../../graph/ops/pooling.ts';
import { type ResizeMode, resizeTaps } from '../../graph/ops/resize.ts';
import type { LoweringCall, LoweringTable, OnnxBuilder } from './lowering.ts';

type Four = readonly [number, number, number, number];

/** ONNX's names of the rules by which output positions become input positions. */
const coordinateModes: Readonly<Record<ResizeMode, string>> = {
  nearest: 'asymmetric',
  bilinear: 'half_pixel',
  'bilinear-align-corners': 'align_corners',
};

/** The least finite number of single precision. */
const lowestFloat = -3.4028234663852886e38;

function poolAttributes({ kernel, stride, padding }: PoolingAttributes) {
  return { kernel_shape: kernel, strides: stride, pads: [...padding, ...padding] };
}

/** The matrix (output×input) of a resize along one axis. */
function resizeMatrix(builder: OnnxBuilder, input: number, output: number, mode: ResizeMode): string {
  const matrix = new Float32Array(output * input);
  resizeTaps(input, output, mode).forEach(({ low, high, fraction }, row) => {
    matrix[row * input + low] += 1 - fraction;
    matrix[row * input + high] += fraction;
  });
  return builder.floats(matrix, [output, input], `resize ${mode}`);
}

/** The matrix (output×input) of an adaptive average pooling along one axis. */
function adaptiveMatrix(builder: OnnxBuilder, input: number, output: number): string {
  const matrix = new Float32Array(output * input);
  adaptiveRanges(input, output).forEach(([start, end], row) => {
    matrix.fill(1 / (end - start), row * input + start, row * input + end);
  });
  return builder.floats(matrix, [output, input], 'adaptive');
}

/** vertical·x·horizontalᵀ on every channel: what separable linear maps of images are. */
function separable(builder: OnnxBuilder, x: string, vertical: string, horizontal: string): string {
  const rows = builder.matMul(x, horizontal, false, true, 4, 2);
  return builder.emit('MatMul', [vertical, rows]);
}

/** verticalᵀ·dy·horizontal: the gradient of `separable`. */
function separableGradient(builder: OnnxBuilder, dy: string, vertical: string, horizontal: string): string {
  const rows = builder.emit('MatMul', [dy, horizontal]);
  return builder.matMul(vertical, rows, true, false, 2, 4);
}

/** Reciprocals of the number of image pixels under each window, as a 1×1×H′×W′ constant. */
function windowShares(
  builder: OnnxBuilder,
  { kernel, stride, padding }: PoolingAttributes,
  input: readonly number[],
  output: readonly number[],
): string {
  const inside = (side: number, index: number) => {
    const start = index * stride[side] - padding[side];
    return Math.min(start + kernel[side], input[side]) - Math.max(start, 0);
  };
  const shares = new Float32Array(sizeOf(output));
  for (let row = 0; row < output[0]; row++) {
    for (let column = 0; column < output[1]; column++) {
      shares[row * output[1] + column] = 1 / (inside(0, row) * inside(1, column));
    }
  }
  return builder.tensor(shares, [1, 1, ...output]);
}

/** MaxPool's second output is the index of each maximum in the flattened input; dy is added there. */
function scatteredMaxPoolGradient({
  builder,
  values: [dy, x],
  attributes,
  inputs,
  output: { shape },
}: LoweringCall<PoolingAttributes>): string {
  const [, places] = builder.emitAll('MaxPool', [x], poolAttributes(attributes), 2);
  const length = sizeOf(inputs[0].shape);
  const zeros = builder.emit('Expand', [builder.float(0), builder.int64s([sizeOf(shape)])]);
  const scattered = builder.emit(
    'ScatterElements',
    [zeros, builder.reshape(places, [length]), builder.reshape(dy, [length])],
    { axis: 0, reduction: 'add' },
  );
  return builder.reshape(scattered, shape);
}

/**
 * The same for WebGPU, whose MaxPool returns no indices: the input at each position of the window is compared with the
 * maximum, dy goes to the first that is equal, and a transposed convolution brings every position back to its pixel.
 */
function comparedMaxPoolGradient({
  builder,
  values: [dy, x, y],
  attributes,
  inputs,
  output: { shape },
}: LoweringCall<PoolingAttributes>): string {
  const { kernel, stride, padding } = attributes;
  const [n, channels, height, width] = shape as unknown as Four;
  const pooled = inputs[0].shape.slice(2) as [number, number];
  const pads = [0, 0, padding[0], padding[1]];
  // Padding must not be the maximum.
  const padded = padding.some((amount) => amount > 0)
    ? builder.emit('Pad', [x, builder.int64s([...pads, ...pads]), builder.float(lowestFloat)])
    : x;
  let free = '';
  const shares: string[] = [];
  for (let row = 0; row < kernel[0]; row++) {
    for (let column = 0; column < kernel[1]; column++) {
      const ends = [row + (pooled[0] - 1) * stride[0] + 1, column + (pooled[1] - 1) * stride[1] + 1];
      const seen = builder.slice(padded, [row, column], ends, [2, 3], stride);
      const equal = builder.toFloat(builder.emit('Equal', [seen, y]));
      const first = free ? builder.emit('Mul', [equal, free]) : equal;
      shares.push(builder.reshape(builder.emit('Mul', [dy, first]), [n * channels, 1, ...pooled]));
      free = builder.emit('Sub', [free || builder.float(1), first]);
    }
  }
  const taps = shares.length;
  const places = new Float32Array(taps * taps);
  for (let tap = 0; tap < taps; tap++) places[tap * taps + tap] = 1;
  const joined = taps === 1 ? shares[0] : builder.emit('Concat', shares, { axis: 1 });
  const rest = [height, width].map(
    (size, side) => size + 2 * padding[side] - (pooled[side] - 1) * stride[side] - kernel[side],
  );
  const back = builder.emit('ConvTranspose', [joined, builder.floats(places, [taps, 1, ...kernel], 'places')], {
    ...poolAttributes(attributes),
    output_padding: rest,
  });
  return builder.reshape(back, shape);
}

/** Rules for pooling and resizing. */
export const poolingRules = {
  maxPool: ({ builder, values, attributes }) => builder.emit('MaxPool', values, poolAttributes(attributes)),
  maxPoolGradient: (call) =>
    call.builder.options.contrib ? scatteredMaxPoolGradient(call) : comparedMaxPoolGradient(call),

  avgPool: ({ builder, values, attributes }) =>
    builder.emit('AveragePool', values, { ...poolAttributes(attributes), count_include_pad: 0 }),
  avgPoolGradient: ({ builder, values: [dy], attributes, inputs: [dyTensor] }) => {
    const [n, channels, height, width] = attributes.shape as [number, number, number, number];
    const pooled = dyTensor.shape.slice(2);
    const { kernel, stride, padding } = attributes;
    const shares = builder.emit('Mul', [dy, windowShares(builder, attributes, [height, width], pooled)]);
    const rest = [height, width].map(
      (size, side) => size + 2 * padding[side] - (pooled[side] - 1) * stride[side] - kernel[side],
    );
    const ones = builder.floats(new Float32Array(sizeOf(kernel)).fill(1), [1, 1, ...kernel], 'ones');
    const spread = builder.emit('ConvTranspose', [builder.reshape(shares, [n * channels, 1, ...pooled]), ones], {
      strides: stride,
      kernel_shape: kernel,
      pads: [0, 0, 0, 0],
    });
    // The gradient is zero where no window covers the input; padding is cut off, and missing edges are added.
    const covered = pooled.map((size, side) => (size - 1) * stride[side] + kernel[side]);
    const ends = covered.map((size, side) => Math.min(size, padding[side] + attributes.shape[2 + side]));
    const cut = builder.slice(spread, padding, ends, [2, 3]);
    const whole = builder.pad(
      cut,
      [0, 0, 0, 0],
      [0, 0, ...rest.map((amount, side) => Math.max(0, amount - padding[side]))],
    );
    return builder.reshape(whole, attributes.shape);
  },

  adaptiveAvgPool: ({ builder, values: [x], attributes: { size }, inputs: [input] }) => {
    const [height, width] = input.shape.slice(2) as [number, number];
    return separable(builder, x, adaptiveMatrix(builder, height, size[0]), adaptiveMatrix(builder, width, size[1]));
  },
  adaptiveAvgPoolGradient: ({ builder, values: [dy], attributes: { size, shape } }) => {
    const [height, width] = shape.slice(2) as [number, number];
    return separableGradient(
      builder,
      dy,
      adaptiveMatrix(builder, height, size[0]),
      adaptiveMatrix(builder, width, size[1]),
    );
  },

  resize: ({ builder, values: [x], attributes: { mode, size }, inputs: [input], output: { shape } }) => {
    const [height, width] = input.shape.slice(2) as [number, number];
    const whole = size[0] % height === 0 && size[1] % width === 0;
    if (mode === 'nearest' && !whole) {
      // ONNX computes the positions in float32, which is off by one pixel for some sizes.
      const places = (from: number, to: number) =>
        builder.int32s(
          resizeTaps(from, to, 'nearest').map((tap) => tap.low),
          [to],
        );
      const rows = builder.emit('Gather', [x, places(height, size[0])], { axis: 2 });
      return builder.emit('Gather', [rows, places(width, size[1])], { axis: 3 });
    }
    return builder.emit('Resize', [x, '', '', builder.shape(shape)], {
      mode: mode === 'nearest' ? 'nearest' : 'linear',
      coordinate_transformation_mode: coordinateModes[mode],
      ...(mode === 'nearest' && { nearest_mode: 'floor' }),
    });
  },
  resizeGradient: ({ builder, values: [dy], attributes: { mode, size, shape } }) => {
    const [height, width] = shape.slice(2) as [number, number];
    return separableGradient(
      builder,
      dy,
      resizeMatrix(builder, height, size[0], mode),
      resizeMatrix(builder, width, size[1], mode),
    );
  },
} satisfies Partial<LoweringTable>;
